"""Who is told when a run pauses and when it goes on (R9.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from workflows.engine.types import Interrupt

_NO_HANDLERS = (str, bytes, int, float, dict, set, frozenset, list, tuple, type)
PauseStatus = Literal["pending", "interrupt_before", "interrupt_after"]
GraphLifecycleStatus = PauseStatus
"""How a run stopped, as its events say it."""


@dataclass(frozen=True)
class GraphInterruptEvent:
    """A run has paused: at questions ("pending") or at a static breakpoint, then without any.

    `run_id` is that of the graph's run where handlers hear of it, else that of the config, else of the run that holds
    the thread; `checkpoint_ns` is split at `|`.
    """

    run_id: Any
    status: PauseStatus
    checkpoint_id: str
    checkpoint_ns: tuple[str, ...]
    interrupts: tuple[Interrupt, ...]


@dataclass(frozen=True)
class GraphResumeEvent:
    """A run, or a subgraph that was begun before, goes on from this checkpoint."""

    run_id: Any
    status: PauseStatus
    checkpoint_id: str
    checkpoint_ns: tuple[str, ...]


GraphLifecycleEvent = GraphInterruptEvent | GraphResumeEvent
"""What a handler is told: that a run pauses, or that it goes on (R9.9)."""


class GraphCallbackHandler:
    """Base class for handlers in `config["callbacks"]`; other objects there are left alone.

    What a method raises is logged and the run goes on, unless `raise_error` is true. A method may be a coroutine
    function where the run is awaited.
    """

    raise_error = False

    # Of models and chains it is told nothing; langchain-core asks its handlers for these.
    run_inline = False
    ignore_llm = ignore_chat_model = ignore_chain = ignore_agent = True
    ignore_retriever = ignore_retry = ignore_custom_event = True

    def on_interrupt(self, event: GraphInterruptEvent) -> Any:
        """Hear that the run has paused and that the pause is saved; told once, at the root."""

    def on_resume(self, event: GraphResumeEvent) -> Any:
        """Hear that a run goes on without a new input; told at the root and in each subgraph that goes on."""


def handlers_in(callbacks: Any) -> tuple[GraphCallbackHandler, ...]:
    """The handlers of `config["callbacks"]` (a handler, a list, or an object with `handlers`), each once."""
    if callbacks is None:
        return ()
    found = getattr(callbacks, "handlers", callbacks)
    listed = found if isinstance(found, list | tuple) else [found]
    for each in listed:
        if isinstance(each, _NO_HANDLERS):
            raise TypeError(
                f"'callbacks' of the config has {each!r}; give a handler, a list of "
                "handlers, or an object with handlers"
            )
    mine = [each for each in listed if isinstance(each, GraphCallbackHandler)]
    return tuple({id(each): each for each in mine}.values())


def together(known: Any, given: Any) -> Any:
    """What two configs have as `callbacks`, each handler once; of a manager of langchain-core a copy is added to."""
    if known is None:
        return [*given] if isinstance(given, list) else given
    if hasattr(known, "merge") and hasattr(given, "merge"):
        return known.merge(given)
    is_given = hasattr(given, "add_handler")
    manager, others = (given, known) if is_given else (known, given)
    others = others if isinstance(others, list | tuple) else [others]
    if hasattr(manager, "add_handler"):
        manager = manager.copy()
        for handler in others:
            manager.add_handler(handler, inherit=True)
        return manager
    listed = known if isinstance(known, list | tuple) else [known]
    ids = {id(handler) for handler in listed}
    return [*listed, *(handler for handler in others if id(handler) not in ids)]
