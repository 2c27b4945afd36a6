"""Nodes that run the tools that a model has asked for (E.tools)."""

from typing import Annotated, Any

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool

from tests.conformance.corpus import program


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def fail(why: str) -> str:
    """Fail."""
    raise LookupError(why)


@tool
async def wait_and_say(text: str) -> str:
    """Say it."""
    return text


def asks_for(*calls):
    """What a model says that calls these tools, as pairs of a name and arguments."""
    return AIMessage(
        "",
        id="asked",
        tool_calls=[
            {"name": name, "args": args, "id": f"c{at}", "type": "tool_call"}
            for at, (name, args) in enumerate(calls)
        ],
    )


def conversation(api, run, node, *calls, schema=None, **more):
    """A model that asks for these tools once, and then says that it has ended."""

    def model(state):
        if isinstance(state["messages"][-1], ToolMessage):
            return {"messages": [AIMessage("done", id="done")]}
        return {"messages": [asks_for(*calls)]}

    builder = api.StateGraph(schema or api.MessagesState)
    builder.add_node("model", model).add_node(node)
    builder.add_edge(api.START, "model")
    builder.add_conditional_edges("model", api.tools_condition)
    builder.add_edge(node.name, "model")
    return builder.compile(checkpointer=run.saver, **more)


def seen(result):
    said = [
        [m.type, m.content if getattr(m, "status", "") != "error" else "(an error)"]
        for m in result["messages"]
    ]
    questions = [each.value for each in result.get("__interrupt__", ())]
    return [said, questions] if questions else said


@program("E.tools")
def tools_answer_in_the_order_of_their_calls(api, run):
    calls = (("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4}))
    g = conversation(api, run, api.ToolNode([add]), *calls)
    return seen(run.invoke(g, {"messages": [("user", "hi")]}, run.config()))


@program("E.tools")
def what_does_not_fit_is_told_to_the_model(api, run):
    calls = (("add", {"a": "one", "b": 2}), ("gone", {}), ("add", {"a": 1, "b": 1}))
    g = conversation(api, run, api.ToolNode([add]), *calls)
    return seen(run.invoke(g, {"messages": [("user", "hi")]}, run.config()))


@program("E.tools")
def which_failures_are_told_is_the_authors_choice(api, run):
    def in_words(error: LookupError) -> str:
        return f"not found: {error}"

    found = []
    for handling in (True, False, "try again", LookupError, (KeyError,), in_words):
        node = api.ToolNode([fail], handle_tool_errors=handling)
        work = {"messages": [asks_for(("fail", {"why": "lost"}))]}
        g = api.StateGraph(api.MessagesState).add_node(node)
        g.add_edge(api.START, "tools")
        told = run.attempt(run.invoke, g.compile(), work)
        if isinstance(told, dict) and "messages" in told:
            told = told["messages"][-1]
            own = handling in ("try again", in_words)
            told = [told.content if own else "(an error)", told.status]
        found.append(told)
    return found


@program("E.tools")
def what_the_graph_gives_to_a_tool(api, run):
    class State(api.MessagesState):
        mood: str

    @tool
    def look(
        word: str,
        whole: Annotated[dict, api.InjectedState],
        mood: Annotated[str, api.InjectedState("mood")],
        store: Annotated[Any, api.InjectedStore()],
        call: Annotated[str, InjectedToolCallId],
        runtime: api.ToolRuntime,
    ) -> str:
        """Look."""
        store.put(("words",), word, {"mood": mood})
        runtime.stream_writer(f"looking for {word}")
        where = runtime.config["configurable"]["thread_id"]
        node = runtime.config["metadata"]["langgraph_node"]
        same = runtime.state == whole and runtime.store is store
        names = [each.name for each in runtime.tools]
        return f"{word} {mood} {sorted(whole)} {call} {runtime.tool_call_id} {where} {node} {same} {names}"

    store = api.InMemoryStore()
    # what a model gives in place of the graph's own is not believed
    calls = (("look", {"word": "sun", "mood": "forged", "whole": {}, "store": 1}),)
    g = conversation(api, run, api.ToolNode([look]), *calls, schema=State, store=store)
    given = {"messages": [("user", "hi")], "mood": "fine"}
    chunks = run.stream(g, given, run.config(), stream_mode=["custom", "values"])
    shown = look.tool_call_schema.model_json_schema()["properties"]
    return [
        [chunk for mode, chunk in chunks if mode == "custom"],
        seen(chunks[-1][1]),
        store.get(("words",), "sun").value,
        sorted(shown),
    ]


@program("E.tools")
def a_tool_may_write_and_route(api, run):
    class State(api.MessagesState):
        found: str

    @tool
    def find(what: str, call: Annotated[str, InjectedToolCallId]):
        """Find it."""
        said = ToolMessage(f"found {what}", tool_call_id=call)
        return api.Command(update={"messages": [said], "found": what})

    calls = (("find", {"what": "it"}), ("add", {"a": 1, "b": 1}))
    g = conversation(api, run, api.ToolNode([find, add]), *calls, schema=State)
    result = run.invoke(g, {"messages": [("user", "hi")]}, run.config())
    return [seen(result), result["found"]]


@program("E.tools")
def a_command_that_answers_no_call_is_an_error(api, run):
    @tool
    def forget() -> Any:
        """Give no answer."""
        return api.Command(update={"messages": []})

    g = conversation(api, run, api.ToolNode([forget]), ("forget", {}))
    return run.attempt(run.invoke, g, {"messages": [("user", "hi")]}, run.config())


@program("E.tools")
def a_wrapper_stands_around_each_call(api, run):
    def twice(request, execute):
        call = request.tool_call
        doubled = {k: v * 2 for k, v in call["args"].items()}
        return execute(request.override(tool_call={**call, "args": doubled}))

    node = api.ToolNode([add], wrap_tool_call=twice)
    g = conversation(api, run, node, ("add", {"a": 1, "b": 2}))
    return seen(run.invoke(g, {"messages": [("user", "hi")]}, run.config()))


@program("E.tools")
def messages_under_another_key(api, run):
    class Talk(api.MessagesState):
        talk: Annotated[list, api.add_messages]

    node = api.ToolNode([add], name="work", messages_key="talk")
    g = api.StateGraph(Talk).add_node(node).add_edge(api.START, "work").compile()
    given = {"talk": [asks_for(("add", {"a": 1, "b": 2}))], "messages": []}
    told = run.invoke(g, given)["talk"][-1]
    ends = [
        api.tools_condition(given, messages_key="talk"),
        api.tools_condition([AIMessage("no")]),
        run.attempt(api.tools_condition, {"messages": []}),
    ]
    return [told.content, told.name, ends]


@program("E.tools")
def a_send_carries_single_calls(api, run):
    class State(api.MessagesState):
        mood: str

    @tool
    def feel(mood: Annotated[str, api.InjectedState("mood")]) -> str:
        """Feel."""
        return mood

    def spread(state):
        calls = state["messages"][-1].tool_calls
        return [api.Send("tools", [call]) for call in calls]

    def model(state):
        return {"messages": [asks_for(("feel", {}), ("add", {"a": 1, "b": 2}))]}

    builder = api.StateGraph(State).add_node(model)
    builder.add_node(api.ToolNode([feel, add])).add_edge(api.START, "model")
    g = builder.add_conditional_edges("model", spread).compile()
    return seen(run.invoke(g, {"messages": [("user", "hi")], "mood": "calm"}))


@program("E.tools")
def what_streams_tell_of_tools(api, run):
    calls = (("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4}))
    g = conversation(api, run, api.ToolNode([add]), *calls)
    given = {"messages": [("user", "hi")]}
    modes = ["updates", "tasks", "messages"]
    told = []
    for mode, chunk in run.stream(g, given, run.config(), stream_mode=modes):
        if mode == "messages":
            told.append([mode, chunk[0].content, chunk[1]["langgraph_node"]])
        elif mode == "tasks":
            told.append([mode, chunk["name"], "result" in chunk])
        else:
            told.append([mode, sorted(chunk)])
    # tools end in any order, so what is said of them has none
    return sorted(told, key=str)


@program("E.tools")
def a_tool_asks_a_person(api, run):
    @tool
    def pay(amount: int) -> str:
        """Pay."""
        return api.interrupt({"pay": amount})

    g = conversation(api, run, api.ToolNode([pay]), ("pay", {"amount": 5}))
    config = run.config()
    asked = seen(run.invoke(g, {"messages": [("user", "hi")]}, config))
    state = run.get_state(g, config)
    where = [state.next, [each.name for each in state.tasks]]
    return [asked, where, seen(run.invoke(g, api.Command(resume="paid"), config))]


@program(
    "E.tools",
    differs="a tool that has ended is not run again when another is answered",
    expected=[["add", "pay?", "pay?", "paid"], "3", "paid"],
)
def what_has_ended_beside_a_question_is_kept(api, run):
    ran = []

    @tool
    def count(a: int, b: int) -> int:
        """Count."""
        ran.append("add")
        return a + b

    @tool
    def pay(amount: int) -> str:
        """Pay."""
        while not ran:
            pass
        ran.append("pay?")
        answer = api.interrupt({"pay": amount})
        ran.append("paid")
        return answer

    calls = (("count", {"a": 1, "b": 2}), ("pay", {"amount": 5}))
    g = conversation(api, run, api.ToolNode([count, pay]), *calls)
    run.invoke(g, {"messages": [("user", "hi")]}, run.config())
    result = run.invoke(g, api.Command(resume="paid"), run.config())
    return [ran, *(m.content for m in result["messages"] if m.type == "tool")]


@program(
    "E.tools",
    differs="each tool that asks has a question of its own, and each is answered by its id",
    expected=[["a", "b"], ["a"], ["a: yes", "b: no"]],
)
def two_tools_ask_at_the_same_time(api, run):
    @tool
    def sign(paper: str) -> str:
        """Sign."""
        return f"{paper}: {api.interrupt(paper)}"

    calls = (("sign", {"paper": "a"}), ("sign", {"paper": "b"}))
    g = conversation(api, run, api.ToolNode([sign]), *calls)
    asked = run.invoke(g, {"messages": [("user", "hi")]}, run.config())["__interrupt__"]
    of = {each.value: each.id for each in asked}
    left = run.invoke(g, api.Command(resume={of.get("b", "?"): "no"}), run.config())
    still = [each.value for each in left["__interrupt__"]]
    result = run.invoke(g, api.Command(resume="yes"), run.config())
    told = [m.content for m in result["messages"] if m.type == "tool"]
    return [sorted(of), still, told]


@program("E.tools", only="async")
def tools_that_are_coroutines(api, run):
    async def around(request, execute):
        result = await execute(request)
        return result.model_copy(update={"content": f"<{result.content}>"})

    node = api.ToolNode([wait_and_say, add], awrap_tool_call=around)
    calls = (("wait_and_say", {"text": "hello"}), ("add", {"a": 1, "b": 1}))
    g = conversation(api, run, node, *calls)
    return seen(run.invoke(g, {"messages": [("user", "hi")]}, run.config()))
