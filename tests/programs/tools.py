"""Nodes that run tools: several at once, that ask, that write with a Command, that call a graph."""

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool

from durableweb.graph import START, StateGraph
from durableweb.prebuilt import ToolNode
from durableweb.types import Command, interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


class Talk(TypedDict, total=False):
    messages: Annotated[list, operator.add]
    log: Annotated[list, operator.add]


def conversation(life, saver, node, *calls):
    """One turn of a model that calls these tools, pairs of a name and arguments; ends with what they said."""

    def model(state):
        asked = [
            {"name": name, "args": args, "id": f"c{at}", "type": "tool_call"}
            for at, (name, args) in enumerate(calls)
        ]
        said = AIMessage(life.did("model"), id="m", tool_calls=asked)
        return {"messages": [said]}

    def end(state):
        heard = [m.content for m in state["messages"] if m.type == "tool"]
        return {"log": [life.did("end"), heard]}

    graph = StateGraph(Talk).add_node(model).add_node(node).add_node(end)
    graph.add_edge(START, "model").add_edge("model", "tools").add_edge("tools", "end")
    return graph.compile(checkpointer=saver)


@sample({"messages": [], "log": []}, answers={"pay?": "yes"})
def tools_beside_a_question(life, saver):
    @tool
    def look(what: str) -> str:
        """Look."""
        return life.did(f"look {what}")

    @tool
    def pay(amount: int) -> str:
        """Pay."""
        answer = interrupt("pay?")
        return f"{life.did('pay')} {answer} {amount}"

    calls = (("look", {"what": "a"}), ("pay", {"amount": 5}), ("look", {"what": "b"}))
    return conversation(life, saver, ToolNode([look, pay]), *calls)


@sample({"messages": [], "log": []}, answers={"a?": "x", "b?": "y"}, one_by_one=True)
def tools_that_both_ask(life, saver):
    @tool
    def sign(paper: str) -> str:
        """Sign."""
        answer = interrupt(f"{paper}?")
        return f"{life.did(f'sign {paper}')} {answer}"

    calls = (("sign", {"paper": "a"}), ("sign", {"paper": "b"}))
    return conversation(life, saver, ToolNode([sign]), *calls)


@sample({"messages": [], "log": []})
def tools_that_write(life, saver):
    @tool
    def find(what: str, call: Annotated[str, InjectedToolCallId]) -> Any:
        """Find."""
        found = life.did(f"find {what}")
        said = ToolMessage(found, tool_call_id=call)
        return Command(update={"messages": [said], "log": [found]})

    @tool
    def look(what: str) -> str:
        """Look."""
        return life.did(f"look {what}")

    calls = (("find", {"what": "it"}), ("look", {"what": "a"}), ("look", {"it": 1}))
    return conversation(life, saver, ToolNode([find, look]), *calls)


@sample({"messages": [], "log": []}, answers={"below?": 7})
def tools_that_call_graphs(life, saver):
    def ask(state):
        return {"log": [life.did("ask"), interrupt("below?")]}

    below = build(life, "b1 ask", (START, "b1"), ("b1", "ask"), ask=ask).compile()

    @tool
    def research(what: str) -> str:
        """Research."""
        return str(below.invoke({"log": []})["log"])

    @tool
    def look(what: str) -> str:
        """Look."""
        return life.did(f"look {what}")

    calls = (("research", {"what": "r"}), ("look", {"what": "a"}))
    return conversation(life, saver, ToolNode([research, look]), *calls)
