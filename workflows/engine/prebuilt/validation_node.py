"""A node that checks what a model gives to tools, and runs none of them: for data that has to have a shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool, create_schema_from_function
from pydantic import BaseModel, ValidationError

from workflows.engine.kinds import check_callable, check_text

FormatError = Callable[[BaseException, ToolCall, type[BaseModel]], str]


class ValidationNode:
    """Answers each call of the last AIMessage by a ToolMessage: its arguments as JSON, or what does not fit.

    `schemas` are models of pydantic, LangChain's tools or functions, called as these are named. An answer that tells
    of an error has `is_error` in its `additional_kwargs`; `format_error(error, call, schema)` gives its words.
    Raises TypeError for what says nothing of its arguments.
    """

    def __init__(
        self,
        schemas: Sequence[BaseTool | type[BaseModel] | Callable[..., Any]],
        *,
        format_error: FormatError | None = None,
        name: str = "validation",
        tags: list[str] | None = None,
    ) -> None:
        check_text(name, "ValidationNode", "name", "the node's name")
        if format_error is not None:
            wanted = "a function (error, call, schema) that returns a text"
            where = f"ValidationNode {name!r}"
            check_callable(format_error, where, "format_error", wanted)
        self.name = name
        self.tags = tags
        self.schemas_by_name = dict(_named(each, name) for each in schemas)
        self._format_error = format_error or _told

    def get_name(self) -> str:
        """The name of the node where none other is given."""
        return self.name

    def invoke(self, input: Any, config: dict[str, Any] | None = None, **_: Any) -> Any:
        """Check the calls that the state, or a list of messages, ends with; an update of the state, or the answers.

        Raises ValueError where no message of a model is last, KeyError for a call of what has no schema.
        """
        answers = [self._answer(call) for call in self._asked(input)]
        return answers if isinstance(input, list) else {"messages": answers}

    async def ainvoke(
        self, input: Any, config: dict[str, Any] | None = None, **_: Any
    ) -> Any:
        """Async twin of `invoke`."""
        return self.invoke(input, config)

    def _asked(self, input: Any) -> list[ToolCall]:
        messages = input
        if isinstance(input, Mapping):
            messages = input.get("messages")
        elif not isinstance(input, list):
            messages = getattr(input, "messages", None)
        last = messages[-1] if messages else None
        if not isinstance(last, AIMessage):
            raise ValueError(
                f"node {self.name!r} checks what a model gives to tools, and the last message in its input is "
                f"{last!r}; give it a state, or a list of messages, that ends with an AIMessage"
            )
        return last.tool_calls

    def _answer(self, call: ToolCall) -> ToolMessage:
        schema = self.schemas_by_name.get(call["name"])
        if schema is None:
            raise KeyError(
                f"node {self.name!r} has no schema {call['name']!r}, which the model has called; there are "
                f"{', '.join(self.schemas_by_name) or 'none'}"
            )
        more: dict[str, Any] = {}
        try:
            content = schema.model_validate(call["args"]).model_dump_json()
        except ValidationError as error:
            content = self._format_error(error, call, schema)
            more["additional_kwargs"] = {"is_error": True}
        return ToolMessage(content, name=call["name"], tool_call_id=call["id"], **more)


def _named(given: Any, node: str) -> tuple[str, type[BaseModel]]:
    """How a call of it is named, and the model of its arguments."""
    if isinstance(given, BaseTool):
        name, schema = given.name, given.args_schema
    elif isinstance(given, type) or not callable(given):
        name, schema = getattr(given, "__name__", ""), given
    else:
        name, schema = given.__name__, create_schema_from_function("Arguments", given)
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return name, schema
    raise TypeError(
        f"ValidationNode {node!r}: {given!r} says nothing of its arguments that can be checked; give a model of "
        "pydantic, a tool with one, or a function with annotations"
    )


def _told(error: BaseException, call: ToolCall, schema: type[BaseModel]) -> str:
    return f"{error!r}\n\nCorrect this and call {call['name']} again."


__all__ = ["ValidationNode"]
