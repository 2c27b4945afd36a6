"""Run a claimed graph to its end or to a question, and look up after each of its steps.

A graph with coroutines runs on an event loop of its own, on the worker's thread; what is
written for it goes through that same thread, and so through the worker's connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing, closing
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from workflows.models import Run
from workflows.services.custom_events import CustomEvents
from workflows.storage.claims import Claim

INTERRUPT_KEY = "__interrupt__"
WAIT_KEYS = {"__sleep__", "__wait__"}
_MODES = ["updates", "custom", "checkpoints"]


def drive(
    claim: Claim,
    graph: Any,
    value: Any,
    look_up: Callable[[], None],
    **settings: Any,
) -> Run.Status:
    """Hand `value` to the graph; how it stopped: at a question or a breakpoint, waiting, or at its end.

    `look_up` is called when a step is safely saved, and ends the run by raising.
    """
    config = {"configurable": {"thread_id": claim.thread_id, **settings}}
    heard = _Heard(claim, look_up)
    program = getattr(graph, "program", None)
    if program is None or program.plain:
        stream = graph.stream(value, config, stream_mode=_MODES, durability="sync")
        with closing(stream) as chunks:
            for mode, chunk in chunks:
                heard.take(mode, chunk)
    else:
        async_to_sync(_drive_coroutines)(graph, value, config, heard)
    heard.custom.flush()
    if heard.asks:
        return Run.Status.INTERRUPTED
    return Run.Status.WAITING if heard.waits else Run.Status.SUCCESS


async def _drive_coroutines(
    graph: Any, value: Any, config: dict[str, Any], heard: _Heard
) -> None:
    take = sync_to_async(heard.take, thread_sensitive=True)
    stream = graph.astream(value, config, stream_mode=_MODES, durability="sync")
    async with aclosing(stream) as chunks:
        async for mode, chunk in chunks:
            await take(mode, chunk)


class _Heard:
    """Takes what the graph tells while it runs."""

    def __init__(self, claim: Claim, look_up: Callable[[], None]) -> None:
        self.custom = CustomEvents(claim)
        self.asks = False
        self.waits = False
        self._look_up = look_up

    def take(self, mode: str, chunk: Any) -> None:
        if mode == "custom":
            self.custom.add(chunk)
        elif mode == "updates":
            keys = chunk if isinstance(chunk, Mapping) else ()
            self.waits = not WAIT_KEYS.isdisjoint(keys)
            self.asks = INTERRUPT_KEY in keys or (self.asks and self.waits)
        else:
            self._look_up()
