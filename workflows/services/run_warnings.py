"""What the engine warns of while a run is carried out, kept for the run's row and page.

The engine speaks through its logger; threads that it starts inherit the context of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ENGINE_LOGGER = "durableweb.engine"
MAX_WARNINGS = 50

_said: ContextVar[list[str] | None] = ContextVar("run_warnings", default=None)


class _Collector(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text for the run of this context, if there is one."""
        said = _said.get()
        if said is None or len(said) >= MAX_WARNINGS:
            return
        text = record.getMessage()
        if text not in said:
            said.append(text)


_collector = _Collector(logging.WARNING)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """The warnings of what is done inside the block, each once."""
    # Each time: configuring the logging again takes the handlers off such a logger.
    logging.getLogger(ENGINE_LOGGER).addHandler(_collector)
    said: list[str] = []
    token = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(token)
