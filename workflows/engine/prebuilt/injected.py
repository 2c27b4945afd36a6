"""What a tool is given by the graph and not by the model: the state, the store, its runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Generic, Union, get_args, get_origin, get_type_hints

from langchain_core.tools import BaseTool, InjectedToolArg
from langchain_core.tools.base import (
    _DirectlyInjectedToolArg,
    _is_injected_arg_type,
    get_all_basemodel_annotations,
)
from pydantic import SkipValidation

from workflows.engine.runtime import ExecutionInfo, NoWriter, ServerInfo
from workflows.engine.types import StreamWriter
from workflows.engine.typevars import ContextT, NodeStateT


class InjectedState(InjectedToolArg):
    """Mark a tool's parameter as filled with the graph's state, or with one `field` of it.

    The model neither sees such a parameter nor can it give one.
    """

    def __init__(self, field: str | None = None) -> None:
        self.field = field


class InjectedStore(InjectedToolArg):
    """Mark a tool's parameter as filled with the store that the graph was compiled with."""


@dataclass
class ToolRuntime(_DirectlyInjectedToolArg, Generic[ContextT, NodeStateT]):
    """What a tool's parameter `runtime`, or one annotated with this class, is filled with.

    `state` is that of the graph as the node was given it, `tools` are all of its node's; the rest is what
    `Runtime` gives to a node.
    """

    state: NodeStateT
    context: ContextT
    config: dict[str, Any]
    stream_writer: Annotated[StreamWriter, SkipValidation] = field(
        default_factory=NoWriter
    )
    tool_call_id: str | None = None
    store: Any = None
    tools: list[BaseTool] = field(default_factory=list)
    execution_info: ExecutionInfo | None = None
    server_info: ServerInfo | None = None

    def emit_output_delta(self, delta: Any) -> None:
        """Do nothing: there is no stream mode `tools` here. `stream_writer` is what people read."""


@dataclass(frozen=True)
class Wanted:
    """The parameters of one tool that the graph fills.

    `state` maps a parameter to the field of the state that it takes, or None for the whole; those in `optional`
    have a default. `hidden` are all that a model may not give.
    """

    state: Mapping[str, str | None]
    store: str | None
    runtime: str | None
    optional: frozenset[str]
    hidden: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """The parameters that are filled here."""
        others = {each for each in (self.store, self.runtime) if each is not None}
        return frozenset(self.state) | others


def wanted_by(tool: BaseTool) -> Wanted:
    """Read it from the tool's annotations. Raises ValueError for a parameter that is marked twice."""
    schema: Any = tool.get_input_schema()
    function = getattr(tool, "func", None) or getattr(tool, "coroutine", None)
    hints = get_type_hints(function, include_extras=True) if function else {}
    hints |= get_all_basemodel_annotations(schema)
    state: dict[str, str | None] = {}
    optional, hidden = set(), set()
    store = runtime = None
    for name, hint in hints.items():
        if _is_injected_arg_type(hint):
            hidden.add(name)
        if name == "runtime" or _marked(tool, name, hint, ToolRuntime):
            runtime = name
        if _marked(tool, name, hint, InjectedStore):
            store = name
        mark = _marked(tool, name, hint, InjectedState)
        if mark is not None:
            state[name] = mark.field if isinstance(mark, InjectedState) else None
            given = schema.model_fields.get(name)
            if given is not None and not given.is_required():
                optional.add(name)
    return Wanted(state, store, runtime, frozenset(optional), frozenset(hidden))


def _marked(tool: BaseTool, name: str, hint: Any, kind: type) -> Any:
    """The mark of that kind on a parameter, as an instance or a class; None where there is none."""
    found = [*_marks(hint, kind)]
    if len(found) > 1:
        raise ValueError(
            f"tool {tool.name!r}: parameter {name!r} is marked as {kind.__name__} more than once"
        )
    return found[0] if found else None


def _marks(hint: Any, kind: type) -> Iterator[Any]:
    """Those of a hint, also of `X | None`."""
    origin = get_origin(hint)
    if origin in (Annotated, Union, UnionType):
        for part in get_args(hint):
            yield from _marks(part, kind)
        return
    bare = origin or hint
    if isinstance(hint, kind) or (isinstance(bare, type) and issubclass(bare, kind)):
        yield hint


def filled(
    call: Mapping[str, Any], wanted: Wanted, runtime: ToolRuntime[Any, Any], key: str
) -> dict[str, Any]:
    """The call with what the graph gives; `key` is that of the messages.

    What a model has given under such a name is left out. Raises ValueError where there is no store, or the state
    lacks a field that the tool needs.
    """
    given = {name: v for name, v in call["args"].items() if name not in wanted.hidden}
    mine: dict[str, Any] = {}
    if wanted.state:
        mine |= _of_state(call["name"], wanted, runtime.state, key)
    if wanted.store is not None:
        if runtime.store is None:
            raise ValueError(
                f"tool {call['name']!r} wants a store in its parameter {wanted.store!r}, and the graph "
                "has none; compile it with store=..."
            )
        mine[wanted.store] = runtime.store
    if wanted.runtime is not None:
        mine[wanted.runtime] = runtime
    return {**call, "args": {**given, **mine}}


def _of_state(name: str, wanted: Wanted, state: Any, key: str) -> dict[str, Any]:
    if isinstance(state, list):  # the node was given messages alone
        state = {key: state}
    found = {}
    for parameter, part in wanted.state.items():
        if part is None:
            found[parameter] = state
        elif isinstance(state, Mapping) and part in state:
            found[parameter] = state[part]
        elif not isinstance(state, Mapping) and hasattr(state, part):
            found[parameter] = getattr(state, part)
        elif parameter not in wanted.optional:
            raise ValueError(
                f"tool {name!r} wants {part!r} of the state in its parameter {parameter!r}, and the state "
                "that its node was given has none; give the parameter a default, or the state that key"
            )
    return found
