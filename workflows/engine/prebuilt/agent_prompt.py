"""What the model of an agent is given: the conversation, behind what `prompt=` says."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from langchain_core.messages import SystemMessage
from langchain_core.runnables import Runnable

from workflows.engine.drivers.context import Context
from workflows.engine.drivers.requests import injected
from workflows.engine.inject import injections, is_coroutine_function
from workflows.engine.kinds import refused
from workflows.engine.prebuilt.agent_state import value_of
from workflows.engine.runtime import current, get_config


class Prompt:
    """Makes the model's input of a state; `given` is a text, a SystemMessage, a function, a runnable or None.

    A function may have the parameters that a node may have. Raises ValueError for anything else, TypeError
    for a parameter that nothing fills.
    """

    def __init__(self, given: Any, where: str) -> None:
        self._make, self._amake = _makers(given, where)
        self._names, _ = injections(self._make, f"{where}: prompt")

    def of(self, state: Any) -> Any:
        """What the model is given for `state`. Raises TypeError where that is a coroutine's work."""
        if is_coroutine_function(self._make):
            raise TypeError(
                "the prompt of this agent is a coroutine function; run the agent by ainvoke or "
                "astream, or make it a plain function"
            )
        made = self._make(state, **self._filled())
        return made.invoke(state, get_config()) if _is_prompt(made) else made

    async def aof(self, state: Any) -> Any:
        """Async twin of `of`."""
        made = (self._amake or self._make)(state, **self._filled())
        made = await made if inspect.isawaitable(made) else made
        return await made.ainvoke(state, get_config()) if _is_prompt(made) else made

    def _filled(self) -> dict[str, Any]:
        return injected(self._names, cast("Context", current.get()))


def _makers(given: Any, where: str) -> tuple[Callable[..., Any], Any]:
    """The blocking and, for a runnable, the async way to make the input."""
    if given is None:
        return _conversation, None
    if isinstance(given, str):
        given = SystemMessage(given)
    if isinstance(given, SystemMessage):
        return lambda state: [given, *_conversation(state)], None
    if isinstance(given, Runnable):
        return given.invoke, given.ainvoke
    if callable(given):
        return given, None
    wanted = "a text, a SystemMessage, a function of the state, or a runnable"
    raise refused(where, "prompt", given, wanted, ValueError)


def _is_prompt(made: Any) -> bool:
    """Say whether a function made a template, as `SystemMessage(...) + messages` does."""
    return isinstance(made, Runnable)


def _conversation(state: Any) -> Any:
    return value_of(state, "messages")
