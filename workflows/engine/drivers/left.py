"""Has the reader of a stream let it go without closing it?"""

from __future__ import annotations

import weakref
from typing import Any


class Left:
    """Tells whether the reader of a stream has let it go.

    Whoever breaks out of `async for` drops the stream; that it is closed comes later, when the event
    loop gets to it, and the next call on the thread may well come before.
    """

    def __init__(self) -> None:
        self._stream: weakref.ref[Any] | None = None

    def watch(self, stream: Any) -> None:
        """Look at this stream from now on."""
        self._stream = weakref.ref(stream)

    def __bool__(self) -> bool:
        return self._stream is not None and self._stream() is None
