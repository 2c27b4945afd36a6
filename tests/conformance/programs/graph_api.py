"""Section 1 of the engine's rules: builder, nodes, edges, Command, Send, policies, compile."""

import functools
import itertools
import operator
import threading
import uuid
from typing import Annotated, Literal, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, once_bad, say


@program("R1.1")
def compiled_graph_is_a_picture(api, run):
    built = graph(api, (api.START, "x"), x=None)
    g = built.compile()
    built.add_node("y", say("y")).add_edge("x", "y")
    return [run.invoke(g, {"log": []}), run.invoke(built.compile(), {"log": []})]


@program("R1.2")
def names_of_nodes(api, run):
    class Doer:
        def __call__(self, state):
            return {"log": ["object"]}

        def method(self, state):
            return {"log": ["method"]}

    def plain(state):
        return {"log": ["function"]}

    def base(state, extra):
        return {"log": [extra]}

    built = api.StateGraph(S)
    built.add_node(plain).add_node(Doer()).add_node(Doer().method)
    built.add_node("p", functools.partial(base, extra="partial"))
    names = ["plain", "Doer", "method", "p"]
    built.add_edge(api.START, names[0])
    for one, two in itertools.pairwise(names):
        built.add_edge(one, two)
    return run.stream(built.compile(), {"log": []})


@program("R1.3")
def refused_node_names(api, run):
    built = graph(api, a=None)
    bad = ["__start__", "__end__", "a", "x|y", "x:y"]
    return [run.attempt(built.add_node, name, say("n")) for name in bad]


@program("R1.3")
def node_called_like_a_state_key(api, run):
    g = graph(api, (api.START, "log"), log=None).compile()
    return run.invoke(g, {"log": ["i"]})


@program(
    "R1.3",
    differs="a name without an action is a mistake in a value, with a text",
    expected={"raises": "ValueError", "says": "ghost"},
)
def name_without_action(api, run):
    return run.attempt(api.StateGraph(S).add_node, "ghost", says="ghost")


@program("R1.4", "R1.5")
def injected_by_name(api, run):
    def node(state, config, *, writer, runtime):
        writer("hello")
        return {"log": [config["configurable"]["mine"], runtime.context is None]}

    g = graph(api, (api.START, "n"), n=node).compile()
    return run.stream(
        g,
        {"log": []},
        {"configurable": {"mine": "m"}},
        stream_mode=["custom", "updates"],
    )


@program("R1.4")
def other_names_are_not_injected(api, run):
    def node(state, config: int = 7, writer: str = "w", other=3):
        return {"log": [config, writer, other]}

    g = graph(api, (api.START, "n"), n=node).compile()
    return run.invoke(g, {"log": []})


@program(
    "R1.4",
    differs="what nothing can fill is refused when the node is added",
    expected={"raises": "TypeError", "says": "wanted"},
)
def unfillable_parameter(api, run):
    def node(state, wanted):
        return {}

    return run.attempt(api.StateGraph(S).add_node, "n", node, says="wanted")


@program("R1.4")
def function_without_parameters_fails_when_run(api, run):
    def node():
        return {}

    built = graph(api, (api.START, "n"), n=node)
    return run.attempt(run.invoke, built.compile(), {"log": []})


@program("R1.5")
def what_config_carries(api, run):
    seen = {}

    def node(state, config):
        seen.update(
            configurable=sorted(
                k for k in config["configurable"] if not k.startswith("__")
            ),
            ns=config["configurable"]["checkpoint_ns"].split(":")[0],
            metadata={
                k: v
                for k, v in config["metadata"].items()
                if k in {"who", "mark", "thread_id", "langgraph_step", "langgraph_node"}
            },
        )

    built = api.StateGraph(S).add_node("n", node, metadata={"mark": 1})
    g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
    run.invoke(
        g,
        {"log": []},
        {"configurable": {"thread_id": "t", "mine": 1}, "metadata": {"who": "me"}},
    )
    return seen


@program("R1.6")
def execution_info(api, run):
    seen = []

    def node(state, runtime):
        info = runtime.execution_info
        seen.append(
            [
                info.thread_id,
                info.node_attempt,
                info.task_id,
                info.node_first_attempt_time,
            ]
        )
        if len(seen) == 1:
            raise ConnectionError
        return {}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built = api.StateGraph(S).add_node("n", node, retry_policy=policy)
    built.add_edge(api.START, "n")
    run.invoke(built.compile(checkpointer=run.saver), {"log": []}, run.config())
    saved = seen[:]
    seen[:] = [None]
    run.invoke(built.compile(), {"log": []})
    return [
        [each[:2] for each in saved],
        saved[0][2] == saved[1][2],
        saved[0][3] == saved[1][3],
        seen[1][:2],
    ]


@program("R1.7")
def context_for_a_dataclass(api, run):
    from dataclasses import dataclass

    @dataclass
    class Ctx:
        who: str

    def node(state, runtime):
        context = runtime.context
        return {"log": [context.who if context else None]}

    built = api.StateGraph(S, context_schema=Ctx).add_node("n", node)
    g = built.add_edge(api.START, "n").compile()
    return [
        run.invoke(g, {"log": []}, context={"who": "me"}),
        run.invoke(g, {"log": []}, context=Ctx("you")),
        run.invoke(g, {"log": []}),
        run.attempt(run.invoke, g, {"log": []}, context={}),
    ]


@program("R1.8", "R2.16")
def private_state(api, run):
    class Private(TypedDict, total=False):
        secret: int

    seen = []

    def x(state):
        seen.append(dict(state))
        return {"secret": 1, "log": ["x"]}

    def y(state: Private):
        seen.append(dict(state))
        return {"log": ["y"]}

    def z(state):
        seen.append(dict(state))
        return {}

    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    g = graph(api, *edges, x=x, y=y, z=z).compile(checkpointer=run.saver)
    out = run.invoke(g, {"log": []}, run.config())
    values = run.stream(g, {"log": []}, run.config("u"), stream_mode="values")
    return [out, seen[:3], values[-1], run.look(g, run.config())["values"]]


@program("R1.9", only="blocking")
def coroutine_node_in_a_blocking_call(api, run):
    async def slow(state):
        return {}

    g = graph(api, (api.START, "slow"), slow=slow).compile()
    return run.attempt(run.invoke, g, {"log": []}, says="slow")


@program("R1.9", only="async")
def plain_function_runs_in_a_thread(api, run):
    main = threading.get_ident()

    def node(state):
        return {"log": [threading.get_ident() == main]}

    async def other(state):
        return {"log": [threading.get_ident() == main]}

    edges = [(api.START, "node"), ("node", "other")]
    g = graph(api, *edges, node=node, other=other).compile()
    return run.invoke(g, {"log": []})


def _return(api, run, value):
    g = graph(api, (api.START, "n"), n=lambda s: value, other=None).compile()
    return run.attempt(run.invoke, g, {"log": ["i"]})


@program("R1.10")
def what_a_node_may_return(api, run):
    values = [
        None,
        {},
        {"a": 1},
        api.Command(update={"a": 2}),
        api.Command(update=[("a", 3), ("log", ["pair"])]),
        api.Send("other", {}),
        [api.Command(update={"a": 4}), {"log": ["l"]}, None],
        (api.Command(goto="other"), {"log": ["l"]}),
    ]
    return [_return(api, run, value) for value in values]


@program("R1.10")
def what_a_node_may_not_return(api, run):
    values = [5, "text", [{"a": 1}], [api.Send("other", {})], [], ({"a": 1},), {1, 2}]
    return [_return(api, run, value) for value in values]


@program("R1.11")
def keys_that_are_no_channel_are_dropped(api, run):
    g = graph(api, (api.START, "n"), n=lambda s: {"results": 1, "a": 2}).compile()
    return [run.invoke(g, {"log": []}), run.stream(g, {"log": []})]


@program("R1.12", "R2.15")
def managed_values(api, run):
    class M(TypedDict, total=False):
        log: Annotated[list, operator.add]
        last: api.IsLastStep
        left: api.RemainingSteps

    def node(state):
        return {"log": [(state["last"], state["left"])], "left": 99}

    g = graph(
        api, (api.START, "n1"), ("n1", "n2"), schema=M, n1=node, n2=node
    ).compile()
    return run.invoke(g, {"log": []}, {"recursion_limit": 3})


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


@program("R1.21")
def a_branch_asks_and_retries_with_its_node(api, run):
    calls = []

    def choose(state):
        calls.append("choose")
        return api.interrupt("where?")

    built = graph(api, (api.START, "x"), x=say("x", calls), y=None)
    built.add_conditional_edges("x", choose)
    g = built.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    last = run.invoke(g, api.Command(resume="y"), run.config())

    def shaky(state):
        calls.append("shaky")
        if calls.count("shaky") == 1:
            raise ConnectionError
        return "y"

    again = api.StateGraph(S).add_node("y", say("y"))
    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    again.add_node("x", say("x", calls), retry_policy=policy).add_edge(api.START, "x")
    again.add_conditional_edges("x", shaky)
    return [first, last, run.invoke(again.compile(), {"log": []}), calls]


@program(
    "R1.21",
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


@program(
    "R1.22",
    differs="an unknown target is an error that names node and target",
    expected=[{"raises": "InvalidUpdateError", "says": "ghost"}] * 3,
)
def unknown_targets(api, run):
    def make(node, path=None):
        built = graph(api, (api.START, "x"), x=node, y=None)
        if path:
            built.add_conditional_edges("x", path)
        return run.attempt(run.invoke, built.compile(), {"log": []}, says="ghost")

    return [
        make(say("x"), lambda s: "ghost"),
        make(lambda s: api.Command(goto="ghost")),
        make(lambda s: api.Send("ghost", {})),
    ]


@program(
    "R1.22",
    differs="a Send to the end is refused wherever it comes from",
    expected=[{"raises": "InvalidUpdateError"}] * 3,
)
def send_to_the_end(api, run):
    built = graph(api, (api.START, "x"), x=None)
    built.add_conditional_edges("x", lambda s: api.Send(api.END, {}))
    return [
        _return(api, run, api.Send(api.END, {})),
        _return(api, run, api.Command(goto=api.Send(api.END, {}))),
        run.attempt(run.invoke, built.compile(), {"log": []}),
    ]


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


@program("R1.25")
def goto_adds_to_the_edges(api, run):
    def make(goto):
        x = lambda s: api.Command(goto=goto, update={"log": ["x"]})  # noqa: E731
        g = graph(api, (api.START, "x"), ("x", "y"), x=x, y=None, z=None)
        return run.invoke(g.compile(), {"log": []})

    return [make("z"), make(api.END), make("y"), make(["z", "z"]), make(())]


@program("R1.26", "R1.27", "R3.9")
def sends_and_edges_to_one_node(api, run):
    seen = []

    def w(state):
        seen.append(state)
        return {"log": [state if isinstance(state, int) else "edge"]}

    def x(state):
        return api.Command(goto=[api.Send("w", 1), "w", api.Send("w", 1), "w"])

    g = graph(api, (api.START, "x"), x=x, w=w).compile()
    return run.invoke(g, {"log": ["i"]})


@program("R1.28")
def several_sends_fire_one_outgoing_edge(api, run):
    def w(n):
        return {"log": [n]}

    def fin(state):
        return {"log": [f"fin{len(state['log'])}"]}

    built = graph(api, ("w", "fin"), w=w, fin=fin)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("w", 3), api.Send("w", 1)]
    )
    return run.invoke(built.compile(), {"log": []})


@program("R1.27")
def sent_input_is_given_as_it_is(api, run):
    from pydantic import BaseModel

    class Model(BaseModel):
        a: int = 0
        log: Annotated[list, operator.add] = []

    def w(arg):
        return {"log": [type(arg).__name__, arg]}

    built = graph(api, schema=Model, w=w)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("w", {"a": "1"}), api.Send("w", 5)]
    )
    return run.invoke(built.compile(), {"log": []})


@program("R1.29")
def command_for_the_parent(api, run):
    def i2(state):
        return api.Command(
            graph=api.Command.PARENT, update={"log": ["toparent"]}, goto="tgt"
        )

    sub = graph(
        api, (api.START, "i1"), ("i1", "i2"), ("i2", "i3"), i1=None, i2=i2, i3=None
    )
    edges = [(api.START, "sub"), ("sub", "nxt")]
    g = graph(api, *edges, sub=sub.compile(), nxt=None, tgt=None).compile()
    return run.invoke(g, {"log": ["i"]})


@program(
    "R1.30",
    differs="a command for a parent that is not there is an update that cannot be made",
    expected=[{"raises": "NoParentGraphError"}] * 2,
)
def command_for_a_parent_that_is_not_there(api, run):
    return [
        _return(api, run, api.Command(graph=api.Command.PARENT, update={"a": 1})),
        _return(api, run, api.Command(graph="elsewhere", update={"a": 1})),
    ]


@program(
    "R1.31",
    differs="a branch chooses, it does not command",
    expected={"raises": "InvalidUpdateError"},
)
def command_from_a_branch(api, run):
    built = graph(api, (api.START, "x"), x=None, y=None)
    built.add_conditional_edges("x", lambda s: api.Command(goto="y"))
    return run.attempt(run.invoke, built.compile(), {"log": []})


@program("R1.32")
def deferred_nodes_wait(api, run):
    edges = [
        (api.START, "a"),
        (api.START, "d"),
        (api.START, "d2"),
        ("a", "b"),
        ("b", "c"),
    ]
    built = graph(api, a=None, b=None, c=None)
    built.add_node("d", say("d"), defer=True).add_node("d2", say("d2"), defer=True)
    for start, end in edges:
        built.add_edge(start, end)
    g = built.add_edge("d", "e").add_node("e", say("e")).compile(checkpointer=run.saver)
    return [run.invoke(g, {"log": []}, run.config()), run.steps(g, run.config())]


@program("R1.33", "R1.34")
def what_is_retried(api, run):
    def attempts(error, **policy):
        calls = []

        def node(state):
            calls.append(1)
            raise error

        options = {"initial_interval": 0.0, "jitter": False, **policy}
        built = api.StateGraph(S).add_node(
            "n", node, retry_policy=api.RetryPolicy(**options)
        )
        run.attempt(run.invoke, built.add_edge(api.START, "n").compile(), {"log": []})
        return len(calls)

    return [
        attempts(ConnectionError()),
        attempts(Exception()),
        attempts(AssertionError()),
        attempts(TimeoutError()),
        attempts(KeyError("k")),
        attempts(ValueError()),
        attempts(ValueError(), retry_on=ValueError),
        attempts(ValueError(), retry_on=(KeyError, ValueError), max_attempts=2),
        attempts(KeyError(), retry_on=(KeyError, ValueError), max_attempts=1),
        attempts(ValueError("x"), retry_on=lambda e: str(e) == "x"),
        attempts(ValueError("y"), retry_on=lambda e: str(e) == "x"),
    ]


@program("R1.33")
def the_first_policy_that_matches(api, run):
    calls = []

    def node(state):
        calls.append(1)
        raise ValueError

    few = api.RetryPolicy(
        initial_interval=0.0, jitter=False, max_attempts=2, retry_on=ValueError
    )
    more = few._replace(max_attempts=4)
    none = few._replace(retry_on=KeyError, max_attempts=9)
    built = api.StateGraph(S).add_node("n", node, retry_policy=[none, more, few])
    error = run.attempt(
        run.invoke, built.add_edge(api.START, "n").compile(), {"log": []}
    )
    return [error, len(calls)]


@program("R1.35", "R1.36")
def no_policy_no_retry_and_dropped_writes(api, run):
    calls = []
    built = graph(api, (api.START, "bad"), bad=once_bad(calls, error=ConnectionError))
    error = run.attempt(run.invoke, built.compile(), {"log": []})
    calls.clear()
    chunks = []

    def node(state, writer):
        writer(f"try {len(calls)}")
        return once_bad(calls, error=ConnectionError)(state)

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    retried = api.StateGraph(S).add_node("n", node, retry_policy=policy)
    g = retried.add_edge(api.START, "n").compile()
    chunks = run.stream(g, {"log": ["i"]}, stream_mode=["custom", "updates"])
    return [error, calls, chunks]


@program("R1.36")
def a_note_names_the_task(api, run):
    def bad(state):
        raise RuntimeError("broken")

    g = graph(api, (api.START, "bad"), bad=bad).compile()
    try:
        run.invoke(g, {"log": []})
    except RuntimeError as error:
        return any("bad" in note for note in error.__notes__)


@program(
    "R1.35",
    differs="inner tasks of a failed attempt are kept for the next one",
    expected=[{"log": [1]}, ["inner", "body", "body"]],
)
def inner_tasks_survive_a_retry(api, run):
    calls = []

    @api.task
    def inner():
        calls.append("inner")
        return 1

    def node(state):
        got = inner().result()
        calls.append("body")
        if calls.count("body") == 1:
            raise ConnectionError
        return {"log": [got]}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built = api.StateGraph(S).add_node("n", node, retry_policy=policy)
    g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
    return [run.invoke(g, {"log": []}, run.config()), calls]


@program("R1.37", only="async")
def timeouts(api, run):
    import asyncio
    from datetime import timedelta

    async def slow(state):
        await asyncio.sleep(5)

    async def lively(state, runtime):
        for _ in range(6):
            await asyncio.sleep(0.02)
            runtime.heartbeat()
        return {"log": ["lively"]}

    def make(node, timeout):
        def whole():
            built = api.StateGraph(S).add_node("n", node, timeout=timeout)
            return run.invoke(built.add_edge(api.START, "n").compile(), {"log": []})

        return run.attempt(whole)

    return [
        make(slow, 0.02),
        make(slow, timedelta(milliseconds=20)),
        make(slow, api.TimeoutPolicy(idle_timeout=0.02)),
        make(lively, api.TimeoutPolicy(idle_timeout=0.08)),
        make(slow, 0),
        make(slow, -1),
        make(say("plain"), 1),
    ]


@program("R1.38")
def a_cached_node(api, run):
    calls = []

    def n(state):
        calls.append(state["a"])
        return {"log": [state["a"]]}

    built = api.StateGraph(S).add_node("n", n, cache_policy=api.CachePolicy())
    built.add_edge(api.START, "n")
    g = built.compile(cache=api.InMemoryCache())
    seen = [run.stream(g, {"a": value, "log": []}) for value in (1, 1, 2)]
    g.clear_cache()
    seen.append(run.stream(g, {"a": 1, "log": []}))
    plain = built.compile()
    seen.append(run.stream(plain, {"a": 1, "log": []}))
    return [seen, calls]


@program("R1.39")
def an_error_handler(api, run):
    calls = []

    def bad(state):
        calls.append("bad")
        raise ConnectionError("no line")

    def handle(state, error: api.NodeError):
        calls.append(["handle", error.node, str(error.error), list(state["log"])])
        return api.Command(update={"log": ["handled"]}, goto="z")

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=2)
    built = graph(api, y=None, z=None, ok=None)
    built.add_node("bad", bad, retry_policy=policy, error_handler=handle)
    built.add_edge(api.START, "bad").add_edge(api.START, "ok").add_edge("bad", "y")
    g = built.compile(checkpointer=run.saver)
    chunks = run.stream(g, {"log": ["i"]}, run.config())
    return [
        sorted(sorted(c) for c in chunks),
        run.look(g, run.config())["values"],
        calls,
    ]


@program("R1.39")
def an_error_handler_that_raises_and_one_that_sees_no_interrupt(api, run):
    def bad(state):
        raise ConnectionError("no line")

    def worse(state):
        raise ValueError("worse")

    def asks(state):
        return {"log": [api.interrupt("q")]}

    built = api.StateGraph(S).add_node("bad", bad, error_handler=worse)
    one = built.add_edge(api.START, "bad").compile()
    built = api.StateGraph(S).add_node("asks", asks, error_handler=worse)
    two = built.add_edge(api.START, "asks").compile(checkpointer=run.saver)
    return [
        run.attempt(run.invoke, one, {"log": []}),
        run.attempt(run.invoke, two, {"log": []}, run.config()),
    ]


@program("R1.40")
def node_defaults(api, run):
    calls = []
    built = api.StateGraph(S)
    built.add_node("x", once_bad(calls, "x", ConnectionError))
    mine = api.RetryPolicy(max_attempts=1)
    built.add_node("y", once_bad(calls, "y", ConnectionError), retry_policy=mine)
    built.add_edge(api.START, "x").add_edge("x", "y")
    built.set_node_defaults(
        retry_policy=api.RetryPolicy(initial_interval=0.0, jitter=False)
    )
    return [run.attempt(run.invoke, built.compile(), {"log": []}), calls]


@program("R1.41", only="async")
def a_node_that_cancels_itself(api, run):
    import asyncio

    async def node(state):
        raise asyncio.CancelledError

    g = graph(api, (api.START, "n"), n=node).compile()
    return run.attempt(run.invoke, g, {"log": []})


@program("R1.42")
def what_a_checkpointer_may_be(api, run):
    built = graph(api, (api.START, "x"), x=None)
    return [
        run.attempt(lambda: type(built.compile(checkpointer="db")).__name__),
        run.attempt(
            run.invoke, built.compile(checkpointer=True), {"log": []}, run.config()
        ),
        run.attempt(run.invoke, built.compile(checkpointer=False), {"log": []}),
        built.compile(name="mine").name,
    ]


@program("R1.43")
def thread_ids(api, run):
    g = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    one = uuid.UUID(int=7)
    seen = [
        run.invoke(g, {"log": []}, run.config(each)) for each in (5, "5", one, str(one))
    ]
    return [
        run.attempt(run.invoke, g, {"log": []}),
        [len(each["log"]) for each in seen],
    ]


@program(
    "R1.43",
    differs="an empty thread id is a mistake",
    expected=[{"raises": "ValueError"}] * 2,
)
def empty_thread_ids(api, run):
    g = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    return [
        run.attempt(run.invoke, g, {"log": []}, run.config(each)) for each in (None, "")
    ]


@program("R1.45")
def a_drawn_graph(api, run):
    built = graph(api, (api.START, "x"), ("y", api.END), x=None, y=None, z=None)
    built.add_conditional_edges("x", lambda s: "k", {"k": "y", "z": "z"})
    drawn = built.compile().get_graph()
    edges = [[e.source, e.target, e.data, bool(e.conditional)] for e in drawn.edges]
    return [sorted(drawn.nodes), sorted(edges, key=str), "-." in drawn.draw_mermaid()]
