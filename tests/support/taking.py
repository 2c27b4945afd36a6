"""A caller that leaves while its thread is being taken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

PATIENCE_S = 60


class SlowToSay:
    """Of a saver: it has taken the thread, and takes its time to say so."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = threading.Event()
        self.go_on = threading.Event()

    def open(self, *given: Any) -> Any:
        """Take the thread; return when the test says."""
        place = super().open(*given)  # type: ignore[misc] # the saver's
        self.taken.set()
        self.go_on.wait(PATIENCE_S)
        return place


async def leave_while_taken(saver: SlowToSay, call: Coroutine[Any, Any, Any]) -> None:
    """Cancel the call once its thread is taken, before it is told so."""
    calling = asyncio.create_task(call)
    await asyncio.to_thread(saver.taken.wait, PATIENCE_S)
    calling.cancel()
    await asyncio.sleep(0)
    saver.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await calling
