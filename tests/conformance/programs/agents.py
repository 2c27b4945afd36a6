"""Agents made by `create_react_agent`: the turns of a model and its tools."""

from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    ToolMessage,
)
from pydantic import BaseModel

from tests.conformance.corpus import program
from tests.conformance.programs.scripted import (
    Scripted,
    add,
    calls,
    final,
    shout,
    shown,
)

ASK = {"messages": [("user", "hi")]}
ADD = ("add", {"a": 1, "b": 2}, "c1")
SHOUT = ("shout", {"text": "hey"}, "c2")
FINAL = ("final", {"text": "bye"}, "c3")


class Form(BaseModel):
    count: int


def model(*replies):
    return Scripted(replies=list(replies), given=[], options=[])


def said(run, agent, given=ASK, **options):
    return shown(run.invoke(agent, given, **options)["messages"])


def edges(agent):
    drawn = agent.get_graph()
    lines = [[e.source, e.target, e.data, bool(e.conditional)] for e in drawn.edges]
    return [list(drawn.nodes), lines]


def do_nothing(state):
    return None


# the turns


@program("E.prebuilt")
def a_model_without_tools_speaks_once(api, run):
    return said(run, api.create_react_agent(model(AIMessage("hello")), []))


@program("E.prebuilt")
def tools_are_called_until_the_model_calls_none(api, run):
    script = model(calls(ADD), calls(SHOUT, text="and"), AIMessage("done"))
    agents = [
        api.create_react_agent(script, [add, shout], version=version)
        for version in ("v1", "v2")
    ]
    return [[said(run, agent) for agent in agents], script.given, script.options]


@program("E.prebuilt")
def several_calls_of_one_message_are_all_answered(api, run):
    script = model(
        calls(ADD, SHOUT, ("add", {"a": 3, "b": 4}, "c4")), AIMessage("done")
    )
    return [
        said(run, api.create_react_agent(script, [add, shout], version=version))
        for version in ("v1", "v2")
    ]


@program("E.prebuilt")
def functions_and_a_node_of_tools_are_tools(api, run):
    def double(n: int) -> int:
        """Double it."""
        return 2 * n

    script = model(calls(("double", {"n": 4}, "c")), AIMessage("done"))
    node = api.ToolNode([double, shout])
    given = ([double], (double, shout), node)
    return [said(run, api.create_react_agent(script, each)) for each in given]


@program("E.prebuilt")
def a_tool_that_returns_directly_has_the_last_word(api, run):
    wanted = [(FINAL,), (FINAL, ADD), (ADD, FINAL), (ADD,)]
    return [
        said(
            run,
            api.create_react_agent(
                model(calls(*each), AIMessage("done")), [add, final], version=version
            ),
        )
        for each in wanted
        for version in ("v1", "v2")
    ]


@program("E.prebuilt", "R2.15")
def a_model_that_wants_more_steps_than_are_left_says_so(api, run):
    found = []
    for name, call in (("add", ADD), ("final", FINAL), ("none", None)):
        reply = AIMessage("done", id="m") if call is None else calls(call, id="m")
        for version in ("v1", "v2"):
            agent = api.create_react_agent(model(reply), [add, final], version=version)
            for limit in (1, 2, 3, 4):
                config = {"recursion_limit": limit}
                text = run.attempt(said, run, agent, ASK, config=config)
                found.append([name, version, limit, text])
    return found


@program("E.prebuilt")
def an_agent_puts_its_name_on_what_its_model_says(api, run):
    script = model(calls(ADD), AIMessage("done", name="other"))
    agent = api.create_react_agent(script, [add], name="counter")
    return [agent.name, said(run, agent)]


# what is refused


@program("E.prebuilt")
def what_cannot_be_an_agent_is_refused(api, run):
    script = model(AIMessage("done"))

    class NoSteps(api.MessagesState):
        pass

    def made(*args, **options):
        api.create_react_agent(*args, **options)

    return [
        run.attempt(made, script, [add], version="v3"),
        run.attempt(made, script, [add], prompt=5),
        run.attempt(made, script, [add], nothing=1),
        run.attempt(made, script, [add], state_schema=NoSteps),
        run.attempt(
            made, script, [add], state_schema=api.AgentState, response_format=dict
        ),
        run.attempt(made, script.bind_tools([add, shout]), [add]),
        run.attempt(made, script.bind_tools([shout]), [add]),
        run.attempt(made, script.bind_tools([add]), []),
        run.attempt(made, "openai:gpt-x", [add]),
        run.attempt(made, script, [add], interrupt_before=["nowhere"]),
    ]


@program("E.prebuilt")
def a_conversation_with_open_calls_is_refused(api, run):
    script = model(AIMessage("done"))
    agent = api.create_react_agent(script, [add])
    answer = ToolMessage("3", tool_call_id="c1")
    asked = [
        [HumanMessage("hi"), calls(ADD)],
        [HumanMessage("hi"), calls(ADD, SHOUT), answer],
        [HumanMessage("hi"), calls(ADD), answer],
        [],
    ]
    return [run.attempt(said, run, agent, {"messages": each}) for each in asked]


# what is seen from outside


@program("E.prebuilt", "R1.45")
def a_drawing_of_an_agent(api, run):
    found = []
    for tools in ([], [add], [add, final]):
        for form in (None, Form):
            for before in (None, do_nothing):
                for after in (None, do_nothing):
                    agent = api.create_react_agent(
                        model(AIMessage("")),
                        tools,
                        response_format=form,
                        pre_model_hook=before,
                        post_model_hook=after,
                    )
                    found.append(edges(agent))
    return found


@program("E.prebuilt", "R9.1")
def an_agent_is_streamed_by_the_names_of_its_nodes(api, run):
    script = model(calls(ADD), AIMessage("all done"))
    found = []
    for version in ("v1", "v2"):
        agent = api.create_react_agent(script, [add], version=version)
        for chunk in run.stream(agent, ASK, stream_mode="updates"):
            found += [[name, shown(part["messages"])] for name, part in chunk.items()]
        values = run.stream(agent, ASK, stream_mode="values")
        found.append([[sorted(v), shown(v["messages"])] for v in values])
    return found


@program("E.prebuilt", "R9.3")
def an_agent_is_heard_word_by_word(api, run):
    script = model(calls(ADD, text="let me see"), AIMessage("all done"))
    agent = api.create_react_agent(script, [add], prompt="be", name="ann")
    return [
        [type(m).__name__, m.content, about["langgraph_node"], about["langgraph_step"]]
        for m, about in run.stream(agent, ASK, stream_mode="messages")
    ]


def tasks(api, run, version):
    """Name, kind and payload of what is told of the tasks of one call of a tool."""
    script = model(calls(ADD), AIMessage("done"))
    agent = api.create_react_agent(script, [add], version=version)
    for chunk in run.stream(agent, ASK, stream_mode="tasks"):
        kind = "input" if "input" in chunk else "result"
        yield chunk["name"], kind, chunk[kind]


@program("E.prebuilt", "R9.1")
def the_tasks_of_an_agent_are_streamed(api, run):
    return [
        [name, kind, sorted(part)]
        for version in ("v1", "v2")
        for name, kind, part in tasks(api, run, version)
        if (version, name, kind) != ("v2", "tools", "input")
    ]


@program(
    "E.prebuilt",
    "R9.1",
    differs="A call is sent alone, so that the conversation is not saved again with it; "
    "its tool is given the state from the thread.",
    expected=[["add"]],
)
def a_tool_of_its_own_task_is_sent_its_call(api, run):
    told = tasks(api, run, "v2")
    return [
        [call["name"] for call in given]
        for name, kind, given in told
        if (name, kind) == ("tools", "input")
    ]


@program("E.prebuilt", "R1.25")
def an_agent_may_be_a_node(api, run):
    ann = api.create_react_agent(model(AIMessage("from ann")), [add], name="ann")
    bob = api.create_react_agent(
        model(AIMessage(""), calls(SHOUT), AIMessage("from bob")), [shout], name="bob"
    )
    built = api.StateGraph(api.MessagesState).add_node(ann).add_node(bob)
    built.add_edge(api.START, "ann").add_edge("ann", "bob")
    flow = built.compile(checkpointer=run.saver)
    out = run.stream(flow, ASK, run.config(), stream_mode="updates", subgraphs=True)
    names = [[len(place), list(part)] for place, part in out]
    return [names, shown(run.get_state(flow, run.config()).values["messages"])]
