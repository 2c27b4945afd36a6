"""The state of an agent: its conversation, and how many steps are left to it."""

from collections.abc import Iterator, Sequence
from typing import (
    Annotated,
    Any,
    NotRequired,
    TypeAlias,
    cast,
    get_origin,
    get_type_hints,
)

from langchain_core.messages import AnyMessage, BaseMessage
from pydantic import BaseModel, create_model
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from workflows.engine.graph.message import add_messages
from workflows.engine.graph.schema import is_model, is_typeddict
from workflows.engine.kinds import check_schema
from workflows.engine.managed import RemainingSteps

StructuredResponse: TypeAlias = dict[str, Any] | BaseModel
"""An agent's last word in the form of a schema."""
MODEL_INPUT = "llm_input_messages"
"""The key by which a `pre_model_hook` says what the model is to read instead of the conversation."""


_ITS_OWN = frozenset({"remaining_steps", "structured_response"})


class AgentState(TypedDict):
    """The state of an agent; a program's own has these keys and more."""

    messages: Annotated[Sequence[BaseMessage], add_messages]
    remaining_steps: NotRequired[RemainingSteps]


class AgentStatePydantic(BaseModel):
    """The same as a model of pydantic."""

    messages: Annotated[Sequence[BaseMessage], add_messages]
    remaining_steps: RemainingSteps = 25


class AgentStateWithStructuredResponse(AgentState):
    """The state of an agent that has a `response_format`."""

    structured_response: StructuredResponse


class AgentStateWithStructuredResponsePydantic(AgentStatePydantic):
    """The same as a model of pydantic."""

    structured_response: StructuredResponse


def checked_schema(given: Any, where: str, *, structured: bool) -> Any:
    """The schema of an agent's state, `given` or the usual one.

    Raises TypeError for what is no class, ValueError where it lacks a key.
    """
    if given is None:
        return AgentStateWithStructuredResponse if structured else AgentState
    check_schema(given, where, "state_schema")
    wanted = ["messages", "remaining_steps"]
    if structured:
        wanted.append("structured_response")
    missing = [key for key in wanted if key not in get_type_hints(given)]
    if missing:
        raise ValueError(
            f"{where}: state_schema {given.__name__} lacks {', '.join(missing)}; "
            "inherit from AgentState, or add the keys"
        )
    return given


def input_of(schema: Any) -> Any:
    """The schema of what an agent is given: not what it fills in itself, and messages in any form that they may have."""
    if is_model(schema):
        fields, made = schema.model_fields, cast("Any", create_model)
        parts = {
            key: (hint, fields[key]) for key, hint in _given(schema) if key in fields
        }
        return made(schema.__name__, **parts)
    if not is_typeddict(schema):
        return schema
    optional = schema.__optional_keys__
    named: Any = TypedDict
    return named(
        schema.__name__,
        {
            key: NotRequired[hint]
            if key in optional and get_origin(hint) is not NotRequired
            else hint
            for key, hint in _given(schema)
        },
    )


def _given(schema: Any) -> Iterator[tuple[str, Any]]:
    for key, hint in get_type_hints(schema, include_extras=True).items():
        if key == "messages" and get_origin(hint) is Annotated:
            yield key, Annotated[Sequence[Any], *hint.__metadata__]
        elif key not in _ITS_OWN:
            yield key, hint


def with_model_input(schema: Any) -> Any:
    """The schema of a node that also sees what a `pre_model_hook` wants the model to read."""
    messages = list[AnyMessage]
    if is_model(schema):
        # Without a default, a hook could not change the conversation alone.
        key: Any = {MODEL_INPUT: (messages, [])}
        return create_model("AgentInput", __base__=schema, **key)
    named: Any = TypedDict
    return named(
        "AgentInput",
        {**get_type_hints(schema, include_extras=True), MODEL_INPUT: messages},
    )


def value_of(state: Any, key: str) -> Any:
    """One key of a state of any kind; None where it has none."""
    return state.get(key) if isinstance(state, dict) else getattr(state, key, None)


def with_messages(state: Any, messages: Sequence[BaseMessage]) -> Any:
    """A copy of a state with another conversation."""
    if isinstance(state, dict):
        return {**state, "messages": messages}
    return state.model_copy(update={"messages": messages})
