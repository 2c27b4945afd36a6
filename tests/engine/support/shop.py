"""Work that can be undone: what was done and undone is written down, in the order in which it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import RetryPolicy, compensate
from tests.engine.support.clocks import State

done: list[str] = []
broken: dict[str, int] = {}
"""How often what undoes this is still to fail."""
AT_ONCE = RetryPolicy(max_attempts=2, initial_interval=0, retry_on=Exception)


class Broken(Exception):
    """Of the author's own, so that a record cannot bring it back."""


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What has been done, emptied; who tries again does so at once."""
    policy = "workflows.engine.loop.undo_node.RETRY"
    monkeypatch.setattr(policy, RetryPolicy(0.0, max_attempts=3, retry_on=Exception))
    done.clear()
    broken.clear()
    yield done
    done.clear()
    broken.clear()


def give_back(what: Any) -> None:
    left = broken.get(str(what), 0)
    if left:
        broken[str(what)] = left - 1
        done.append(f"cannot give back {what}")
        raise Broken(f"no {what}")
    done.append(f"gave back {what}")


async def agive_back(what: Any) -> None:
    await asyncio.sleep(0)
    give_back(what)


def cancel_booking(what: Any, result: Any) -> None:
    done.append(f"cancelled {what} as {result}")


@task(retry_policy=AT_ONCE)
def refund(what: Any) -> None:
    give_back(what)


@task(undo=give_back)
def take(what: Any) -> str:
    done.append(f"took {what}")
    return f"<{what}>"


@task(undo=cancel_booking)
def book(what: Any) -> str:
    done.append(f"booked {what}")
    return what[0]


@task(undo=agive_back)
async def atake(what: Any) -> str:
    done.append(f"took {what}")
    return f"<{what}>"


class Till:
    """Functions that have a class for their place."""

    @staticmethod
    def close(what: Any) -> None:
        give_back(what)

    @classmethod
    def count(cls, what: Any) -> None:
        give_back(what)

    def open(self, what: Any) -> None:
        give_back(what)


def buy(*names: str) -> Any:
    """A node that does these one after the other, each with what undoes it."""

    def node(state: State) -> State:
        for name in names:
            done.append(f"did {name}")
            compensate(give_back, name)
        return {"log": [*names]}

    return node


def fail(state: State) -> State:
    raise Broken("too late")


def in_a_row(*nodes: Any, saver: Any = None, **more: Any) -> Any:
    built = StateGraph(State)
    for number, node in enumerate(nodes):
        name = f"n{number}"
        built.add_node(name, node, **more)
        built.add_edge(f"n{number - 1}" if number else START, name)
    return built.compile(checkpointer=saver or InMemorySaver())


def undone() -> list[str]:
    return [each for each in done if each.startswith(("gave", "cancelled", "cannot"))]
