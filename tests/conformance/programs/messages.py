"""Section 9: the stream mode `messages` (R9.3, R9.6)."""

from typing import Any, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


class Loose(TypedDict, total=False):
    one: Any
    many: list
    deep: dict


def _talk(api, *edges, **nodes):
    return graph(api, *edges, schema=api.MessagesState, **nodes)


def _says(api, *messages):
    return lambda state: {"messages": [api.AIMessage(t, id=i) for t, i in messages]}


def _read(run, g, given, *args, **options):
    chunks = run.stream(g, given, *args, stream_mode="messages", **options)
    return [_short(each) for each in chunks]


def _short(chunk):
    *where, (message, about) = chunk if isinstance(chunk[0], tuple) else (chunk,)
    names = [part.split(":")[0] for space in where for part in space]
    return [*names, message.content, message.id, about["langgraph_node"]]


@program("R9.3")
def each_message_once(api, run):
    g = _talk(
        api,
        (api.START, "a"),
        ("a", "b"),
        ("b", "c"),
        a=_says(api, ("one", "1"), ("two", "2")),
        b=lambda state: {"messages": state["messages"]},
        c=_says(api, ("three", "3"), ("three again", "3")),
    )
    return _read(run, g.compile(), {"messages": [("user", "hi")]})


@program("R9.3")
def messages_of_commands_and_other_keys(api, run):
    one, two, three = (api.AIMessage(text, id=text) for text in ("one", "two", "three"))
    update = {"one": one, "many": [two, 3], "deep": {"x": [three]}}
    g = graph(
        api,
        (api.START, "a"),
        schema=Loose,
        a=lambda state: api.Command(update=update),
    )
    return _read(run, g.compile(), {"deep": {}})


@program("R9.3", "R7.1")
def messages_of_a_node_that_is_a_graph(api, run):
    sub = _talk(api, (api.START, "a"), a=_says(api, ("one", "1"))).compile()
    g = _talk(api, (api.START, "sub"), sub=sub).compile()
    given = {"messages": [("user", "hi")]}
    return [_read(run, g, given), _read(run, g, given, subgraphs=True)]


@program("R9.3", "R8.17")
def messages_of_tasks_and_entrypoints(api, run):
    @api.task
    def one():
        return api.AIMessage("one", id="1")

    @api.entrypoint()
    def wf(n):
        return [one().result(), api.AIMessage("two", id="2")]

    return _read(run, wf, 1)


@program("R9.3", "R1.5")
def what_is_said_about_a_message(api, run):
    g = _talk(api, (api.START, "a"))
    g.add_node("a", _says(api, ("one", "1")), metadata={"k": 1})
    g = g.compile(checkpointer=run.saver)
    given = {"messages": [("user", "hi")]}
    config = {**run.config(), "metadata": {"mine": 2}}
    (_, about), *_ = run.stream(g, given, config, stream_mode="messages")
    space = about.pop("langgraph_checkpoint_ns")
    about.pop("ls_integration", None)
    about.pop("langgraph_path")
    return [about, space.split(":")[0]]


@program("R9.3", "R9.4")
def a_message_without_an_id_gets_one(api, run):
    g = _talk(api, (api.START, "a"), a=_says(api, ("one", None)))
    g = g.compile(checkpointer=run.saver)
    given = {"messages": [("user", "hi")]}
    chunks = run.stream(g, given, run.config(), stream_mode=["updates", "messages"])
    shown = dict(chunks)
    kept = run.get_state(g, run.config()).values["messages"][-1]
    message = shown["messages"][0]
    return [
        [mode for mode, _ in chunks],
        message.id is not None,
        message.id == kept.id == shown["updates"]["a"]["messages"][0].id,
    ]


PARTS = [
    ["he", "m1", "a"],
    ["llo", "m1", "a"],
]


@program(
    "R9.6",
    differs="the writer feeds the mode without any model library",
    expected=[PARTS, PARTS, [["a", *part] for part in PARTS[:0]], ["hello", "m1"]],
)
def messages_from_the_writer(api, run):
    def a(state, writer, runtime):
        api.get_stream_writer().message("m1", "he")
        runtime.stream_writer.message("m1", "llo")
        writer("not a message")
        return {"messages": [api.AIMessage("hello", id="m1")]}

    g = _talk(api, (api.START, "a"), a=a).compile()
    outer = _talk(api, (api.START, "sub"), sub=g).compile()
    given = {"messages": [("user", "hi")]}
    deep = _read(run, outer, given, subgraphs=True)
    flat = run.invoke(g, given)["messages"][-1]
    return [
        _read(run, g, given),
        [part[1:] for part in deep if part[0] == "sub"],
        [part for part in deep if part[0] != "sub"],
        [flat.content, flat.id],
    ]


@program(
    "R9.6",
    differs="the writer feeds the mode without any model library",
    expected=[["custom", "messages", "messages", "custom", "updates"], "t"],
)
def messages_from_the_writer_of_a_task(api, run):
    @api.task
    def t():
        writer = api.get_stream_writer()
        writer("begins")
        writer.message("m", "a")
        writer.message("m", "b")
        writer("ends")

    @api.entrypoint()
    def wf(n):
        t().result()

    modes = ["custom", "messages", "updates"]
    chunks = run.stream(wf, 1, stream_mode=modes)
    about = next(chunk for mode, chunk in chunks if mode == "messages")[1]
    return [[mode for mode, _ in chunks][:5], about["langgraph_node"]]


@program(
    "R2.18",
    differs="what follows the removal of all is merged like any other list",
    expected=[[["1", "b"]], {"raises": "ValueError"}],
)
def what_follows_the_removal_of_all(api, run):
    everything = api.RemoveMessage(id="__remove_all__")
    two = [api.HumanMessage(content=c, id="1") for c in "ab"]
    merged = api.add_messages([], [everything, *two])
    unknown = [everything, api.RemoveMessage(id="9")]
    return [
        [[m.id, m.content] for m in merged],
        run.attempt(lambda: len(api.add_messages([], unknown))),
    ]


@program("R2.5", "R2.18")
def messages_that_replace_all_get_ids_for_good(api, run):
    built = api.StateGraph(api.MessagesState)
    built.add_node("n", lambda state: {"messages": []}).add_edge(api.START, "n")
    g = built.compile(checkpointer=run.saver)
    given = {"messages": api.Overwrite([api.AIMessage(content="x")])}
    first = run.invoke(g, given, run.config())["messages"][0].id
    again = run.invoke(g, {"messages": []}, run.config())["messages"][0].id
    kept = run.get_state(g, run.config()).values["messages"][0].id
    return [bool(first), first == again, again == kept]


@program("R2.18")
def dicts_say_none_of_what_a_message_lacks(api, run):
    lacks = {"id": None, "name": None, "tool_calls": None, "tool_call_id": None}
    given = [
        {"role": "user", "content": "hi", **lacks},
        {"type": "ai", "content": None, **lacks, "more": 1},
        {"role": "developer", "content": "be brief"},
    ]

    def shown(messages):
        return [[m.type, m.content, m.name, m.additional_kwargs] for m in messages]

    g = _talk(api, (api.START, "a"), a=lambda state: {"messages": given})
    return shown(run.invoke(g.compile(), {"messages": []})["messages"])


class Pushed(TypedDict, total=False):
    log: Any
    n: int


def _told(run, g, given, *args, **options):
    """What each mode was told of; messages by content and id."""
    modes = {"stream_mode": ["messages", "updates", "values"]}
    return [
        [mode, _short(chunk) if mode == "messages" else chunk]
        for mode, chunk in run.stream(g, given, *args, **modes, **options)
    ]


@program("R9.3", "R2.18")
def a_node_pushes_messages(api, run):
    """Each is shown at once and once; the state has those that were not only to be shown."""

    def a(state):
        api.push_message(api.AIMessage(content="one", id="1"))
        api.push_message({"role": "user", "content": "two", "id": "2"})
        api.push_message(api.AIMessage(content="shown", id="3"), state_key=None)
        pushed = api.push_message(api.AIMessage(content="one again", id="1"))
        return {"messages": [pushed, api.AIMessage(content="four", id="4")]}

    g = _talk(api, (api.START, "a"), a=a).compile(checkpointer=run.saver)
    told = _told(run, g, {"messages": []}, run.config())
    return [told, run.get_state(g, run.config()).values]


@program("R9.3", "R1.20")
def a_node_pushes_and_returns_nothing(api, run):
    """A branch sees what was pushed, in any key."""

    def a(state):
        api.push_message(api.AIMessage(content="one", id="1"), state_key="log")

    seen = []
    built = api.StateGraph(Pushed).add_node("a", a).add_edge(api.START, "a")
    built.add_conditional_edges("a", lambda s: seen.append(s["log"].id) or api.END)
    g = built.compile(checkpointer=run.saver)
    return [_told(run, g, {"n": 1}, run.config()), seen]


@program("R9.3", "R1.35", "R1.11")
def what_a_failed_attempt_pushed_is_not_kept(api, run):
    tries = []

    def a(state):
        tries.append(1)
        api.push_message(api.AIMessage(content="x", id=str(len(tries))))
        api.push_message(api.AIMessage(content="y", id="y"), state_key="unknown")
        if len(tries) == 1:
            raise ConnectionError

    policy = api.RetryPolicy(initial_interval=0, jitter=False)
    built = api.StateGraph(api.MessagesState).add_node("a", a, retry_policy=policy)
    g = built.add_edge(api.START, "a").compile(checkpointer=run.saver)
    out = run.invoke(g, {"messages": []}, run.config())
    return [m.id for m in out["messages"]]


@program("R9.3", "R7.1")
def messages_that_are_pushed_below(api, run):
    def a(state):
        api.push_message(api.AIMessage(content="below", id="1"))

    sub = _talk(api, (api.START, "a"), a=a).compile()
    g = _talk(api, (api.START, "sub"), sub=sub).compile()
    return [
        _read(run, g, {"messages": []}),
        _read(run, g, {"messages": []}, subgraphs=True),
    ]


@program("R9.3")
def what_cannot_be_pushed(api, run):
    found = []

    def a(state):
        message = api.AIMessage(content="x")
        found.append(run.attempt(api.push_message, message, says="needs an id"))

    g = _talk(api, (api.START, "a"), a=a).compile()
    run.invoke(g, {"messages": []})
    outside = run.attempt(api.push_message, api.AIMessage(content="x", id="1"))
    return [found[0]["raises"], outside]


@program("R9.3", built=False)
def a_task_pushes_a_message_into_the_state(api, run):
    @api.task
    def t():
        api.push_message(api.AIMessage(content="x", id="1"))

    g = _talk(api, (api.START, "a"), a=lambda state: t().result())
    return run.invoke(g.compile(), {"messages": []})


@program("R9.3")
def a_task_pushes_a_message_to_be_shown(api, run):
    @api.task
    def t():
        api.push_message(api.AIMessage(content="x", id="1"), state_key=None)

    g = _talk(api, (api.START, "a"), a=lambda state: t().result()).compile()
    return [_read(run, g, {"messages": []}), run.invoke(g, {"messages": []})]
