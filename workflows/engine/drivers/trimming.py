"""What tracers keep of a node's run, by the node's `TracePolicy` (R9.10)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from workflows.engine.types import TracePolicy

log = logging.getLogger("durableweb.engine")
_TRACERS = "langchain_core.tracers.base"


class Trimmed:
    """A tracer that is told what a policy leaves of a node's input and output, for one run."""

    def __init__(self, tracer: Any, policy: TracePolicy) -> None:
        self._tracer = tracer
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracer, name)

    def on_chain_start(self, serialized: Any, inputs: Any, **more: Any) -> Any:
        """The run begins."""
        shown = _made(self._policy.process_inputs, inputs)
        return self._tracer.on_chain_start(serialized, shown, **more)

    def on_chain_end(self, outputs: Any, **more: Any) -> Any:
        """The run ends."""
        shown = _made(self._policy.process_outputs, outputs)
        return self._tracer.on_chain_end(shown, **more)


def trimmed(handlers: list[Any], policy: TracePolicy) -> list[Any]:
    """These handlers for one run of a node; those that stream what is there hear of all of it."""
    kind = getattr(sys.modules.get(_TRACERS), "BaseTracer", None)
    return [
        Trimmed(each, policy)
        if kind is not None and isinstance(each, kind) and not shows_output(each)
        else each
        for each in handlers
    ]


def shows_output(handler: Any) -> bool:
    """Say whether a handler streams the output of each run, as that of `astream_events` does.

    Exporters may happen to have methods of the same names.
    """
    bases = type(handler).__mro__
    return any(base.__name__ == "_StreamingCallbackHandler" for base in bases)


def _made(process: Callable[[Any], Any] | None, value: Any) -> Any:
    if process is None:
        return value
    try:
        return process(value)
    except Exception:
        log.exception("a TracePolicy failed; the tracer is told of the whole value")
        return value
