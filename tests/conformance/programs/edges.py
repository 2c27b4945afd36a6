"""Section 1: edges, branches, joins, Send and Command."""

from typing import Literal

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, say


@program("R1.13")
def refused_edges(api, run):
    def fails(make):
        built = graph(api, x=None, y=None)
        return run.attempt(make, built)

    def compile_with(*steps):
        def make(built):
            for step in steps:
                step(built)
            built.compile()
            return "compiles"

        return make

    def jump(state) -> api.Command[Literal["ghost"]]:
        return api.Command(goto="ghost")

    start = lambda b: b.add_edge(api.START, "x")  # noqa: E731
    return [
        fails(lambda b: b.add_edge(api.END, "x")),
        fails(lambda b: b.add_edge("x", api.START)),
        fails(compile_with(start, lambda b: b.add_edge("x", "ghost"))),
        fails(compile_with(start, lambda b: b.add_edge("ghost", "x"))),
        fails(
            compile_with(
                start, lambda b: b.add_conditional_edges("ghost", lambda s: "x")
            )
        ),
        fails(
            compile_with(
                start,
                lambda b: b.add_conditional_edges("x", lambda s: "k", {"k": "ghost"}),
            )
        ),
        fails(compile_with(start, lambda b: b.add_node("j", jump))),
        fails(
            compile_with(
                start, lambda b: b.add_node("j", say("j"), destinations=("ghost",))
            )
        ),
        fails(compile_with(lambda b: b.add_edge("x", "y"))),
        fails(lambda b: start(b).compile(interrupt_before=["ghost"])),
        fails(lambda b: b.add_edge(["x", "ghost"], "y")),
        fails(lambda b: b.add_edge([api.START, "x"], "y")),
        fails(compile_with(start)),
        fails(compile_with(lambda b: b.add_edge(api.START, api.END))),
    ]


@program("R1.14")
def equal_edges_run_the_target_once(api, run):
    def also(state):
        return "y"

    built = graph(api, (api.START, "x"), ("x", "y"), ("x", "y"), x=None, y=None)
    built.add_conditional_edges("x", also)
    return run.invoke(built.compile(), {"log": ["i"]})


@program("R1.15")
def fan_in_by_single_edges_does_not_wait(api, run):
    edges = [(api.START, "a"), (api.START, "b"), ("b", "b2"), ("a", "j"), ("b2", "j")]
    g = graph(api, *edges, **{"a": None, "b": None, "b2": None, "j": None}).compile()
    return run.invoke(g, {"log": []})


@program("R1.16")
def fan_in_by_a_list_waits(api, run):
    edges = [(api.START, "a"), (api.START, "b"), ("b", "b2"), (["a", "b2"], "j")]
    g = graph(api, *edges, **{"a": None, "b": None, "b2": None, "j": None}).compile()
    return run.invoke(g, {"log": []})


@program("R1.16")
def a_join_remembers_across_runs(api, run):
    built = graph(api, a=None, b=None, j=None)
    built.add_conditional_edges(api.START, lambda s: s["b"], ["a", "b"])
    built.add_edge(["a", "b"], "j")
    g = built.compile(checkpointer=run.saver)
    order = ["a", "a", "b", "b", "a"]
    return [
        run.invoke(g, {"log": [], "b": each}, run.config())["log"] for each in order
    ]


@program("R1.16")
def a_join_in_a_loop_and_a_join_to_the_end(api, run):
    def again(state):
        return ["x", "y"] if len(state["log"]) < 5 else api.END

    edges = [(api.START, "x"), (api.START, "y"), (["x", "y"], "j")]
    built = graph(api, *edges, x=None, y=None, j=None)
    built.add_conditional_edges("j", again, ["x", "y", api.END])
    end = graph(
        api, (api.START, "x"), (api.START, "y"), (["x", "y"], api.END), x=None, y=None
    )
    return [
        run.invoke(built.compile(), {"log": []}),
        run.invoke(end.compile(), {"log": []}),
    ]


@program("R1.17")
def single_edge_and_barrier_both_fire(api, run):
    edges = [
        (api.START, "a"),
        (api.START, "b"),
        ("b", "c"),
        ("a", "j"),
        (["a", "c"], "j"),
    ]
    g = graph(api, *edges, a=None, b=None, c=None, j=None).compile()
    return run.invoke(g, {"log": []})


@program("R1.18")
def what_a_branch_may_return(api, run):
    def results(value, path_map=None):
        built = graph(api, (api.START, "x"), x=None, y=None, z=None)
        built.add_conditional_edges("x", lambda s: value, path_map)
        return run.attempt(run.invoke, built.compile(), {"log": []})

    return [
        results("y"),
        results(api.END),
        results(["y", "z"]),
        results([]),
        results(api.Send("y", {})),
        results([api.Send("y", {}), "z"]),
        results(None),
        results(api.START),
        results(True, {True: "y", False: "z"}),
        results("z", ["y", "z"]),
        results("nothing", {"k": "y"}),
    ]


@program(
    "R1.18",
    "RA.9",
    differs="END needs no entry in a map",
    expected={"log": ["x"]},
)
def end_needs_no_entry_in_a_map(api, run):
    built = graph(api, (api.START, "x"), x=None, y=None)
    built.add_conditional_edges("x", lambda s: api.END, {"k": "y"})
    return run.attempt(run.invoke, built.compile(), {"log": []})


@program("R1.19")
def several_branches_are_all_evaluated(api, run):
    def one(state):
        return "y"

    def two(state):
        return "z"

    built = graph(api, (api.START, "x"), x=None, y=None, z=None)
    built.add_conditional_edges("x", one).add_conditional_edges("x", two)
    twice = run.attempt(built.add_conditional_edges, "x", one)
    return [run.invoke(built.compile(), {"log": []}), twice]


@program(
    "R1.19",
    differs="two lambdas on one source get running numbers",
    expected={"log": ["x", "y", "z"]},
)
def two_lambdas_on_one_source(api, run):
    built = graph(api, (api.START, "x"), x=None, y=None, z=None)
    built.add_conditional_edges("x", lambda s: "y")
    return run.attempt(
        lambda: run.invoke(
            built.add_conditional_edges("x", lambda s: "z").compile(), {"log": []}
        )
    )


@program("R1.20")
def what_a_branch_sees(api, run):
    seen = []

    def look(state):
        seen.append(list(state["log"]))
        return "j"

    edges = [(api.START, "x"), (api.START, "x2")]
    built = graph(api, *edges, x=None, x2=None, j=None)
    built.add_conditional_edges("x", look)
    return [run.invoke(built.compile(), {"log": []}), seen]


@program("R1.20", "R1.4")
def what_a_branch_is_given_by_name(api, run):
    """Also an async one, one on START, and none whose annotation is of another kind."""
    seen = {}
    store = api.InMemoryStore()

    def note(who, config, runtime, given, writer):
        seen[who] = [
            config["configurable"]["thread_id"],
            config["configurable"]["mine"],
            config["metadata"].get("langgraph_node"),
            runtime.context,
            runtime.store is store,
            given is store,
        ]
        writer(who)

    def start(state, config, *, runtime, store, writer):
        note("start", config, runtime, store, writer)
        return "x"

    def plain(state, writer, store, runtime, config):
        note("plain", config, runtime, store, writer)
        return "j"

    def other(state, config: int = 7, writer: str = "w"):
        seen["other"] = [config, writer]
        return []

    built = graph(api, x=None, j=None)
    built.add_conditional_edges(api.START, start)
    built.add_conditional_edges("x", plain).add_conditional_edges("x", other)
    g = built.compile(checkpointer=run.saver, store=store)
    out = run.stream(
        g,
        {"log": []},
        run.config(mine="m"),
        context={"who": "me"},
        stream_mode=["custom", "updates"],
    )
    return [out, seen]


@program("R1.20", only="async")
def what_an_async_branch_is_given_by_name(api, run):
    async def path(state, config, runtime, writer):
        writer([config["configurable"]["mine"], runtime.context, list(state["log"])])
        return "j"

    built = graph(api, (api.START, "x"), x=None, j=None)
    built.add_conditional_edges("x", path)
    g = built.compile()
    return run.stream(
        g,
        {"log": []},
        {"configurable": {"mine": "m"}},
        context={"who": "me"},
        stream_mode="custom",
    )


@program(
    "R1.21",
    "RA.9",
    differs="node and branch are one unit: while the branch asks, the node has no update",
    expected=[
        {"__interrupt__": [{"asks": "where?", "id": "#1"}], "log": []},
        {"log": ["x", "y"]},
        ["x", "choose", "x", "choose"],
    ],
)
def a_branch_asks(api, run):
    calls = []

    def choose(state):
        calls.append("choose")
        return api.interrupt("where?")

    built = graph(api, (api.START, "x"), x=say("x", calls), y=None)
    built.add_conditional_edges("x", choose)
    g = built.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    last = run.invoke(g, api.Command(resume="y"), run.config())
    return [first, last, calls]


@program("R1.21")
def a_branch_is_retried_with_its_node(api, run):
    calls = []

    def shaky(state):
        calls.append("shaky")
        if calls.count("shaky") == 1:
            raise ConnectionError
        return "y"

    built = api.StateGraph(S).add_node("y", say("y"))
    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built.add_node("x", say("x", calls), retry_policy=policy).add_edge(api.START, "x")
    built.add_conditional_edges("x", shaky)
    return [run.invoke(built.compile(), {"log": []}), calls]


@program(
    "R1.21",
    "RA.9",
    differs="node and branch are one unit: both run again, and the update counts once",
    expected=[
        {"raises": "RuntimeError"},
        {"log": []},
        ["x"],
        {"log": ["x", "y"]},
        ["x", "choose", "x", "choose"],
    ],
)
def a_failing_branch_takes_its_node_along(api, run):
    calls = []

    def choose(state):
        calls.append("choose")
        if calls.count("choose") == 1:
            raise RuntimeError("lost")
        return "y"

    built = graph(api, (api.START, "x"), x=say("x", calls), y=None)
    built.add_conditional_edges("x", choose)
    g = built.compile(checkpointer=run.saver)
    failed = run.attempt(run.invoke, g, {"log": []}, run.config())
    found = run.get_state(g, run.config())
    done = run.invoke(g, None, run.config())
    return [failed, found.values, found.next, done, calls]


@program("R1.23")
def entry_and_finish_points_and_sequences(api, run):
    built = api.StateGraph(S).add_sequence([say("f"), ("g", say("g"))])
    built.set_entry_point("f").set_finish_point("g")
    branch = graph(api, x=None, y=None)
    branch.set_conditional_entry_point(lambda s: "k", {"k": "y"})
    return [
        run.invoke(built.compile(), {"log": []}),
        run.invoke(branch.compile(), {"log": []}),
        run.attempt(api.StateGraph(S).add_sequence, []),
        run.attempt(api.StateGraph(S).add_sequence, [say("f"), say("f")]),
    ]


@program("R1.13", "R1.18")
def a_branch_annotated_with_names(api, run):
    def known(state) -> Literal["x", "__end__"]:
        return "x"

    def unknown(state) -> Literal["x", "nowhere"]:
        return "x"

    def gives(path, *names):
        built = graph(api, (api.START, "n"), n=None, x=None)
        built.add_conditional_edges("n", path, *names)
        return run.invoke(built.compile(), {"log": []})

    return [
        gives(known),
        run.attempt(gives, unknown),
        gives(unknown, ["x"]),
    ]
