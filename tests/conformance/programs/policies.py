"""Section 1: defer, retry, timeout, cache, error handler, compile."""

import uuid

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, once_bad, say


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


@program("R1.40")
def defaults_in_several_calls(api, run):
    calls = []

    def bad(state):
        calls.append("bad")
        raise ConnectionError("no line")

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=2)
    built = graph(api, (api.START, "bad"), bad=bad)
    built.set_node_defaults(retry_policy=policy)
    built.set_node_defaults(error_handler=lambda state: {"log": ["handled"]})
    return [run.invoke(built.compile(), {"log": []}), calls]
