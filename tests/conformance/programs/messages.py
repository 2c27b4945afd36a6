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
