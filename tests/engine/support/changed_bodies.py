"""Bodies of an entrypoint before and after a deploy, and what a check of their record has to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from durableweb.func import entrypoint, task
from durableweb.types import interrupt


class Tasks:
    """What the bodies call; counts each call that is really made."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()

        @task
        def price(n: int) -> int:
            self.made["price"] += 1
            return n * 10

        @task
        def book(n: int) -> str:
            self.made["book"] += 1
            return f"booked {n}"

        @task
        def pay(n: int) -> None:
            self.made["pay"] += 1
            raise ValueError(f"no money for {n}")

        self.price, self.book, self.pay = price, book, pay

    def flow(self, body: Body, saver: Any) -> Any:
        """The body as an entrypoint, always of the same name."""

        def flow(given: int) -> Any:
            return body(self, given)

        return entrypoint(checkpointer=saver)(flow)


Body = Callable[[Tasks, int], Any]


def old(t: Tasks, n: int) -> Any:
    cost = t.price(n).result()
    said = t.book(cost).result()
    return [said, interrupt("Really?"), interrupt("Sure?")]


def unchanged_in_effect(t: Tasks, n: int) -> Any:
    first, second = t.price(n), t.book(n * 10)
    return [second.result(), interrupt("Really?"), interrupt("Sure?"), first.result()]


def other_arguments(t: Tasks, n: int) -> Any:
    t.price(n + 1).result()
    return t.book(10).result()


def other_arguments_that_nobody_awaits(t: Tasks, n: int) -> Any:
    t.price(n), t.book(11)
    return interrupt("Really?")


def swallowed(t: Tasks, n: int) -> Any:
    try:
        t.price(n + 1).result()
    except Exception:  # noqa: BLE001 - a body that is too broad
        return "nothing"


def left_out(t: Tasks, n: int) -> Any:
    t.book(10).result()
    return interrupt("Really?")


def another_question(t: Tasks, n: int) -> Any:
    t.price(n).result(), t.book(10).result()
    return interrupt("Are you really sure?")


def no_question(t: Tasks, n: int) -> Any:
    return [t.price(n).result(), t.book(10).result()]


def under_a_key(t: Tasks, n: int) -> Any:
    t.price(n).result(), t.book(10).result()
    return interrupt("Really?", key="really")


def broken(t: Tasks, n: int) -> Any:
    t.price(n).result()
    raise KeyError("typo")


def one_more_call(t: Tasks, n: int) -> Any:
    t.price(n).result(), t.price(n).result()
    return old(t, n)


def caught(t: Tasks, n: int) -> Any:
    try:
        t.pay(n).result()
    except ValueError:
        return interrupt("Really?")


def not_caught(t: Tasks, n: int) -> Any:
    return [t.pay(n).result(), interrupt("Really?")]


@dataclass(frozen=True)
class Deploy:
    """`before` has begun the thread and `after` is checked: `differs` says in which words, "" that it fits.

    `answered` questions were answered before the check; `past` is what the check ends at.
    """

    name: str
    before: Body
    after: Body
    differs: str = ""
    answered: int = 0
    ended: str = "asked"
    past: str = ""


DEPLOYS = [
    Deploy("same", old, old),
    Deploy("same, answered", old, old, answered=1),
    Deploy("same, finished", old, old, answered=2, ended="returned"),
    Deploy("unchanged in effect", old, unchanged_in_effect),
    Deploy(
        "other arguments",
        old,
        other_arguments,
        r"'flow' called task 'price' \(call number 1 of that name\) with other arguments than "
        r"recorded: digest \w+, recorded \w+\. .*not made so far: book#1 .*fingerprint",
    ),
    Deploy(
        "other arguments, finished",
        old,
        other_arguments,
        "with other arguments than recorded",
        answered=2,
    ),
    Deploy(
        "other arguments that nobody awaits",
        old,
        other_arguments_that_nobody_awaits,
        "'book' .* with other arguments than recorded",
    ),
    Deploy("swallowed", old, swallowed, "with other arguments than recorded"),
    Deploy(
        "left out",
        old,
        left_out,
        r"'flow' ended without making calls that its record holds: price#1",
    ),
    Deploy(
        "another question",
        old,
        another_question,
        "'flow' now asks 'Are you really sure.' in the place of 'Really.'",
    ),
    Deploy(
        "another question, answered",
        old,
        another_question,
        "'flow' now asks 'Are you really sure.', which is not the question that was answered",
        answered=1,
    ),
    Deploy("no question", old, no_question, "'flow' does not ask question 'Really.'"),
    Deploy(
        "under a key",
        old,
        under_a_key,
        "now asks 'Really.' before it comes to question 'Really.'",
    ),
    Deploy("broken", old, broken, r"'flow' raised KeyError\('typo'\) where its record"),
    Deploy(
        "one more call",
        old,
        one_more_call,
        ended="past_record",
        past="task 'price', call number 2 of that name",
    ),
    Deploy("caught", caught, caught),
    Deploy("not caught", caught, not_caught, r"'flow' raised ValueError\('no money"),
]
