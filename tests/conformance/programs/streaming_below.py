"""Section 9 with graphs in graphs: what of a subgraph's chunks is seen above, and under which name."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, say


class Own(TypedDict, total=False):
    own: Annotated[list, operator.add]


class Both(TypedDict, total=False):
    log: Annotated[list, operator.add]
    own: list


def _below(api, *, note="w", asks=False, **options):
    """A graph of its own state: one node that writes a custom chunk, one that may ask."""

    def first(state, writer):
        writer(note)
        return {"own": ["first"]}

    def second(state):
        return {"own": [api.interrupt("q") if asks else "second"]}

    edges = [(api.START, "first"), ("first", "second")]
    built = graph(api, *edges, schema=Own, first=first, second=second)
    return built.compile(**options)


MODES = ["custom", "updates", "values"]


@program("R9.2", "R9.3")
def chunks_of_a_node_that_is_a_graph(api, run):
    g = graph(api, (api.START, "sub"), schema=Both, sub=_below(api)).compile()
    return [
        run.stream(g, {"log": ["i"]}, stream_mode=MODES),
        run.stream(g, {"log": ["i"]}, stream_mode=MODES, subgraphs=True),
        run.stream(g, {"log": ["i"]}, stream_mode="custom"),
        run.stream(g, {"log": ["i"]}, stream_mode="custom", subgraphs=True),
    ]


@program("R9.2", "R7.2")
def chunks_of_a_graph_called_in_a_node(api, run):
    sub = _below(api)

    def calls(state):
        return {"log": sub.invoke({"own": []})["own"]}

    g = graph(api, (api.START, "calls"), calls=calls).compile()
    return [
        run.stream(g, {"log": ["i"]}, stream_mode=MODES),
        run.stream(g, {"log": ["i"]}, stream_mode=MODES, subgraphs=True),
        run.stream(g, {"log": ["i"]}, stream_mode="custom"),
    ]


@program("R9.2", "R7.2")
def a_stream_within_a_stream(api, run):
    sub = _below(api)

    def calls(state):
        chunks = list(sub.stream({"own": []}, stream_mode=["updates", "custom"]))
        return {"log": [len(chunks), *(mode for mode, _ in chunks)]}

    g = graph(api, (api.START, "calls"), calls=calls).compile()
    return [
        run.stream(g, {"log": []}, stream_mode=MODES),
        run.stream(g, {"log": []}, stream_mode=MODES, subgraphs=True),
    ]


@program("R9.2", "R7.2")
def a_values_stream_within_an_updates_stream(api, run):
    sub = _below(api)

    def calls(state):
        chunks = list(sub.stream({"own": []}, stream_mode="values"))
        return {"log": chunks}

    g = graph(api, (api.START, "calls"), calls=calls).compile()
    return [
        run.stream(g, {"log": []}),
        run.stream(g, {"log": []}, subgraphs=True),
    ]


@program("R9.2", "R7.3", "R7.6")
def several_calls_in_one_task_are_told_apart(api, run):
    sub = _below(api)

    def calls(state):
        return {"log": [sub.invoke({"own": []})["own"] for _ in range(2)]}

    g = graph(api, (api.START, "calls"), calls=calls)
    g = g.compile(checkpointer=run.saver)
    return run.stream(g, {"log": []}, run.config(), subgraphs=True)


@program("R9.2", "R7.7", "R9.3")
def three_deep_with_a_question(api, run):
    low = _below(api, asks=True)
    mid = graph(
        api, (api.START, "m"), ("m", "low"), schema=Own, m=_own("m"), low=low
    ).compile()
    g = graph(
        api,
        (api.START, "p"),
        ("p", "mid"),
        ("mid", "after"),
        schema=Both,
        p=None,
        mid=mid,
        after=None,
    )
    g = g.compile(checkpointer=run.saver)
    options = {"stream_mode": MODES, "subgraphs": True}
    first = run.stream(g, {"log": [], "own": []}, run.config(), **options)
    last = run.stream(g, api.Command(resume="r"), run.config(), **options)
    return [first, last]


def _own(name):
    return lambda state: {"own": [name]}


@program("R9.2", "R9.3", "R7.7")
def resuming_below_in_each_mode(api, run):
    g = graph(api, (api.START, "sub"), schema=Both, sub=_below(api, asks=True))
    g = g.compile(checkpointer=run.saver)
    seen = []
    for mode in ("values", "updates", "custom"):
        config = run.config(mode)
        options = {"stream_mode": mode, "subgraphs": True}
        seen.append(run.stream(g, {"log": [], "own": []}, config, **options))
        seen.append(run.stream(g, api.Command(resume="r"), config, **options))
    return seen


@program("R1.29", "R9.3")
def a_command_for_the_parent_while_streaming(api, run):
    def up(state):
        update = {"log": ["up"]}
        return api.Command(graph=api.Command.PARENT, update=update, goto="target")

    sub = graph(api, (api.START, "s"), ("s", "up"), s=None, up=up).compile()
    g = graph(api, (api.START, "sub"), sub=sub, target=None)
    g = g.compile(checkpointer=run.saver)
    return [
        run.stream(g, {"log": ["i"]}, run.config("a"), stream_mode=MODES),
        run.stream(
            g, {"log": ["i"]}, run.config("b"), stream_mode=MODES, subgraphs=True
        ),
        [
            {k: v for k, v in chunk.items() if k != "triggers"}
            for chunk in run.stream(
                g, {"log": ["i"]}, run.config("c"), stream_mode="tasks"
            )
        ],
    ]


@program("R9.2", "R9.5")
def the_second_version_names_the_namespace(api, run):
    g = graph(api, (api.START, "sub"), schema=Both, sub=_below(api)).compile()
    return run.stream(
        g,
        {"log": ["i"]},
        stream_mode=MODES,
        subgraphs=True,
        version="v2",
    )


@program("R9.3", "R9.2")
def tasks_and_checkpoints_of_a_subgraph(api, run):
    g = graph(api, (api.START, "sub"), schema=Both, sub=_below(api, asks=True))
    g = g.compile(checkpointer=run.saver)
    chunks = run.stream(
        g,
        {"log": [], "own": []},
        run.config(),
        stream_mode=["tasks", "checkpoints"],
        subgraphs=True,
    )
    return [_short(*chunk) for chunk in chunks]


def _short(where, mode, chunk):
    if mode == "tasks":
        return [where, "start" if "input" in chunk else "end", chunk["name"]]
    inside = [task.get("state") is not None for task in chunk["tasks"]]
    return [where, mode, chunk["values"], chunk["next"], inside]


@program("R7.12", "R9.4")
def an_exception_below_while_streaming(api, run):
    def bad(state):
        raise RuntimeError("bad")

    sub = graph(api, (api.START, "s"), ("s", "bad"), s=None, bad=bad).compile()
    g = graph(api, (api.START, "p"), ("p", "sub"), p=None, sub=sub).compile()
    return run.stream(g, {"log": []}, stream_mode=MODES, subgraphs=True)


@program("R9.3", "R8.12")
def a_subgraph_called_in_a_task(api, run):
    sub = _below(api)

    @api.task
    def one(n):
        return sub.invoke({"own": []})["own"]

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return one(n).result()

    return [
        run.stream(wf, 1, run.config("a"), stream_mode=["custom", "updates"]),
        run.stream(
            wf, 1, run.config("b"), stream_mode=["custom", "updates"], subgraphs=True
        ),
    ]


@program("R9.2", "R8.12", "R8.17")
def an_entrypoint_within_an_entrypoint(api, run):
    @api.task
    def one(n):
        api.get_stream_writer()(f"one {n}")
        return n + 1

    @api.entrypoint()
    def inner(n):
        return one(n).result() * 10

    @api.entrypoint(checkpointer=run.saver)
    def outer(n):
        return inner.invoke(n) + one(0).result()

    modes = ["custom", "updates", "values"]
    return [
        run.stream(outer, 1, run.config("a"), stream_mode=modes),
        run.stream(outer, 1, run.config("b"), stream_mode=modes, subgraphs=True),
    ]


@program("R9.3", "R7.5")
def chunks_of_the_modes_of_a_subgraph(api, run):
    seen = []
    for mode in (True, False):
        sub = _below(api, checkpointer=mode)
        g = graph(api, (api.START, "sub"), schema=Both, sub=sub)
        g = g.compile(checkpointer=run.saver)
        seen.append(run.stream(g, {"log": []}, run.config(str(mode)), subgraphs=True))
    return seen


@program("R9.2", "R5.26")
def a_breakpoint_below(api, run):
    sub = _below(api, interrupt_before=["second"])
    g = graph(api, (api.START, "sub"), ("sub", "z"), schema=Both, sub=sub, z=None)
    g = g.compile(checkpointer=run.saver)
    options = {"stream_mode": ["updates", "values"], "subgraphs": True}
    first = run.stream(g, {"log": [], "own": []}, run.config(), **options)
    seen = run.look(g, run.config())
    return [first, seen, run.stream(g, None, run.config(), **options)]


@program("R9.2", "R1.27")
def a_send_to_a_graph(api, run):
    def first(state):
        return {"log": [state["own"][0] * 10]}

    sub = graph(api, (api.START, "first"), schema=Both, first=first).compile()
    g = graph(api, (api.START, "p"), schema=Both, p=None, sub=sub)
    g.add_conditional_edges("p", lambda s: [api.Send("sub", {"own": [1]})])
    return run.stream(g.compile(), {"log": []}, subgraphs=True, stream_mode=MODES)


@program("R9.3", "R7.1")
def names_of_graphs_do_not_matter(api, run):
    sub = _below(api, name="the inner one")
    g = graph(api, (api.START, "sub"), schema=Both, sub=sub).compile(name="outer one")
    seen = graph(api, (api.START, "x"), x=say("x")).compile(name="sub")
    return [run.stream(g, {"log": []}, subgraphs=True), seen.name]


@program("R9.3")
def checkpoints_are_shown_where_they_are_kept(api, run):
    def streamed(saver, below, mode):
        inner = graph(api, (api.START, "i"), i=None).compile(checkpointer=below)
        built = graph(api, (api.START, "n"), n=inner)
        given = run.stream(
            built.compile(checkpointer=saver),
            {"log": []},
            run.config(f"{mode} {saver is None} {below}"),
            stream_mode=mode,
            subgraphs=True,
        )
        return [[len(ns), chunk.get("type", "checkpoint")] for ns, chunk in given]

    cases = [(None, None), (run.saver, None), (run.saver, False)]
    return [
        streamed(saver, below, mode)
        for saver, below in cases
        for mode in ("checkpoints", "debug")
    ]


@program("R2.13", "R9.3", "R7.1")
def streams_of_what_is_called_for_its_output_have_its_keys(api, run):
    class Out(TypedDict, total=False):
        log: Annotated[list, operator.add]

    built = api.StateGraph(S, output_schema=Out)
    built.add_node("i", lambda state: {"log": ["i"], "a": 1})
    built.add_node("j", lambda state: {"b": "j"})
    built.add_edge(api.START, "i").add_edge("i", "j")
    sub = built.compile()
    called = graph(api, (api.START, "n"), n=lambda state: sub.invoke({"log": []}))
    added = graph(api, (api.START, "n"), n=sub)

    def streamed(g, mode, config=None):
        given = run.stream(
            g, {"log": []}, config, stream_mode=mode, subgraphs=config is not None
        )
        return [each[-1] if config is not None else each for each in given]

    def checkpoints(g):
        given = run.stream(
            g,
            {"log": []},
            run.config(),
            stream_mode="checkpoints",
            subgraphs=True,
        )
        return [
            [len(ns), chunk["values"], [task.get("result") for task in chunk["tasks"]]]
            for ns, chunk in given
        ]

    return [
        [streamed(sub, mode) for mode in ("values", "updates")],
        [
            streamed(each.compile(), mode, {})
            for each in (called, added)
            for mode in ("values", "updates")
        ],
        [
            run.invoke(sub, {"log": []}, stream_mode=mode)
            for mode in ("values", "updates", ["updates", "values"])
        ],
        checkpoints(added.compile(checkpointer=run.saver)),
    ]
