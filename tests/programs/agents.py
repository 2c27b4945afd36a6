"""Agents: a model and its tools, some of which ask."""

from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import InjectedToolCallId, tool

from durableweb.prebuilt import create_react_agent
from durableweb.types import interrupt
from tests.programs.sample import sample

GIVEN = {"messages": [HumanMessage("go", id="h")]}


class Wanting(BaseChatModel):
    """Asks in its n-th message for the n-th of `rounds`, which are lists of tools, and says at last what it did."""

    life: Any
    rounds: list[list[str]]

    @property
    def _llm_type(self):
        return "wanting"

    def bind_tools(self, tools, **options):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **options):
        turn = sum(isinstance(each, AIMessage) for each in messages)
        wanted = self.rounds[turn] if turn < len(self.rounds) else []
        calls = [
            {"name": name, "args": {"part": f"{name}{turn}"}, "id": f"{name}{turn}"}
            for name in wanted
        ]
        text = self.life.did(f"model{turn}")
        message = AIMessage(text, id=f"m{turn}", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _tools(life):
    """`look` does it; `ask` asks first. Their messages have ids of their own, so that every life has the same."""
    Id = Annotated[str, InjectedToolCallId]

    @tool
    def look(part: str, tool_call_id: Id) -> ToolMessage:
        """Look."""
        return ToolMessage(life.did(part), tool_call_id=tool_call_id, id=f"t {part}")

    @tool
    def ask(part: str, tool_call_id: Id) -> ToolMessage:
        """Ask."""
        text = f"{interrupt(f'{part}?')} {life.did(part)}"
        return ToolMessage(text, tool_call_id=tool_call_id, id=f"t {part}")

    return [look, ask]


def _agent(life, saver, version, rounds):
    model = Wanting(life=life, rounds=rounds)
    return create_react_agent(model, _tools(life), checkpointer=saver, version=version)


ROUNDS = [["look"], ["look", "ask"], ["ask"]]
ANSWERS = {"ask1?": "yes", "ask2?": "no"}


@sample(GIVEN, answers=ANSWERS)
def an_agent_with_a_task_for_each_tool(life, saver):
    return _agent(life, saver, "v2", ROUNDS)


@sample(GIVEN, answers=ANSWERS)
def an_agent_with_one_task_for_its_tools(life, saver):
    return _agent(life, saver, "v1", ROUNDS)
