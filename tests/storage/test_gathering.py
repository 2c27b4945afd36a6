"""Coroutines of one event loop have their savings carried out together (`storage/gathering.py`)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import pytest

from workflows.storage import gathering
from workflows.storage.gathering import MOST, line_at
from workflows.storage.savings import Saving, alone, asking
from workflows.storage.turns import Wish

here: ContextVar[str] = ContextVar("here", default="nobody")


class Place:
    """Where wishes are written: in memory, a group at a time, refusing what is told."""

    def __init__(self) -> None:
        self.groups: list[list[Any]] = []
        self.refused: set[Any] = set()
        self.hops = 0
        self.free = threading.Event()
        self.free.set()
        self.began = threading.Event()

    async def hop(self, function: Callable[[], None]) -> None:
        self.hops += 1
        await asyncio.to_thread(function)

    def write_all(self, wishes: Sequence[Wish]) -> None:
        self.began.set()
        assert self.free.wait(60)
        self.groups.append([wish.rows(None) for wish in wishes])
        for wish, number in zip(wishes, self.groups[-1], strict=True):
            if number in self.refused:
                wish.error = OSError(f"no room for {number}")
            else:
                wish.seq = number

    async def save(self, number: int, thread_id: str | None = None) -> Any:
        line = line_at(self, self.hop, self.write_all)
        return await line.carry_out(thread_id or f"t{number}", keeping(number))


def keeping(number: int) -> Saving[str]:
    seq = yield Wish(lambda _: number, relaxed=False)
    return f"{seq} by {here.get()}"


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place()
    assert not gathering._lines, "a line that nobody stands in is left"


def test_what_is_asked_for_while_one_hop_is_under_way_goes_with_the_next(place):
    async def story() -> list[Any]:
        return await asyncio.gather(*(place.save(number) for number in range(10)))

    told = asyncio.run(story())

    assert told == [f"{number} by nobody" for number in range(10)]
    assert place.groups == [[0], [*range(1, 10)]]
    assert place.hops == 2


def test_of_one_thread_the_second_goes_after_the_first(place):
    async def story() -> None:
        given = [(0, "a"), (1, "a"), (2, "b"), (3, "a"), (4, "b")]
        await asyncio.gather(*(place.save(*each) for each in given))

    asyncio.run(story())

    assert place.groups == [[0], [1, 2], [3, 4]]


def test_a_group_has_an_end(place):
    async def story() -> None:
        await asyncio.gather(*(place.save(number) for number in range(MOST + 20)))

    asyncio.run(story())

    assert [len(group) for group in place.groups] == [1, MOST, 19]


def test_what_was_answered_comes_again_before_the_next_group_goes(place):
    """Else half of the runs would be saved while the other half is at work."""

    async def run(name: str) -> None:
        for number in range(5):
            await place.save(number, name)
            await asyncio.create_task(asyncio.sleep(0))  # a node

    async def story() -> None:
        await asyncio.gather(*(run(f"t{number}") for number in range(6)))

    asyncio.run(story())

    assert [len(group) for group in place.groups][2:-1] == [6] * (len(place.groups) - 3)


def test_one_that_fails_fails_alone(place):
    place.refused.add(2)

    async def story() -> list[Any]:
        saving = (place.save(number) for number in range(4))
        return await asyncio.gather(*saving, return_exceptions=True)

    told = asyncio.run(story())

    assert [str(each) for each in told] == [
        "0 by nobody",
        "1 by nobody",
        "no room for 2",
        "3 by nobody",
    ]


def test_one_that_cannot_even_be_asked_for_fails_alone(place):
    def broken() -> None:
        raise ValueError("no such thing")

    async def story() -> list[Any]:
        line = line_at(place, place.hop, place.write_all)
        given = [place.save(1), line.carry_out("x", asking(broken)), place.save(2)]
        return await asyncio.gather(*given, return_exceptions=True)

    told = asyncio.run(story())

    assert [str(each) for each in told] == [
        "1 by nobody",
        "no such thing",
        "2 by nobody",
    ]


def test_each_is_carried_out_in_the_context_of_who_asked(place):
    async def one(number: int) -> Any:
        here.set(f"reviewer {number}")
        return await place.save(number)

    async def story() -> list[Any]:
        return await asyncio.gather(*(one(number) for number in range(3)))

    told = asyncio.run(story())

    assert told == [f"{number} by reviewer {number}" for number in range(3)]


def test_what_is_given_up_before_its_turn_is_not_begun(place):
    async def story() -> Any:
        place.free.clear()
        first = asyncio.ensure_future(place.save(1))
        assert await asyncio.to_thread(place.began.wait, 60)
        second = asyncio.ensure_future(place.save(2))
        third = asyncio.ensure_future(place.save(3))
        await asyncio.sleep(0)
        second.cancel()
        place.free.set()
        told = await asyncio.gather(first, third)
        assert second.cancelled()
        return told

    assert asyncio.run(story()) == ["1 by nobody", "3 by nobody"]
    assert place.groups == [[1], [3]]


def test_what_is_given_up_while_it_is_written_is_written(place):
    async def story() -> None:
        place.free.clear()
        first = asyncio.ensure_future(place.save(1))
        assert await asyncio.to_thread(place.began.wait, 60)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        place.free.set()
        await place.save(2, "t1")

    asyncio.run(story())

    assert place.groups == [[1], [2]]


def test_a_loop_that_ends_lets_its_runs_save_what_they_have_kept_back(place):
    """`asyncio.run` cancels all tasks, that of the line too, whether or not its hop has begun."""
    told: list[Any] = []

    async def run(number: int) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append(await asyncio.shield(place.save(number)))
            raise

    class Full(Place):
        """Its thread has other things to do: what hops is called later, if at all."""

        async def hop(self, function: Callable[[], None]) -> None:
            await asyncio.sleep(0.01)
            await super().hop(function)

    full = Full()

    async def one(number: int) -> None:
        told.append(await full.save(number))

    async def story() -> None:
        tasks = [asyncio.ensure_future(run(number)) for number in range(3)]
        tasks += [asyncio.ensure_future(late(one, number)) for number in (7, 8)]
        await asyncio.sleep(0)
        tasks.clear()

    async def late(work: Callable[[int], Awaitable[None]], number: int) -> None:
        saving = asyncio.ensure_future(work(number))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await work(number + 10)
            raise

    asyncio.run(story())

    assert sorted(number for group in place.groups for number in group) == [0, 1, 2]
    assert {"17 by nobody", "18 by nobody"} <= {*told}


def test_where_nobody_can_hop_all_are_told(place):
    async def refuse(function: Callable[[], None]) -> None:
        raise RuntimeError("no thread any more")

    place.hop = refuse

    async def story() -> list[Any]:
        saving = (place.save(number) for number in range(3))
        return await asyncio.gather(*saving, return_exceptions=True)

    told = asyncio.run(story())

    assert [str(each) for each in told] == ["no thread any more"] * 3


def test_loops_have_lines_of_their_own(place):
    async def story() -> None:
        await asyncio.gather(*(place.save(number) for number in range(20)))

    threads = [threading.Thread(target=asyncio.run, args=(story(),)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)

    assert sorted(number for group in place.groups for number in group) == sorted(
        [*range(20)] * 4
    )


def test_alone_a_saving_is_told_what_its_wishes_raise():
    def stubborn() -> Saving[str]:
        try:
            yield Wish(lambda _: 1, relaxed=False)
        except OSError as error:
            seq = yield Wish(lambda _: 2, relaxed=False)
            return f"{error}, then {seq}"
        return "written"

    def write(wish: Wish) -> int | None:
        number = wish.rows(None)
        if number == 1:
            raise OSError("not 1")
        return number

    assert alone(stubborn(), write) == "not 1, then 2"
