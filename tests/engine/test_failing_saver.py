"""A saver that fails while a body makes calls: the run ends with its error, nobody waits."""

import asyncio
import threading
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task

PATIENCE_S = 60
CONFIG: Any = {"configurable": {"thread_id": "t"}}


class Full(InMemorySaver):
    """A saver whose disk has no room for what tasks return."""

    def put_writes(self, *args: Any, **kwargs: Any) -> None:
        raise OSError("no space left")


@task
def add(n: int) -> int:
    if n < 0:
        raise ValueError("negative")
    return n + 1


@task
async def aadd(n: int) -> int:
    if n < 0:
        raise ValueError("negative")
    return n + 1


def in_time(call: Any) -> Any:
    """What a call that could wait for ever has raised."""
    ended: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            ended.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(PATIENCE_S)
    assert not worker.is_alive(), "the run waits for what nobody will answer"
    assert len(ended) == 1
    return ended[0]


@pytest.mark.rule("R4.12")
@pytest.mark.parametrize("numbers", [[1, 2, 3], [-1, -2, -3], [1, -1]])
def test_a_body_that_goes_on_after_the_failure_still_ends(numbers: list[int]) -> None:
    told = []

    @entrypoint(checkpointer=Full())
    def flow(given: list[int]) -> Any:
        for n in given:
            try:
                add(n).result()
            except Exception as error:  # noqa: BLE001
                told.append(error)
        return [add(n).result() for n in given]

    error = in_time(lambda: flow.invoke(numbers, CONFIG))

    assert isinstance(error, OSError)
    assert "no space left" in str(error)
    assert any(isinstance(each, OSError) for each in told)


@pytest.mark.rule("R4.12")
def test_a_body_of_coroutines_ends_too() -> None:
    @entrypoint(checkpointer=Full())
    async def flow(given: list[int]) -> Any:
        for n in given:
            try:
                await aadd(n)
            except Exception:  # noqa: BLE001
                continue
        return [await aadd(n) for n in given]

    error = in_time(lambda: asyncio.run(flow.ainvoke([1, -1, 2], CONFIG)))

    assert isinstance(error, OSError)
