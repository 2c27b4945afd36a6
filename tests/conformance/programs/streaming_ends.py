"""Section 9: how streams end: left early, failed, paused; and what comes with the next call."""

import contextvars
import threading
import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import fan, graph, once_bad, say

MODES = ["custom", "updates", "values"]


def _chain(api, run, *nodes, **options):
    names = [name for name, _ in nodes]
    edges = zip([api.START, *names], names, strict=False)
    built = graph(api, *edges, **dict(nodes))
    return built.compile(checkpointer=run.saver, **options)


def _asks(api):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    return asks


@program("R9.4", "R4.10")
def a_stream_left_early_goes_on(api, run):
    calls = []
    nodes = [(name, say(name, calls)) for name in ("x", "y", "z")]
    g = _chain(api, run, *nodes)
    first = run.first_chunks(g, 1, {"log": ["i"]}, run.config())
    last = run.stream(g, None, run.config())
    log = run.get_state(g, run.config()).values["log"]
    return [first, last[-1], log, sorted(set(calls))]


@program("R9.4", "R7.7")
def a_stream_left_inside_a_subgraph(api, run):
    calls = []
    sub = graph(
        api,
        (api.START, "s1"),
        ("s1", "s2"),
        s1=say("s1", calls),
        s2=say("s2", calls),
    ).compile()
    g = _chain(api, run, ("p", say("p", calls)), ("sub", sub))
    first = run.first_chunks(g, 2, {"log": []}, run.config(), subgraphs=True)
    last = run.invoke(g, None, run.config())
    return [len(first), last, calls.count("p")]


@program("R9.4", "R9.3")
def an_exception_after_chunks_and_going_on(api, run):
    calls = []

    def bad(state, writer):
        writer("tries")
        return once_bad(calls)(state)

    built = graph(
        api, (api.START, "x"), ("x", "bad"), ("bad", "z"), x=None, bad=bad, z=None
    )
    g = built.compile(checkpointer=run.saver)
    first = run.stream(g, {"log": []}, run.config(), stream_mode=MODES)
    return [first, run.stream(g, None, run.config(), stream_mode=MODES)]


@program("R9.3", "R9.1")
def output_keys_in_each_mode(api, run):
    edges = [(api.START, "x"), ("x", "y")]
    g = graph(api, *edges, x=lambda s: {"a": 2, "b": "x", "log": ["x"]}, y=_asks(api))
    g = g.compile(checkpointer=run.saver)
    seen = []
    for name, keys in (("a", "a"), ("b", ["b"]), ("c", ["log", "a"])):
        options = {"stream_mode": ["updates", "values"], "output_keys": keys}
        config = run.config(name)
        seen.append(run.stream(g, {"a": 1}, config, **options))
        answer = api.Command(resume="r")
        seen.append(run.stream(g, answer, config, **options))
        seen.append(run.invoke(g, {"a": 1}, run.config(name * 2), output_keys=keys))
    return seen


@program("R9.3")
def values_of_an_input_that_says_nothing(api, run):
    g = graph(api, (api.START, "x"), x=lambda s: None).compile()
    return [
        run.stream(g, given, stream_mode="values") for given in ({}, {"a": 1}, {"z": 1})
    ]


@program("R9.3", "R4.10")
def finished_siblings_are_marked_after_a_failure(api, run):
    calls = []
    built = graph(
        api,
        (api.START, "x"),
        (api.START, "bad"),
        (["x", "bad"], "z"),
        x=say("x", calls),
        bad=_slow(once_bad(calls)),
        z=None,
    )
    g = built.compile(checkpointer=run.saver)
    run.stream(g, {"log": []}, run.config())
    return [run.stream(g, None, run.config(), stream_mode=MODES), calls.count("x")]


def _slow(node):
    def slow(state):
        threading.Event().wait(0.15)
        return node(state)

    return slow


@program("R9.3", "R8.17")
def recorded_tasks_are_marked_on_a_resume(api, run):
    @api.task
    def one(n):
        return n + 1

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return [one(n).result(), api.interrupt("q"), one(10).result()]

    modes = ["updates", "values"]
    return [
        run.stream(wf, 1, run.config(), stream_mode=modes),
        run.stream(wf, api.Command(resume="r"), run.config(), stream_mode=modes),
    ]


@program("R9.3", "R8.17")
def tasks_of_an_entrypoint(api, run):
    @api.task
    def one(n, *, more=0):
        return n + more

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return one(n, more=2).result()

    chunks = run.stream(wf, 1, run.config(), stream_mode=["tasks", "updates"])
    return [[m, {k: v for k, v in c.items() if k != "triggers"}] for m, c in chunks]


@program("R9.3")
def custom_chunks_from_a_thread_with_the_context(api, run):
    def x(state):
        def work():
            api.get_stream_writer()("from a thread")

        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        thread.join()
        return {"log": ["x"]}

    g = graph(api, (api.START, "x"), x=x).compile()
    return run.stream(g, {"log": []}, stream_mode=["custom", "updates"])


@program(
    "R9.3",
    differs="a writer knows its task, also in a thread without the context",
    expected=[["custom", "from a thread"], ["updates", {"x": {"log": ["x"]}}]],
)
def a_writer_that_is_kept_for_a_thread(api, run):
    def x(state, writer):
        thread = threading.Thread(target=writer, args=("from a thread",))
        thread.start()
        thread.join()
        return {"log": ["x"]}

    g = graph(api, (api.START, "x"), x=x).compile()
    return run.stream(g, {"log": []}, stream_mode=["custom", "updates"])


@program("R9.3", "R1.33")
def custom_chunks_of_each_attempt(api, run):
    calls = []

    def x(state, writer):
        writer(f"attempt {len(calls)}")
        return once_bad(calls, error=ConnectionError)(state)

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built = graph(api, (api.START, "x"))
    built.add_node("x", x, retry_policy=policy)
    return run.stream(built.compile(), {"log": []}, stream_mode=MODES)


@program("R9.5")
def a_pause_in_the_second_version(api, run):
    g = _chain(api, run, ("x", None), ("asks", _asks(api)))
    out = run.invoke(g, {"log": []}, run.config(), version="v2")
    chunks = run.stream(
        g,
        api.Command(resume="r"),
        run.config(),
        version="v2",
        stream_mode=["values", "updates"],
    )
    return [type(out).__name__, out.value, list(out.interrupts), chunks]


@program("R9.5")
def lists_of_chunks_in_the_second_version(api, run):
    g = graph(api, (api.START, "x"), x=None).compile()
    return [
        run.invoke(g, {"log": []}, stream_mode=mode, version="v2")
        for mode in ("updates", ["values", "updates"])
    ]


@program("R9.1")
def no_mode_at_all(api, run):
    g = graph(api, (api.START, "x"), x=None).compile()
    return [
        run.stream(g, {"log": []}, stream_mode=[]),
        run.invoke(g, {"log": []}, stream_mode=["values"]),
    ]


@program("R9.3", "R9.4")
def debug_is_made_of_tasks_and_checkpoints(api, run):
    g = _chain(api, run, ("x", None), ("asks", _asks(api)))
    chunks = run.stream(g, {"log": []}, run.config(), stream_mode="debug")
    again = run.stream(g, api.Command(resume="r"), run.config(), stream_mode="debug")
    return [
        [each["step"], each["type"], sorted(each), sorted(each["payload"])]
        for each in (*chunks, *again)
    ]


@program("R9.3", "R6.1")
def checkpoints_of_a_resume_begin_with_the_present_one(api, run):
    g = _chain(api, run, ("x", None), ("asks", _asks(api)), ("z", None))
    options = {"stream_mode": "checkpoints"}
    first = run.stream(g, {"log": []}, run.config(), **options)
    last = run.stream(g, api.Command(resume="r"), run.config(), **options)
    same = first[-1]["config"] == last[0]["config"]
    shown = [
        [each["metadata"]["step"], each["next"], each["values"]["log"]]
        for each in (*first, *last)
    ]
    parents = [each["parent_config"] for each in last[1:]]
    return [same, shown, parents == [each["config"] for each in last[:-1]]]


@program("R9.2", "R9.4")
def chunks_from_both_sides_of_a_call_keep_their_order(api, run):
    def first(state, writer):
        writer("below")
        return {"log": ["first"]}

    sub = graph(api, (api.START, "first"), first=first).compile()

    def calls(state, writer):
        writer("before")
        sub.invoke({"log": []})
        writer("after")
        return {"log": ["calls"]}

    g = graph(api, (api.START, "calls"), calls=calls).compile()
    return run.stream(g, {"log": []}, stream_mode=["custom", "updates"], subgraphs=True)


@program("R9.1", "R7.2", only="async")
def an_awaited_stream_within_a_stream(api, run):
    async def first(state):
        api.get_stream_writer()("below")
        return {"log": ["first"]}

    sub = graph(api, (api.START, "first"), first=first).compile()

    async def calls(state):
        chunks = [each async for each in sub.astream({"log": []})]
        return {"log": [len(chunks)]}

    g = graph(api, (api.START, "calls"), calls=calls).compile()
    return run.stream(g, {"log": []}, stream_mode=["custom", "updates"], subgraphs=True)


@program("R9.3", "R9.4")
def what_the_first_checkpoint_of_a_resume_tells(api, run):
    """Of each task what an earlier run has left: a question, an error, a result."""
    calls = []

    def bad(state):
        while "ok" not in calls or "none" not in calls:
            time.sleep(0.002)
        time.sleep(0.05)
        if "bad" not in calls:
            calls.append("bad")
            raise RuntimeError("bad")
        return {"log": ["bad"]}

    def asks(state):
        return {"log": [api.interrupt("q")]}

    def first_of(thread, given, **nodes):
        calls.clear()
        built = graph(
            api, ok=say("ok", calls), none=lambda s: calls.append("none"), **nodes
        )
        for name in ("ok", "none", *nodes):
            built.add_edge(api.START, name)
        g, config = built.compile(checkpointer=run.saver), run.config(thread)
        run.attempt(run.invoke, g, {"log": []}, config)
        modes = ["checkpoints", "values"]
        chunks = run.stream(g, given, config, stream_mode=modes)
        told = {each.pop("name"): each for each in chunks[1][1]["tasks"]}
        for each in told.values():
            del each["id"]
        return [[mode for mode, _ in chunks], told]

    return [
        first_of("asked", api.Command(resume="r"), asks=asks),
        first_of("failed", None, bad=bad),
    ]


@program("R9.3", "R6.1")
def several_writes_to_one_channel_in_a_result(api, run):
    def lists(state):
        return [{"log": ["a"], "a": 1}, api.Command(update={"log": ["b"]})]

    def asks(state):
        return {"log": [api.interrupt("q")]}

    built = graph(api, (api.START, "lists"), lists=lists, asks=asks)
    g = built.add_edge(api.START, "asks").compile(checkpointer=run.saver)
    chunks = run.stream(g, {"log": []}, run.config(), stream_mode="tasks")
    ended = [each["result"] for each in chunks if each.get("result")]
    tasks = run.get_state(g, run.config()).tasks
    return [ended, [each.result for each in tasks]]


@program("R9.3", "R5.26")
def values_at_a_breakpoint_below(api, run):
    """What finished beside it is shown, though nobody is asked."""
    sub = graph(api, (api.START, "x"), x=None).compile(interrupt_before=["x"])
    built = graph(api, (api.START, "sub"), sub=sub, ok=None)
    g = built.add_edge(api.START, "ok").compile(checkpointer=run.saver)
    modes = ["values", "updates"]
    return run.stream(g, {"log": []}, run.config(), stream_mode=modes)


@program(
    "R9.3",
    differs="the tasks mode shows what runs: not a task with a result on record, but the end of a "
    "task that asks",
    expected=[
        [["done"], ["n"], ["inner"], ["inner", ["q"]], ["n", ["q"]]],
        [["n"], ["inner"], ["inner", []], ["n", []]],
    ],
)
def the_tasks_mode_with_results_on_record(api, run):
    def look(chunks):
        return [
            [c["name"], [q["value"] for q in c["interrupts"]]]
            if "interrupts" in c
            else [c["name"]]
            for c in chunks
            if not (c["name"] == "done" and "interrupts" in c)
        ]

    @api.task(name="inner")
    def inner():
        return api.interrupt("q")

    @api.task(name="inner")
    async def ainner():
        return api.interrupt("q")

    if run.driver == "async":

        async def n(state):
            return {"log": [await ainner()]}
    else:

        def n(state):
            return {"log": [inner().result()]}

    built = fan(api, "n", "done", n=n)
    g = built.compile(checkpointer=run.saver)
    first = run.stream(g, {"log": []}, run.config(), stream_mode="tasks")
    given = api.Command(resume="a")
    return [look(first), look(run.stream(g, given, run.config(), stream_mode="tasks"))]
