"""Bodies that are drawn, forked after calls of theirs that are drawn: what came before stands, the rest is new (RB.14)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS

from tests.services.napping import every_sleep_is_long
from tests.services.posting import carried_out
from tests.services.pricing import answered, begun, forked, returned
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.recorded import now, uuid4
from workflows.engine.runtime import interrupt
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.models import Interrupt, Thread
from workflows.services import registry
from workflows.services.children import start_child
from workflows.services.signals import send_signal
from workflows.services.sleepers import wake
from workflows.storage import sealing
from workflows.storage.bodies import RecordedCall, calls_at, steps_with_calls

assert every_sleep_is_long

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.14")]

Part = tuple[str, Any]
"""What a body does, and how: with a "nest", the parts of the body of the task that it calls."""

_CALLS = ("call", "now", "nest")
_NODE = "<lambda>"


@task
def draw_on(what: Any) -> str:
    return f"{what} {uuid4()}"


@task
def nest(parts: list[Part]) -> list[Any]:
    return [do(part) for part in parts]


DOING: dict[str, Callable[[Any], Any]] = {
    "call": lambda how: draw_on(how).result(),
    "now": lambda _: now().isoformat(),
    "nest": lambda parts: nest(parts).result(),
    "side": lambda many: [call.result() for call in [draw_on(n) for n in range(many)]],
    "ask": lambda _: interrupt("What?"),
    "keyed": lambda how: interrupt("What?", key=f"key {how}"),
    "signal": lambda _: wait_signal("told"),
    "sleep": lambda _: sleep(60),
    "uuid": lambda _: str(uuid4()),
    "child": lambda _: start_child("child", "x").thread_id,
}


def do(part: Sequence[Any]) -> Any:
    what, how = part
    return DOING[what](how)


def drawn(die: Random, depth: int = 0) -> list[Part]:
    """What a body does, in order."""
    known = [what for what in DOING if what != "nest" or depth < 2]
    parts: list[Part] = []
    for number in range(die.randint(2, 5)):
        what = die.choice(["call", *known])
        how: Any = drawn(die, depth + 1) if what == "nest" else number
        parts.append((what, 2 if what == "side" else how))
    return parts


def carried_on(thread: Thread) -> None:
    """Answer, tell and wake the thread until it has ended; what it is given is its own."""
    for number in range(100):
        thread.refresh_from_db()
        assert thread.status != "error"
        if Interrupt.objects.filter(thread=thread, status="pending").exists():
            answered(thread, f"{thread.pk} {number}")
        elif thread.status == "waiting":
            send_signal(thread.pk, "told", f"{thread.pk} {number}")
            wake(thread.pk)
            carried_out()
        else:
            return
    raise AssertionError("it does not end")


def calls_of(thread: Thread) -> list[RecordedCall]:
    step = steps_with_calls(DEFAULT_DB_ALIAS, thread.pk)[0]
    return calls_at(DEFAULT_DB_ALIAS, thread.pk, step, sealing.vault())


def place_of(call: RecordedCall, calls: list[RecordedCall]) -> list[RecordedCall]:
    """The call and those it was made in, the outermost first."""
    outer = next((each for each in calls if each.id == call.body), None)
    return [call] if outer is None else [*place_of(outer, calls), call]


def compare(
    parts: list[Part], before: list[Any], after: list[Any], place: list[RecordedCall]
) -> None:
    """What stands is equal, and nothing else is; `sleep` gives the same always."""
    last, position = place[0].position, 0
    for (what, how), one, other in zip(parts, before, after, strict=True):
        stands = position <= last
        if what == "side":
            equal = [a == b for a, b in zip(one, other, strict=True)]
            assert equal == [position + n <= last for n in range(how)]
            position += how
        elif what == "nest" and position == last and len(place) > 1:
            compare(how, one, other, place[1:])
            position += 1
        else:
            assert (one == other) is stands or what in ("sleep", "nest")
            position += what in _CALLS


@pytest.mark.parametrize("seed", range(8))
def test_what_stands_is_what_the_body_did_before(seed: int) -> None:
    die = Random(seed)
    parts = [("call", 0), *drawn(die)]
    registry.register(entrypoint()(lambda given: given), name="child")
    thread = begun(lambda given: [do(part) for part in parts])
    carried_on(thread)
    first = returned(thread)

    for _ in range(2):
        source = thread
        for _ in range(2):
            calls = calls_of(source)
            place = place_of(die.choice(calls), calls)
            name = "/".join(f"{call.name}#{call.number + 1}" for call in place)
            fork = forked(source, f"{_NODE}/{name}")
            carried_on(fork)
            compare(parts, returned(source), returned(fork), place)
            source = fork

    assert returned(thread) == first
