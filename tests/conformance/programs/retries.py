"""Section 1: what is tried again, when and how often."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, once_bad, say


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


@program("R1.33", "R1.39", "R3.12")
def a_retry_on_that_raises_is_the_failure(api, run):
    calls = []

    def broken(error):
        calls.append(type(error).__name__)
        raise LookupError("in retry_on")

    def bad(state):
        calls.append("bad")
        if len(calls) < 3:
            raise ConnectionError("no line")
        return {"log": ["bad"]}

    def handle(state, error: api.NodeError):
        return {"log": [type(error.error).__name__]}

    policy = api.RetryPolicy(retry_on=broken, initial_interval=0.0, jitter=False)

    def built(**options):
        made = api.StateGraph(S).add_node("bad", bad, retry_policy=policy, **options)
        return made.add_edge(api.START, "bad").compile(checkpointer=run.saver)

    g = built()
    error = run.attempt(run.invoke, g, {"log": []}, run.config(), says="in retry_on")
    seen = run.look(g, run.config())
    out = run.invoke(g, None, run.config())
    calls.clear()
    handled = run.invoke(built(error_handler=handle), {"log": []}, run.config("h"))
    return [error, seen, out, handled]


@program("R1.41", "R1.33", "R1.39")
def a_node_that_cancels_itself_is_not_tried_again(api, run):
    import asyncio

    calls = []

    def cancels(state):
        calls.append("cancels")
        raise asyncio.CancelledError

    def handle(state, error: api.NodeError):
        return {"log": [type(error.error).__name__]}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=2)

    def built(node, **options):
        made = api.StateGraph(S).add_node("n", node, retry_policy=policy, **options)
        return made.add_edge(api.START, "n").compile()

    error = run.attempt(run.invoke, built(cancels), {"log": []})
    handled = run.invoke(built(cancels, error_handler=handle), {"log": []})
    alone = len(calls)
    below = graph(api, (api.START, "below"), below=cancels).compile()
    above = run.attempt(run.invoke, built(below), {"log": []})
    return [error, handled, alone, above, len(calls)]


@program(
    "R1.35",
    "R7.3",
    differs="a retried graph goes on where it failed, in its namespace; in LangGraph each attempt "
    "begins it anew in another",
    expected=[
        [
            [["sub:#1"], {"ok": {"log": ["ok"]}}],
            [["sub:#1"], {"bad": {"log": ["bad"]}}],
            [[], {"sub": {"log": ["i", "ok", "bad"]}}],
            ["ok", "bad", "bad"],
        ],
        [
            [["sub:#2"], {"ok": {"log": ["ok"]}}],
            [["sub:#2"], {"ok": {"log": ["ok"]}}],
            [["sub:#2"], {"bad": {"log": ["bad"]}}],
            [[], {"sub": {"log": ["i", "ok", "bad"]}}],
            ["ok", "bad", "ok", "bad"],
        ],
    ],
)
def a_graph_in_a_retried_node(api, run):
    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)

    def told(saver):
        calls = []
        bad = once_bad(calls, error=ConnectionError)
        edges = (api.START, "ok"), ("ok", "bad")
        sub = graph(api, *edges, ok=say("ok", calls), bad=bad).compile()
        built = api.StateGraph(S).add_node("sub", sub, retry_policy=policy)
        g = built.add_edge(api.START, "sub").compile(checkpointer=saver)
        return [*run.stream(g, {"log": ["i"]}, run.config(), subgraphs=True), calls]

    return [told(run.saver), told(None)]
