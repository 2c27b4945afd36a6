"""The nodes of an agent that ask its model: for the next word, and for an answer in a given form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from workflows.engine.prebuilt.agent_model import Models, chat_model_in
from workflows.engine.prebuilt.agent_prompt import Prompt
from workflows.engine.prebuilt.agent_state import MODEL_INPUT, value_of, with_messages
from workflows.engine.runtime import get_config
from workflows.engine.serde import register_reachable

OUT_OF_STEPS = "Sorry, need more steps to process this request."
"""What an agent says instead of calling tools that the limit of steps would not let end."""
_SHOWN = 3


class AskModel:
    """Node `agent`: the model reads the conversation and says the next message of it."""

    def __init__(self, models: Models, prompt: Prompt, name: str | None) -> None:
        self._models = models
        self._prompt = prompt
        self._name = name

    def invoke(self, state: Any) -> dict[str, Any]:
        """Ask, and wait."""
        seen = seen_by_model(state)
        model = self._models.of(seen)
        return self._update(state, model.invoke(self._prompt.of(seen), get_config()))

    async def ainvoke(self, state: Any) -> dict[str, Any]:
        """Async twin of `invoke`."""
        seen = seen_by_model(state)
        model = await self._models.aof(seen)
        given = await self._prompt.aof(seen)
        return self._update(state, await model.ainvoke(given, get_config()))

    def _update(self, state: Any, said: Any) -> dict[str, Any]:
        if not isinstance(said, BaseMessage):
            raise TypeError(
                f"the model of an agent gave {type(said).__name__} ({str(said)[:80]}), which is no "
                "message; give it a chat model, without a parser behind it"
            )
        if is_out_of_steps(state, said):
            return {"messages": [AIMessage(OUT_OF_STEPS, id=said.id)]}
        return {"messages": [said.model_copy(update={"name": self._name})]}


class AskForForm:
    """Node `generate_structured_response`: the conversation once more, answered in the form of a schema.

    `wanted` is the schema, or a text to be put before the conversation and the schema.
    """

    def __init__(self, models: Models, wanted: Any) -> None:
        self._models = models
        prompt, self._schema = wanted if isinstance(wanted, tuple) else (None, wanted)
        self._first = [] if prompt is None else [SystemMessage(prompt)]
        register_reachable(self._schema)  # a fresh process reads what another saved

    def invoke(self, state: Any) -> dict[str, Any]:
        """Ask, and wait."""
        model = self._formed(self._models.of(state))
        return {"structured_response": model.invoke(self._given(state), get_config())}

    async def ainvoke(self, state: Any) -> dict[str, Any]:
        """Async twin of `invoke`."""
        model = self._formed(await self._models.aof(state))
        given = self._given(state)
        return {"structured_response": await model.ainvoke(given, get_config())}

    def _formed(self, model: Any) -> Any:
        chat = chat_model_in(model)
        if chat is None or not hasattr(chat, "with_structured_output"):
            raise TypeError(
                f"response_format needs a chat model with with_structured_output, not {model!r}"
            )
        return chat.with_structured_output(self._schema)

    def _given(self, state: Any) -> list[BaseMessage]:
        return [*self._first, *value_of(state, "messages")]


def seen_by_model(state: Any) -> Any:
    """The state with the conversation that the model is to read.

    Raises ValueError where there is none, or where it has calls of tools without an answer.
    """
    messages = value_of(state, MODEL_INPUT) or value_of(state, "messages")
    if messages is None:
        raise ValueError(
            "an agent was called without messages; give {'messages': [...]}, and let a "
            f"pre_model_hook return 'messages' or {MODEL_INPUT!r}"
        )
    check_answered(messages)
    return with_messages(state, messages)


def calls_of(message: Any) -> Sequence[Any]:
    """The calls of tools that a message asks for."""
    return message.tool_calls if isinstance(message, AIMessage) else ()


def open_calls(
    asking: Iterable[BaseMessage], messages: Iterable[BaseMessage]
) -> list[Any]:
    """The calls of `asking` that no message of `messages` answers."""
    answered = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    calls = [call for message in asking for call in calls_of(message)]
    return [call for call in calls if call["id"] not in answered]


def check_answered(messages: Sequence[BaseMessage]) -> None:
    """Raises ValueError for a conversation that providers of models refuse."""
    found = open_calls(messages, messages)
    if not found:
        return
    shown = ", ".join(f"{call['name']} (id {call['id']!r})" for call in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise ValueError(
        f"the conversation has calls of tools that no message answers: {shown}{more}. A model needs "
        "a ToolMessage with the tool_call_id of each; let the tools end (answer what they ask) before "
        "a new message is given, or add the missing ones"
    )


def is_out_of_steps(state: Any, said: BaseMessage) -> bool:
    """Say whether the limit of steps leaves no room for what the model wants to be done next."""
    remaining = value_of(state, "remaining_steps")
    if remaining is None or not isinstance(said, AIMessage):
        return False
    return bool(remaining < (2 if said.tool_calls else 1))
