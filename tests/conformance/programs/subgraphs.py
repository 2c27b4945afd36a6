"""Section 7: graphs in graphs: how they are called, what of them is kept, how they fail."""

import operator
from typing import Annotated, Any, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, notes_and_asks, once_bad, say


class Inner(TypedDict, total=False):
    a: int
    trace: Annotated[list, operator.add]


class Count(TypedDict, total=False):
    seen: Annotated[int, operator.add]
    given: Any


def _trace(name, calls=None):
    def node(state):
        if calls is not None:
            calls.append(name)
        return {"trace": [name]}

    return node


@program("R7.1")
def a_graph_as_a_node(api, run):
    sub = graph(api, (api.START, "s1"), s1=None).compile()
    doubled = graph(api, (api.START, "p1"), ("p1", "sub"), p1=None, sub=sub).compile()
    own = graph(
        api,
        (api.START, "t1"),
        schema=Inner,
        t1=lambda s: {"a": s["a"] + 1, "trace": ["t"]},
    )
    shared = graph(api, (api.START, "sub"), sub=own.compile()).compile()
    return [
        run.invoke(doubled, {"log": ["i"]}),
        run.invoke(shared, {"log": ["i"], "a": 1}),
    ]


@program("R7.2", "R4.10")
def a_graph_called_in_a_node(api, run):
    calls = []
    edges = [(api.START, "s1"), ("s1", "asks"), ("asks", "s2")]
    nodes = {
        "s1": say("s1", calls),
        "asks": notes_and_asks(api, "q", calls),
        "s2": say("s2", calls),
    }
    sub = graph(api, *edges, **nodes).compile()

    def outer(state):
        calls.append("outer")
        return {"log": ["sub", *sub.invoke({"log": []})["log"]]}

    outside = [(api.START, "p"), ("p", "outer"), ("outer", "after")]
    g = graph(api, *outside, p=say("p", calls), outer=outer, after=say("after", calls))
    g = g.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="r"), run.config()), calls]


@program("R7.2", only="async")
def a_graph_awaited_in_a_coroutine_node(api, run):
    calls = []
    sub = graph(
        api,
        (api.START, "s1"),
        ("s1", "asks"),
        s1=say("s1", calls),
        asks=notes_and_asks(api, "q", calls),
    )
    sub = sub.compile()

    async def outer(state):
        calls.append("outer")
        return {"log": (await sub.ainvoke({"log": []}))["log"]}

    g = graph(api, (api.START, "outer"), outer=outer).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="r"), run.config()), calls]


@program("R7.3", "R7.4")
def namespaces(api, run):
    seen = []

    def note(state, config):
        seen.append(config["configurable"]["checkpoint_ns"])
        return {"log": ["n"]}

    sub = graph(api, (api.START, "inner"), inner=note).compile()

    def twice(state):
        sub.invoke({"log": []})
        sub.invoke({"log": []})
        return {}

    edges = [(api.START, "node"), ("node", "called")]
    g = graph(api, *edges, node=sub, called=twice).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    return [[run.plain(each) for each in seen], "|" in seen[0]]


def _counter(api, run, checkpointer, ask=False):
    calls = []

    def count(state):
        calls.append("count")
        return {"seen": 1}

    def after(state):
        calls.append("after")
        return {"given": api.interrupt("q") if ask else state["seen"]}

    built = graph(
        api,
        (api.START, "count"),
        ("count", "after"),
        schema=Count,
        count=count,
        after=after,
    )
    sub = built.compile(checkpointer=checkpointer)

    def node(state):
        found = sub.invoke({"given": None})
        return {"log": [found["seen"], found["given"]]}

    g = graph(api, (api.START, "node"), node=node).compile(checkpointer=run.saver)
    return g, calls


@program("R7.5")
def modes_of_a_subgraph_over_two_runs(api, run):
    seen = []
    for mode in (None, True, False):
        g, _ = _counter(api, run, mode)
        config = run.config(str(mode))
        run.invoke(g, {"log": []}, config)
        seen.append(run.invoke(g, {"log": []}, config))
    return seen


@program("R7.5")
def modes_of_a_subgraph_paused_inside(api, run):
    seen = []
    for mode in (None, True, False):
        g, calls = _counter(api, run, mode, ask=True)
        config = run.config(str(mode))
        first = run.invoke(g, {"log": []}, config)
        seen.append([first, run.invoke(g, api.Command(resume="r"), config), calls])
    return seen


@program("R7.6")
def several_calls_in_one_task(api, run):
    calls = []

    def asks(state):
        calls.append(f"asks {state['a']}")
        return {"log": [api.interrupt(f"q{state['a']}")]}

    sub = graph(api, (api.START, "asks"), asks=asks).compile()

    def node(state):
        found = [sub.invoke({"log": [], "a": n})["log"] for n in (1, 2)]
        return {"log": found}

    g = graph(api, (api.START, "node"), node=node).compile(checkpointer=run.saver)
    seen = [run.invoke(g, {"log": []}, run.config())]
    seen += [
        run.invoke(g, api.Command(resume=each), run.config()) for each in ("x", "y")
    ]
    return [seen, calls]


@program("R7.7")
def three_deep(api, run):
    calls = []
    low = graph(
        api,
        (api.START, "l1"),
        ("l1", "asks"),
        schema=Inner,
        l1=_trace("l1", calls),
        asks=notes_and_asks(api, "q", calls, key="trace"),
    )
    mid = graph(
        api,
        (api.START, "m1"),
        ("m1", "low"),
        schema=Inner,
        m1=_trace("m1", calls),
        low=low.compile(),
    )

    class Top(TypedDict, total=False):
        trace: list
        log: Annotated[list, operator.add]

    g = graph(
        api,
        (api.START, "p"),
        ("p", "mid"),
        ("mid", "after"),
        schema=Top,
        p=say("p", calls),
        mid=mid.compile(),
        after=say("after", calls),
    )
    g = g.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": [], "trace": []}, run.config())
    deep = run.look(g, run.config(), subgraphs=True)
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [first, deep, last, calls]


@program("R7.11")
def listing_subgraphs(api, run):
    low = graph(api, (api.START, "l"), l=None).compile()
    mid = graph(api, (api.START, "inner"), inner=low).compile()
    g = graph(api, (api.START, "mid"), mid=mid).compile()
    return [
        [name for name, _ in g.get_subgraphs()],
        [name for name, _ in g.get_subgraphs(recurse=True)],
        [name for name, _ in g.get_subgraphs(namespace="mid|inner", recurse=True)],
    ]


@program("R7.12")
def a_failure_inside(api, run):
    calls = []
    nodes = {"s1": say("s1", calls), "bad": once_bad(calls)}
    sub = graph(api, (api.START, "s1"), ("s1", "bad"), **nodes).compile()
    g = graph(api, (api.START, "p"), ("p", "sub"), p=say("p", calls), sub=sub)
    g = g.compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config(), says="first time")
    seen = run.look(g, run.config())
    return [
        error,
        seen["next"],
        seen["tasks"][0]["error"],
        run.invoke(g, None, run.config()),
        calls,
    ]


@program("R7.1", "R9.2")
def chunks_of_a_subgraph(api, run):
    sub = graph(
        api,
        (api.START, "s1"),
        ("s1", "s2"),
        schema=Inner,
        s1=_trace("s1"),
        s2=_trace("s2"),
    )
    g = graph(api, (api.START, "x"), ("x", "sub"), x=None, sub=sub.compile())
    g = g.compile(checkpointer=run.saver)
    plain = run.stream(g, {"log": [], "a": 1}, run.config("a"))
    deep = run.stream(g, {"log": [], "a": 1}, run.config("b"), subgraphs=True)
    both = run.stream(
        g,
        {"log": [], "a": 1},
        run.config("c"),
        subgraphs=True,
        stream_mode=["values", "updates"],
    )
    return [plain, deep, both]


@program(
    "R1.29",
    differs="a command for the parent that comes out of a @task reaches the node that has called "
    "it (LangGraph loses it)",
    expected=[{"log": ["in", "up", "next", "target"]}, ["n"]],
)
def a_command_for_the_parent_out_of_a_task(api, run):
    calls = []

    def up(state):
        return api.Command(
            graph=api.Command.PARENT, update={"log": ["up"]}, goto="target"
        )

    inner = graph(api, (api.START, "up"), up=up).compile()

    @api.task
    def ask_below():
        return inner.invoke({"log": []})

    def n(state):
        calls.append("n")
        ask_below().result()
        calls.append("not here")

    built = graph(api, (api.START, "n"), ("n", "next"), n=n, next=None, target=None)
    return [
        run.invoke(
            built.compile(checkpointer=run.saver), {"log": ["in"]}, run.config()
        ),
        calls,
    ]


@program("R1.9", "R8.12", "R3.7", only="async")
def a_coroutine_task_of_a_plain_node_below(api, run):
    @api.task
    async def double(n):
        return n * 2

    def told(waits):
        def n(state):
            begun = double(state["a"])
            return {"a": begun.result(timeout=5) if waits else 0}

        inner = graph(api, (api.START, "n"), n=n).compile()
        middle = graph(api, (api.START, "inner"), inner=inner).compile()
        g = graph(api, (api.START, "middle"), middle=middle)
        g = g.compile(checkpointer=run.saver)
        return run.invoke(g, {"a": 1, "log": []}, run.config(str(waits)))

    return [told(True), told(False)]


class Child(TypedDict, total=False):
    count: Annotated[int, operator.add]
    log: Annotated[list, operator.add]
    other: int


class OnlyOther(TypedDict, total=False):
    other: int


class Parent(TypedDict, total=False):
    count: int
    log: Annotated[list, operator.add]


@program("R2.12")
def a_graph_as_a_node_that_wrote_nothing_says_nothing(api, run):
    def once(state):
        return None if state["log"] else {"log": ["k"]}

    def answered(state):
        api.interrupt("go on?")

    def above(child, **given):
        edges = [(api.START, "child")]
        return graph(api, *edges, schema=Parent, child=child).compile(**given)

    def below(node, **given):
        built = api.StateGraph(Child, input_schema=OnlyOther).add_node("node", node)
        return built.add_edge(api.START, "node").compile(**given)

    found = [run.invoke(above(below(lambda s: None)), {"count": 5, "log": ["a"]})]
    for node in (once, answered):
        kept = above(below(node, checkpointer=True), checkpointer=run.saver)
        config = run.config(node.__name__)
        found.append(run.invoke(kept, {"count": 5, "log": ["a"]}, config))
        again = {"count": 6} if node is once else api.Command(resume="yes")
        found.append(run.invoke(kept, again, config))
    return found
