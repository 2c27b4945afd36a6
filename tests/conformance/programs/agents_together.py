"""Agents and what is around them: tools that look at the state and write it, agents that hand on, agents as tools."""

import operator
from typing import Annotated

from langchain_core.messages import AIMessage, SystemMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool

from tests.conformance.corpus import program
from tests.conformance.programs.scripted import Scripted, add, calls, shown

ASK = {"messages": [("user", "hi")]}
Id = Annotated[str, InjectedToolCallId]


def model(*replies):
    return Scripted(replies=list(replies), given=[], options=[])


def handing_to(api, name):
    """A tool that leaves its agent for another of the graph above."""

    @tool(f"to_{name}")
    def hand_on(
        state: Annotated[dict, api.InjectedState], tool_call_id: Id
    ) -> api.Command:
        """Hand on."""
        said = ToolMessage(f"now {name}", name=f"to_{name}", tool_call_id=tool_call_id)
        return api.Command(
            goto=name,
            graph=api.Command.PARENT,
            update={"messages": [*state["messages"], said]},
        )

    return hand_on


@program("E.prebuilt", "E.tools")
def tools_of_an_agent_see_its_state_and_change_it(api, run):
    class State(api.AgentState):
        found: Annotated[list, operator.add]
        who: str

    @tool
    def look(
        what: str, state: Annotated[dict, api.InjectedState], tool_call_id: Id
    ) -> api.Command:
        """Look something up."""
        so_far, left = len(state["messages"]), state["remaining_steps"]
        seen = f"{what} for {state['who']}, {so_far} so far, {left} left"
        said = ToolMessage(seen, tool_call_id=tool_call_id)
        return api.Command(update={"messages": [said], "found": [what]})

    def prompt(state):
        return [SystemMessage(str(state["found"])), *state["messages"]]

    found = []
    for version in ("v1", "v2"):
        script = model(
            calls(("look", {"what": "tea"}, "c1"), ("look", {"what": "salt"}, "c2")),
            AIMessage("done"),
        )
        agent = api.create_react_agent(
            script,
            [look],
            state_schema=State,
            prompt=prompt,
            version=version,
            checkpointer=run.saver,
        )
        given = {**ASK, "found": [], "who": "ann"}
        config = {**run.config(version), "recursion_limit": 10}
        out = run.invoke(agent, given, config)
        found.append([shown(out["messages"]), out["found"], script.given])
    return found


@program("E.prebuilt", "E.tools")
def tools_of_an_agent_share_a_store(api, run):
    @tool
    def keep(what: str, store: Annotated[api.BaseStore, api.InjectedStore()]) -> str:
        """Keep it."""
        store.put(("kept",), "it", {"what": what})
        return "kept"

    @tool
    def recall(runtime: api.ToolRuntime) -> str:
        """Recall it."""
        return runtime.store.get(("kept",), "it").value["what"]

    script = model(
        calls(("keep", {"what": "tea"}, "c1")),
        calls(("recall", {}, "c2")),
        AIMessage("done"),
    )
    agent = api.create_react_agent(
        script, [keep, recall], store=api.InMemoryStore(), checkpointer=run.saver
    )
    return shown(run.invoke(agent, ASK, run.config())["messages"])


@program("E.prebuilt", "R1.29")
def agents_hand_on_to_each_other(api, run):
    ann = api.create_react_agent(
        model(calls(("to_bob", {}, "c1"), id="a1"), AIMessage("ann again", id="a2")),
        [handing_to(api, "bob")],
        name="ann",
    )
    bob = api.create_react_agent(
        model(AIMessage("?"), AIMessage("bob here", id="b1")), [add], name="bob"
    )
    built = api.StateGraph(api.MessagesState).add_node(ann).add_node(bob)
    flow = built.add_edge(api.START, "ann").compile(checkpointer=run.saver)
    first = run.invoke(flow, ASK, run.config())
    steps = [[source, after] for _, source, after in run.steps(flow, run.config())]
    return [shown(first["messages"]), steps]


@program("E.prebuilt", "R5.1")
def an_agent_is_a_tool_of_another_and_asks(api, run):
    did = []

    @tool
    def sign(paper: str) -> str:
        """Sign a paper."""
        answer = api.interrupt(f"sign {paper}?")
        did.append(paper)
        return answer

    clerk = api.create_react_agent(
        model(calls(("sign", {"paper": "will"}, "s1")), AIMessage("signed")), [sign]
    )

    @tool
    def office(wish: str) -> str:
        """Ask the office."""
        return clerk.invoke({"messages": [("user", wish)]})["messages"][-1].content

    script = model(calls(("office", {"wish": "sign"}, "c1")), AIMessage("done"))
    boss = api.create_react_agent(script, [office], checkpointer=run.saver)
    asked = run.invoke(boss, ASK, run.config())["__interrupt__"]
    out = run.invoke(boss, api.Command(resume="yes"), run.config())
    waits = [each.value for each in asked]
    return [waits, shown(out["messages"]), did, len(script.given)]
