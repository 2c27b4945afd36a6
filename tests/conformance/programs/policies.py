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


@program("R1.34")
def which_errors_are_retried_by_default(api, run):
    import urllib.error

    import httpx
    import requests

    def is_retried(error):
        calls = []

        def node(state):
            calls.append(1)
            raise error

        policy = api.RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=2)
        built = api.StateGraph(S).add_node("n", node, retry_policy=policy)
        run.attempt(run.invoke, built.add_edge(api.START, "n").compile(), {"log": []})
        return len(calls) == 2

    class Derived(httpx.HTTPStatusError):
        pass

    def by_httpx(status, kind=httpx.HTTPStatusError):
        request = httpx.Request("GET", "http://localhost")
        return kind("m", request=request, response=httpx.Response(status))

    def by_requests(status):
        response = requests.Response()
        response.status_code = status
        return requests.HTTPError(response=response)

    class Own(Exception):
        pass

    each = [
        ValueError(),
        UnicodeDecodeError("utf-8", b"", 0, 1, "m"),
        TypeError(),
        ArithmeticError(),
        ZeroDivisionError(),
        ImportError(),
        ModuleNotFoundError(),
        LookupError(),
        IndexError(),
        NameError(),
        UnboundLocalError(),
        SyntaxError(),
        IndentationError(),
        RuntimeError(),
        RecursionError(),
        NotImplementedError(),
        ReferenceError(),
        StopAsyncIteration(),
        OSError(),
        FileNotFoundError(),
        TimeoutError(),
        TimeoutError(),
        urllib.error.URLError("m"),
        ConnectionResetError(),
        BrokenPipeError(),
        AttributeError(),
        EOFError(),
        MemoryError(),
        Own(),
        requests.ConnectionError(),
        requests.Timeout(),
        requests.JSONDecodeError("m", "d", 0),
        httpx.ConnectError("m"),
        httpx.ReadTimeout("m"),
    ]
    statuses = [302, 404, 429, 500, 503, 599, 600]
    return [
        {type(error).__qualname__: is_retried(error) for error in each},
        {status: is_retried(by_httpx(status)) for status in statuses},
        {status: is_retried(by_httpx(status, Derived)) for status in statuses},
        {status: is_retried(by_requests(status)) for status in (302, 500, 503, 600)},
    ]


@program(
    "R1.34",
    differs="a 4xx of requests is not retried either: its response counts as false there",
    expected=[False, False, True, True],
)
def statuses_of_requests(api, run):
    import requests

    class Derived(requests.HTTPError):
        pass

    seen = []
    for kind, status in [
        (requests.HTTPError, 404),
        (Derived, 429),
        (requests.HTTPError, 503),
        (Derived, 503),
    ]:
        calls = []

        def node(state, kind=kind, status=status, calls=calls):
            calls.append(1)
            response = requests.Response()
            response.status_code = status
            raise kind(response=response)

        policy = api.RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=2)
        built = api.StateGraph(S).add_node("n", node, retry_policy=policy)
        run.attempt(run.invoke, built.add_edge(api.START, "n").compile(), {"log": []})
        seen.append(len(calls) == 2)
    return seen


@program("R1.34", only="async")
def a_timeout_of_a_node_is_retried(api, run):
    import asyncio

    calls = []

    async def slow(state):
        calls.append(1)
        if len(calls) == 1:
            await asyncio.sleep(30)
        return {"log": [len(calls)]}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built = api.StateGraph(S)
    built.add_node("n", slow, retry_policy=policy, timeout=1)
    return run.invoke(built.add_edge(api.START, "n").compile(), {"log": []})


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
            await asyncio.sleep(0.25)
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
        make(lively, api.TimeoutPolicy(idle_timeout=1.2)),
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
