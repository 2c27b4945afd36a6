"""Which model an agent asks, and the tools that are bound to it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from langchain_core.runnables import RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.tools import BaseTool

from workflows.engine.inject import is_coroutine_function, is_runnable
from workflows.engine.kinds import refused
from workflows.engine.runtime import get_runtime

WANTED = (
    "a chat model, a runnable that ends in one, a function (state, runtime) that returns "
    "one, or a name such as 'openai:gpt-4o'"
)


class Models:
    """The model of an agent: one for all states, or what a function chooses for each.

    Raises TypeError for what is no model, ValueError where other tools are bound to it than the agent has.
    """

    def __init__(
        self,
        given: Any,
        tools: Sequence[BaseTool],
        of_provider: Sequence[dict[str, Any]],
        where: str,
    ) -> None:
        self._fixed: Any = None
        self._choose: Any = None
        if isinstance(given, str):
            given = _named(given, where)
        if is_runnable(given):
            self._fixed = _with_tools(given, tools, of_provider, where)
        elif callable(given):
            self._choose = given
        else:
            raise refused(where, "model", given, WANTED)

    def of(self, state: Any) -> Any:
        """The model for `state`. Raises RuntimeError where a coroutine function chooses it."""
        if self._choose is None:
            return self._fixed
        if is_coroutine_function(self._choose):
            raise RuntimeError(
                "the model of this agent is chosen by a coroutine function; run the agent by "
                "ainvoke or astream, or choose it in a plain function"
            )
        return _checked(self._choose(state, get_runtime()))

    async def aof(self, state: Any) -> Any:
        """Async twin of `of`."""
        if self._choose is None:
            return self._fixed
        chosen = self._choose(state, get_runtime())
        return _checked(await chosen if inspect.isawaitable(chosen) else chosen)


def _checked(chosen: Any) -> Any:
    if not hasattr(chosen, "invoke"):
        wanted = "a chat model, or a runnable that ends in one"
        raise refused("an agent's model(state, runtime)", "the result", chosen, wanted)
    return chosen


def _named(name: str, where: str) -> Any:
    try:
        chat_models = import_module("langchain.chat_models")
    except ImportError as error:
        raise ImportError(
            f"{where}: the model is given by its name, {name!r}, which the package langchain "
            "looks up; pip install langchain, or give a chat model itself",
            name="langchain",
        ) from error
    return chat_models.init_chat_model(name)


def _inside(model: Any) -> Any:
    """What a runnable hands on to: what is bound in it, or the first step of a sequence that ends in a chat model."""
    if isinstance(model, RunnableBindingBase):
        return model.bound
    if isinstance(model, RunnableSequence):
        steps = (each for each in model.steps if chat_model_in(each) is not None)
        return next(steps, None)
    return None


def chat_model_in(model: Any) -> Any:
    """The chat model itself, without what was bound to it and what stands before it; None where there is none."""
    if isinstance(model, RunnableBindingBase | RunnableSequence):
        return chat_model_in(_inside(model))
    return model if hasattr(model, "bind_tools") else None


def _with_tools(
    model: Any,
    tools: Sequence[BaseTool],
    of_provider: Sequence[dict[str, Any]],
    where: str,
) -> Any:
    bound = _bound_tools(model)
    if bound is not None:
        _check_bound(bound, [tool.name for tool in tools], len(of_provider), where)
        return model
    if not tools and not of_provider:
        return model
    if chat_model_in(model) is None:
        raise refused(where, "model", model, "a model to which tools can be bound")
    return _bind(model, [*tools, *of_provider])


def _bound_tools(model: Any) -> Sequence[Any] | None:
    """The tools that are bound to a model already; None where none were."""
    while model is not None:
        if isinstance(model, RunnableBindingBase) and "tools" in model.kwargs:
            tools: Sequence[Any] = model.kwargs["tools"]
            return tools
        model = _inside(model)
    return None


def _bind(model: Any, tools: list[Any]) -> Any:
    """`model` with the tools, and with what else was bound to it."""
    if isinstance(model, RunnableBindingBase):
        return model.model_copy(update={"bound": _bind(model.bound, tools)})
    if isinstance(model, RunnableSequence):
        inner = _inside(model)
        steps = [_bind(s, tools) if s is inner else s for s in model.steps]
        return RunnableSequence(*steps, name=model.name)
    return model.bind_tools(tools)


def _check_bound(
    bound: Sequence[Any], names: Sequence[str], of_provider: int, where: str
) -> None:
    count = len(bound) - of_provider
    if count != len(names):
        raise ValueError(
            f"{where}: the model has {count} tools bound to it, the agent {len(names)}; "
            "give it the same, or a model without tools"
        )
    known = {_name_of(tool) for tool in bound}
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(
            f"{where}: the model has tools bound to it, but not {', '.join(missing)}; bind "
            "the same tools that the agent has, or give a model without tools"
        )


def _name_of(tool: Any) -> str | None:
    """The name in a tool as providers describe one, or of a tool itself."""
    if not isinstance(tool, Mapping):
        return getattr(tool, "name", None)
    function = tool.get("function")
    return (function if isinstance(function, Mapping) else tool).get("name")
