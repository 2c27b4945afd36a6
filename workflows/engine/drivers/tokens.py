"""The chat models that a node calls: their tokens for the stream mode `messages` (R9.3), and who hears of them.

Models of langchain-core tell callback handlers what they say, and find the handlers in the
config or in a context variable of that package. It is imported only where somebody reads the
mode and the package is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from workflows.engine.callbacks import GraphCallbackHandler
from workflows.engine.constants import OF_SEQUENCES, TAG_NOSTREAM
from workflows.engine.drivers.timeouts import Watch
from workflows.engine.runtime import TaskContext, current

_CONFIGS = "langchain_core.runnables.config"
Emit = Callable[..., None]
"""Of a message or a part of one, its metadata, and whether it is the whole message."""


def listener(context: TaskContext, emit: Emit) -> Any:
    """A handler that gives each token to `emit`; None without langchain-core."""
    kind = _kind()
    return None if kind is None else kind(context, emit)


def signs_of_life(watch: Watch) -> Any:
    """A handler for which whatever happens below an attempt is a sign of life (R1.37); None where none is needed."""
    policy = watch.policy
    if policy.idle_timeout is None or policy.refresh_on != "auto":
        return None
    return _signing()(watch) if _CONFIGS in sys.modules else None


def with_listeners(callbacks: Any, *mine: Any) -> Any:
    """The caller's handlers, without those of the graph's life, and these, where they are any, as a manager.

    A model that was bound to something meets them twice, in its config and in the context variable. Managers are
    merged there, lists put one behind the other: each handler would hear everything twice (langchain-core 1.7).
    """
    if hasattr(callbacks, "add_handler"):
        manager = callbacks.copy()
    else:
        listed = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
        others = [
            each
            for each in listed
            if each is not None and not isinstance(each, GraphCallbackHandler)
        ]
        kind = import_module("langchain_core.callbacks").CallbackManager
        manager = kind(others, inheritable_handlers=[*others])
    for each in mine:
        if each is not None:
            manager.add_handler(each, inherit=True)
    return manager


def is_heard(config: dict[str, Any]) -> bool:
    """Say whether models of langchain-core, if that is loaded, have somebody to tell of themselves."""
    return bool(config.get("callbacks")) and _CONFIGS in sys.modules


def offer(config: dict[str, Any]) -> Callable[[], None]:
    """Let models that are called without a config find this one; returns what ends that."""
    variable = import_module(_CONFIGS).var_child_runnable_config
    token = variable.set(config)
    return lambda: variable.reset(token)


@cache
def _signing() -> Any:
    base: Any = import_module("langchain_core.callbacks").BaseCallbackHandler

    class Signing(base):  # type: ignore[misc]
        """Sets the idle clock of an attempt back at each event."""

        run_inline = True

        def __init__(self, watch: Watch) -> None:
            self.watch = watch

        def sign(self, *args: Any, **more: Any) -> None:
            """Something happened."""
            self.watch.sign()

    for name in dir(base):
        if name.startswith("on_"):
            setattr(Signing, name, Signing.sign)
    return Signing


@cache
def _kind() -> Any:
    if find_spec("langchain_core") is None:
        return None
    base: Any = import_module("langchain_core.callbacks").BaseCallbackHandler

    class Listener(base):  # type: ignore[misc]
        """Hears the models that one attempt of a task calls."""

        run_inline = True  # on the thread and in the context of the model
        ignore_chain = True

        def __init__(self, context: TaskContext, emit: Emit) -> None:
            self.context = context
            self.emit = emit
            self.heard: dict[Any, dict[str, Any]] = {}
            self.streamed: set[Any] = set()

        def on_chat_model_start(
            self,
            serialized: Any,
            messages: Any,
            *,
            run_id: Any,
            tags: list[str] | None = None,
            metadata: dict[str, Any] | None = None,
            **more: Any,
        ) -> None:
            """A model begins; one that a run below calls is heard there, if at all."""
            if current.get() is not self.context or TAG_NOSTREAM in (tags or ()):
                return
            mine = [tag for tag in tags or () if not tag.startswith(OF_SEQUENCES)]
            self.heard[run_id] = {
                **(metadata or {}),
                **({"tags": mine} if mine else {}),
            }

        def on_llm_new_token(
            self, token: Any, *, chunk: Any = None, run_id: Any, **more: Any
        ) -> None:
            """A model says a word more."""
            known = self.heard.get(run_id)
            message = getattr(chunk, "message", None)
            if known is not None and message is not None:
                self.streamed.add(run_id)
                self.emit(message, known)

        def on_llm_end(self, response: Any, *, run_id: Any, **more: Any) -> None:
            """A model has ended; what it did not say word by word is shown whole."""
            known = self.heard.pop(run_id, None)
            if known is None or run_id in self.streamed:
                self.streamed.discard(run_id)
                return
            message = getattr(response.generations[0][0], "message", None)
            if message is not None:
                self.emit(message, known, True)

        def on_llm_error(
            self, error: BaseException, *, run_id: Any, **more: Any
        ) -> None:
            """A model has failed."""
            self.heard.pop(run_id, None)
            self.streamed.discard(run_id)

        # A model streams for `invoke`, too, where a handler has these two.

        def tap_output_iter(self, run_id: Any, output: Any) -> Any:
            """Leave the stream as it is."""
            return output

        def tap_output_aiter(self, run_id: Any, output: Any) -> Any:
            """Leave the stream as it is."""
            return output

    return Listener
