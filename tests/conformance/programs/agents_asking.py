"""Agents that wait: tools that ask a person, breakpoints before tools, and what may be changed meanwhile."""

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from tests.conformance.corpus import program
from tests.conformance.programs.scripted import Scripted, add, calls, shown

ASK = {"messages": [("user", "hi")]}
ADD = ("add", {"a": 1, "b": 2}, "c1")


def model(*replies):
    return Scripted(replies=list(replies), given=[], options=[])


class Office:
    """Tools that note each call of theirs: `send` asks first, `look` does not."""

    def __init__(self, api):
        self.did = []

        @tool
        def send(to: str) -> str:
            """Send a letter."""
            answer = api.interrupt({"send to": to})
            self.did.append(f"send {to}")
            return f"{answer}: {to}"

        @tool
        def look(what: str) -> str:
            """Look something up."""
            self.did.append(f"look {what}")
            return f"found {what}"

        self.tools = [send, look]


def send(to, id):
    return ("send", {"to": to}, id)


def look(what, id):
    return ("look", {"what": what}, id)


def asked(run, agent):
    found = run.get_state(agent, run.config())
    return [list(found.next), [each.value for each in found.interrupts]]


@program("E.prebuilt", "R5.1")
def a_tool_that_asks_waits_and_the_model_is_not_asked_again(api, run):
    office = Office(api)
    script = model(calls(send("ann", "c1")), AIMessage("done"))
    agent = api.create_react_agent(script, office.tools, checkpointer=run.saver)
    out = run.invoke(agent, ASK, run.config())
    waits = [shown(out["messages"]), [i.value for i in out["__interrupt__"]]]
    before = [asked(run, agent), len(script.given), list(office.did)]
    out = run.invoke(agent, api.Command(resume="yes"), run.config())
    after = [shown(out["messages"]), len(script.given), office.did]
    return [waits, before, after]


@program("E.prebuilt", "R5.1")
def a_tool_that_has_ended_beside_a_question_is_not_called_again(api, run):
    office = Office(api)
    script = model(calls(look("tea", "c1"), send("ann", "c2")), AIMessage("done"))
    agent = api.create_react_agent(script, office.tools, checkpointer=run.saver)
    run.invoke(agent, ASK, run.config())
    before = [asked(run, agent), list(office.did)]
    out = run.invoke(agent, api.Command(resume="yes"), run.config())
    return [before, shown(out["messages"]), len(script.given), office.did]


@program("E.prebuilt", "R5.15")
def several_tools_that_ask_are_answered_by_id(api, run):
    office = Office(api)
    script = model(calls(send("ann", "c1"), send("bob", "c2")), AIMessage("done"))
    agent = api.create_react_agent(script, office.tools, checkpointer=run.saver)
    run.invoke(agent, ASK, run.config())
    found = run.get_state(agent, run.config())
    answers = {i.id: f"yes to {i.value['send to']}" for i in found.interrupts}
    out = run.invoke(agent, api.Command(resume=answers), run.config())
    before = sorted(each.value["send to"] for each in found.interrupts)
    return [before, shown(out["messages"]), sorted(office.did)]


@program("E.prebuilt", "R5.1", "R9.1")
def a_question_of_a_tool_is_streamed(api, run):
    office = Office(api)
    script = model(calls(send("ann", "c1")), AIMessage("done"))
    agent = api.create_react_agent(script, office.tools, checkpointer=run.saver)
    found = []
    for given in (ASK, api.Command(resume="yes")):
        for chunk in run.stream(agent, given, run.config(), stream_mode="updates"):
            [(name, part)] = chunk.items()
            asks = name == "__interrupt__"
            seen = [i.value for i in part] if asks else shown(part["messages"])
            found.append([name, seen])
    return found


@program("E.prebuilt", "R6.3")
def a_breakpoint_before_the_tools(api, run):
    found = []
    for version in ("v1", "v2"):
        script = model(calls(ADD, ("add", {"a": 3, "b": 4}, "c2")), AIMessage("done"))
        agent = api.create_react_agent(
            script,
            [add],
            checkpointer=run.saver,
            interrupt_before=["tools"],
            version=version,
        )
        config = run.config(version)
        out = run.invoke(agent, ASK, config)
        found.append([list(run.get_state(agent, config).next), shown(out["messages"])])
        out = run.invoke(agent, None, config)
        found.append([shown(out["messages"]), len(script.given)])
    return found


@program("E.prebuilt", "R6.3")
def a_breakpoint_after_the_model_and_in_between(api, run):
    script = model(calls(ADD), AIMessage("done"))
    agent = api.create_react_agent(
        script,
        [add],
        checkpointer=run.saver,
        interrupt_after=["agent"],
        interrupt_before=["agent"],
    )
    found, given = [], ASK
    for _ in range(6):
        run.invoke(agent, given, run.config())
        given = None
        now = run.get_state(agent, run.config())
        found.append([list(now.next), len(now.values["messages"]), len(script.given)])
    return found


@program("E.prebuilt", "R6.6")
def a_call_is_edited_before_it_is_carried_out(api, run):
    found = []
    for version in ("v1", "v2"):
        script = model(calls(ADD, id="m"), AIMessage("done"))
        agent = api.create_react_agent(
            script,
            [add],
            checkpointer=run.saver,
            interrupt_before=["tools"],
            version=version,
        )
        config = run.config(version)
        run.invoke(agent, ASK, config)
        other = calls(("add", {"a": 10, "b": 20}, "c1"), id="m")
        run.update_state(agent, config, {"messages": [other]}, "agent")
        found.append(list(run.get_state(agent, config).next))
        found.append(shown(run.invoke(agent, None, config)["messages"]))
    return found


@program("E.prebuilt", "R6.6")
def a_call_is_answered_by_a_person_in_place_of_its_tool(api, run):
    script = model(calls(ADD), AIMessage("done"))
    agent = api.create_react_agent(
        script, [add], checkpointer=run.saver, interrupt_before=["tools"]
    )
    run.invoke(agent, ASK, run.config())
    refused = ToolMessage("not allowed", tool_call_id="c1", name="add")
    run.update_state(agent, run.config(), {"messages": [refused]}, as_node="tools")
    before = list(run.get_state(agent, run.config()).next)
    out = run.invoke(agent, None, run.config())
    return [before, shown(out["messages"]), script.given]


@program("E.prebuilt")
def a_new_message_while_a_tool_waits_is_refused(api, run):
    office = Office(api)
    script = model(calls(send("ann", "c1")), AIMessage("done"))
    agent = api.create_react_agent(script, office.tools, checkpointer=run.saver)
    run.invoke(agent, ASK, run.config())
    more = {"messages": [("user", "well?")]}
    refused = run.attempt(run.invoke, agent, more, run.config())
    return [refused, len(script.given), office.did]


@program("E.prebuilt")
def the_next_turn_of_a_thread_goes_on_with_its_conversation(api, run):
    script = model(calls(ADD), AIMessage("done"), AIMessage("and again"))
    agent = api.create_react_agent(script, [add], checkpointer=run.saver)
    run.invoke(agent, ASK, run.config())
    out = run.invoke(agent, {"messages": [HumanMessage("more")]}, run.config())
    steps = [[source, after] for _, source, after in run.steps(agent, run.config())]
    return [shown(out["messages"]), steps]


@program("E.prebuilt", "R5.1")
def a_hook_asks_before_any_tool_is_called(api, run):
    def review(state):
        last = state["messages"][-1]
        if not getattr(last, "tool_calls", ()):
            return {}
        answer = api.interrupt([each["name"] for each in last.tool_calls])
        if answer == "yes":
            return {}
        refused = [ToolMessage("no", tool_call_id=c["id"]) for c in last.tool_calls]
        return {"messages": refused}

    found = []
    for answer in ("yes", "no"):
        script = model(calls(ADD), AIMessage("done"))
        agent = api.create_react_agent(
            script, [add], post_model_hook=review, checkpointer=run.saver
        )
        config = run.config(answer)
        run.invoke(agent, ASK, config)
        waits = [each.value for each in run.get_state(agent, config).interrupts]
        out = run.invoke(agent, api.Command(resume=answer), config)
        found.append([waits, shown(out["messages"]), len(script.given)])
    return found


@program("E.prebuilt", "R5.1")
def an_agent_below_asks_and_is_answered_above(api, run):
    office = Office(api)
    script = model(calls(send("ann", "c1")), AIMessage("done"))
    ann = api.create_react_agent(script, office.tools, name="ann")
    built = api.StateGraph(api.MessagesState).add_node(ann)
    flow = built.add_edge(api.START, "ann").compile(checkpointer=run.saver)
    run.invoke(flow, ASK, run.config())
    before = asked(run, flow)
    out = run.invoke(flow, api.Command(resume="yes"), run.config())
    return [before, shown(out["messages"]), len(script.given), office.did]
