"""A thread that could not be opened, or whose caller left meanwhile, is free for the next run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb.checkpoint.base import BaseCheckpointSaver
from durableweb.checkpoint.memory import InMemorySaver
from tests.support.taking import SlowToSay, leave_while_taken

pytestmark = pytest.mark.rule("RA.1")


class Unreadable(InMemorySaver):
    """Its table cannot be read, once."""

    fails = True

    def get_tuple(self, config: Any) -> Any:
        failed, self.fails = self.fails, False
        if failed:
            raise OSError("no such table")
        return super().get_tuple(config)


class UnreadableAsync(InMemorySaver):
    """The same for the async methods."""

    fails = True

    async def aget_tuple(self, config: Any) -> Any:
        failed, self.fails = self.fails, False
        if failed:
            raise OSError("no such table")
        return await super().aget_tuple(config)


def test_a_head_that_cannot_be_read_leaves_the_thread_free() -> None:
    saver = Unreadable()

    with pytest.raises(OSError, match="no such table"):
        saver.open("t", "some head")

    saver.close(saver.open("t", None))


@pytest.mark.parametrize("make", [Unreadable, UnreadableAsync])
def test_a_head_that_cannot_be_read_leaves_the_thread_free_for_coroutines(
    make: type[InMemorySaver],
) -> None:
    saver = make()

    async def go() -> None:
        with pytest.raises(OSError, match="no such table"):
            await saver.aopen("t", "some head")
        await saver.aclose(await saver.aopen("t", None))

    asyncio.run(go())


class Slow(SlowToSay, InMemorySaver):
    """Its async methods wait in a thread."""

    aopen = BaseCheckpointSaver.aopen


def test_a_caller_that_leaves_while_the_thread_is_taken_leaves_it_free() -> None:
    saver = Slow()

    async def go() -> None:
        await leave_while_taken(saver, saver.aopen("t", None))

    asyncio.run(go())

    saver.close(saver.open("t", None))
