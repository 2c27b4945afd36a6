"""Who of langchain-core hears of a graph as a run, with its nodes and tasks below it (R9.10).

Handlers stand in the config of a call, or around it: a chain hands its own to what is called inside in a context
variable. Whoever makes a handler has loaded that package, so it is not imported here to find out that there is none.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from workflows.engine.callbacks import together
from workflows.engine.config import configurable, merge_configs
from workflows.engine.loop.plan import callers_metadata
from workflows.engine.loop.run import Run

_CONFIGS = "langchain_core.runnables.config"
_HANDLERS = "langchain_core.callbacks.base"
_MANAGERS = "langchain_core.callbacks.manager"
_TRACERS = "langchain_core.tracers.context"
_OF_CHECKPOINTS = ("checkpoint_", "__")
_OF_FUNCTIONS = "LangGraph"  # what those who read events know an entrypoint by
_SWITCHES = (
    *("LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"),
    *("LANGSMITH_TRACING", "LANGCHAIN_TRACING"),
)


class Heard:
    """A call of a graph as a run: what handlers are told of it, and whom its tasks tell of themselves."""

    is_async = False
    opened: Any = None
    """langchain-core's manager of the run, once it has begun: it tells of its end."""

    def __init__(self, graph: Any, run: Run, own: dict[str, Any], found: Any) -> None:
        name = _OF_FUNCTIONS if run.program.functional else graph.get_name()
        self.name: str = own.get("run_name") or name
        self.run_id = _as_uuid(own.get("run_id"))
        self.tags = run.config.get("tags")
        self.metadata = callers_metadata(run)
        self.callbacks = found
        self.running: set[Any] = set()
        """What is told of the attempts that run."""

    def open(self, given: Any, *, is_async: bool) -> Any:
        """Tell that the run begins with this input; returns its manager, to be awaited where `is_async`."""
        self.is_async = is_async
        manager = self.manager(self.callbacks, self.tags, self.metadata)
        return manager.on_chain_start(None, given, name=self.name, run_id=self.run_id)

    def manager(self, callbacks: Any, tags: Any, metadata: Any) -> Any:
        """What tells these callbacks that a run begins which has these tags and metadata, as all below it have."""
        name = "AsyncCallbackManager" if self.is_async else "CallbackManager"
        return getattr(import_module(_MANAGERS), name).configure(
            inheritable_callbacks=callbacks,
            inheritable_tags=[*tags] if tags else None,
            inheritable_metadata=dict(metadata) if metadata else None,
        )


def heard_by(graph: Any, run: Run, given: Any) -> Heard | None:
    """The run for handlers, where somebody hears it; `given` is the config of the call."""
    if _HANDLERS not in sys.modules:
        return None
    own = run.config
    if run.outer is not None:
        own = merge_configs(graph.bound_config, given)
    found, outside = own.get("callbacks"), around()
    if outside is not None:
        found = outside if found is None else together(outside, found)
    found = None if found is None else _theirs(found)
    is_heard = found is not None and _listens(found)
    return Heard(graph, run, own, found) if is_heard or _is_traced() else None


def around() -> Any:
    """The callbacks of the chain, or of the task, in which this is called; None for none."""
    config = _config_around()
    return None if config is None else config.get("callbacks")


def asked_around(own: dict[str, Any]) -> dict[str, Any] | None:
    """What a chain in whose function a graph is called says of the call, beside its `own` config; None for nothing.

    A config that names a thread is that of another conversation than the chain's.
    """
    config = _config_around()
    if config is None:
        return None
    found = {"metadata": config.get("metadata") or {}}
    tags = own.get("tags") or ()
    found["tags"] = [each for each in config.get("tags") or () if each not in tags]
    if not configurable(own).get("thread_id"):
        found["configurable"] = {
            key: value
            for key, value in configurable(config).items()
            if not key.startswith(_OF_CHECKPOINTS)
        }
    return merge_configs(found, own)


def _config_around() -> Any:
    variable = getattr(sys.modules.get(_CONFIGS), "var_child_runnable_config", None)
    return None if variable is None else variable.get()


def _theirs(callbacks: Any) -> Any:
    """Of handlers those that langchain-core knows what to do with; a manager as it is."""
    base = getattr(sys.modules.get(_HANDLERS), "BaseCallbackHandler", None)
    if base is None or hasattr(callbacks, "handlers"):
        return callbacks
    listed = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return [each for each in listed if isinstance(each, base)]


def _listens(callbacks: Any) -> bool:
    """Say whether one of these hears of more than models."""
    listed = getattr(callbacks, "handlers", callbacks)
    return any(not getattr(each, "ignore_chain", False) for each in listed)


def _is_traced() -> bool:
    """Say whether there is a handler for all that is run: by the environment, or in a `with` around the call."""
    if _traces_all():
        return True
    tracers = sys.modules.get(_TRACERS)
    own = getattr(tracers, "tracing_v2_callback_var", None)
    if own is not None and own.get() is not None:
        return True
    for variable, *_ in getattr(tracers, "_configure_hooks", ()):
        if variable.get() is not None:
            return True
    return False


@cache
def _traces_all() -> bool:
    """Say whether LangSmith's tracer is on, which asks the environment once, too."""
    return any(os.environ.get(name) == "true" for name in _SWITCHES)


def _as_uuid(given: Any) -> UUID | None:
    """The id of a run as handlers take it; another text is no id for them."""
    if given is None or isinstance(given, UUID):
        return given
    try:
        return UUID(str(given))
    except ValueError:
        return None
