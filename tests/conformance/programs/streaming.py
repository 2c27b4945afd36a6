"""Section 9: modes values, updates, custom and tasks; shapes and order."""

import threading
import time
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


def _pair(api, run, **nodes):
    edges = [(api.START, "x"), ("x", "y")]
    built = graph(api, *edges, x=nodes.get("x"), y=nodes.get("y"))
    return built.compile(checkpointer=run.saver)


@program("R9.1", "R9.2")
def shapes_of_chunks(api, run):
    g = _pair(api, run)
    modes = [None, "updates", "values", ["updates"], ["values", "updates"]]
    seen = [
        run.stream(g, {"log": ["i"]}, run.config(str(n)), stream_mode=mode)
        for n, mode in enumerate(modes)
    ]
    seen.append(run.stream(g, {"log": []}, run.config("s"), subgraphs=True))
    seen.append(
        run.stream(
            g, {"log": []}, run.config("b"), subgraphs=True, stream_mode=["values"]
        )
    )
    return seen


@program("R9.1")
def invoke_with_a_mode(api, run):
    g = _pair(api, run)
    return [
        run.invoke(g, {"log": []}, run.config("a"), stream_mode="updates"),
        run.invoke(g, {"log": []}, run.config("b"), stream_mode=["updates", "values"]),
    ]


@program("R9.1")
def the_mode_that_a_graph_has(api, run):
    g = _pair(api, run)
    seen = [g.stream_mode]
    for number, mode in enumerate(["values", ["updates", "values"], "updates"]):
        g.stream_mode = mode
        bound = g.with_config(tags=["bound"])
        seen.append(run.stream(bound, {"log": []}, run.config(str(number))))
        seen.append(run.invoke(g, {"log": []}, run.config(f"i{number}")))
        given = run.config(f"n{number}")
        seen.append(run.invoke(g, {"log": []}, given, stream_mode=None))
    return seen


@program("R9.1", "R8.17")
def the_mode_that_an_entrypoint_has(api, run):
    @api.entrypoint()
    def flow(number):
        return number + 1

    seen = [flow.stream_mode, run.stream(flow, 1)]
    flow.stream_mode = "values"
    return [*seen, run.stream(flow, 1), run.invoke(flow, 1)]


@program("R9.1", "R7.2")
def a_stream_with_the_config_of_a_task(api, run):
    """Called with the config of the task it is in, a graph gives values where no mode is named."""
    below = graph(api, (api.START, "n"), n=None).compile()

    def plainly(state):
        return {"log": [list(below.stream({"log": []}))]}

    def by_its_config(state, config):
        return {"log": [list(below.stream({"log": []}, config))]}

    def with_a_mode(state, config):
        chunks = below.stream({"log": []}, config, stream_mode="updates")
        return {"log": [list(chunks)]}

    nodes = {"a": plainly, "b": by_its_config, "c": with_a_mode}
    edges = [(api.START, "a"), ("a", "b"), ("b", "c")]
    return run.invoke(graph(api, *edges, **nodes).compile(), {"log": []})


@program(
    "R9.1", differs="an unknown mode is refused", expected=[{"raises": "ValueError"}]
)
def an_unknown_mode(api, run):
    return run.stream(_pair(api, run), {"log": []}, run.config(), stream_mode="nothing")


@program("R9.3")
def values_only_when_something_changed(api, run):
    g = _pair(api, run, y=lambda s: None)
    return run.stream(g, {"log": ["i"]}, run.config(), stream_mode="values")


@program("R9.3", "R2.7")
def a_value_that_only_ends_shows_nothing(api, run):
    """A step that writes nothing ends a one-step value, which is no change to show."""

    class State(TypedDict, total=False):
        n: int
        once: Annotated[int, api.EphemeralValue]

    built = api.StateGraph(State)
    built.add_node("x", lambda state: {"once": 1})
    built.add_node("y", lambda state: None)
    built.add_edge(api.START, "x").add_edge("x", "y")
    g = built.compile()
    return run.stream(g, {"n": 1}, stream_mode="values")


@program("R9.3")
def updates_as_returned(api, run):
    g = _pair(api, run, x=lambda s: None, y=lambda s: {"a": 1, "log": ["y"]})
    jump = graph(
        api,
        (api.START, "x"),
        x=lambda s: api.Command(update={"a": 1}, goto="z"),
        z=None,
    )
    return [
        run.stream(g, {"log": []}, run.config()),
        run.stream(jump.compile(), {"log": []}),
    ]


@program("R9.3", "R5.3")
def chunks_at_a_pause_and_after(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = _pair(api, run, y=asks)
    modes = ["values", "updates"]
    first = run.stream(g, {"log": ["i"]}, run.config(), stream_mode=modes)
    last = run.stream(g, api.Command(resume="r"), run.config(), stream_mode=modes)
    return [first, last]


@program("R9.3")
def finished_siblings_are_shown_again(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    built = graph(api, (api.START, "n"), (api.START, "x"), n=asks, x=None)
    g = built.compile(checkpointer=run.saver)
    run.stream(g, {"log": []}, run.config())
    return run.stream(g, api.Command(resume="r"), run.config())


@program("R9.3")
def custom_chunks(api, run):
    def x(state, writer):
        writer("by name")
        api.get_stream_writer()({"by": "call"})
        return {"log": ["x"]}

    def y(state, runtime):
        runtime.stream_writer(3)
        return {"log": ["y"]}

    g = _pair(api, run, x=x, y=y)
    modes = ["custom", "updates", "values"]
    return [
        run.stream(g, {"log": ["i"]}, run.config(), stream_mode="custom"),
        run.stream(g, {"log": ["i"]}, run.config("b"), stream_mode=modes),
        run.stream(g, {"log": ["i"]}, run.config("c")),
    ]


@program("R9.3")
def custom_chunks_of_a_task(api, run):
    @api.task
    def one(n):
        api.get_stream_writer()(f"one {n}")
        return n

    @api.entrypoint()
    def wf(n):
        return one(n).result()

    return run.stream(wf, 1, stream_mode=["custom", "updates"])


@program("R9.3")
def chunks_of_tasks(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = _pair(api, run, y=asks)
    chunks = run.stream(g, {"log": ["i"]}, run.config(), stream_mode="tasks")
    return [{k: v for k, v in chunk.items() if k != "triggers"} for chunk in chunks]


@program("R9.3")
def chunks_of_a_failed_task(api, run):
    def bad(state):
        raise RuntimeError("bad")

    g = _pair(api, run, y=bad)
    chunks = run.stream(
        g, {"log": ["i"]}, run.config(), stream_mode=["tasks", "updates"]
    )
    return [
        [c[0], {k: v for k, v in c[1].items() if k != "triggers"}]
        if isinstance(c, tuple)
        else c
        for c in chunks
    ]


@program("R9.3")
def chunks_of_checkpoints(api, run):
    g = _pair(api, run)
    chunks = run.stream(g, {"log": ["i"]}, run.config(), stream_mode="checkpoints")
    return [
        [
            sorted(c),
            c["values"],
            c["next"],
            c["metadata"]["step"],
            [t["name"] for t in c["tasks"]],
        ]
        for c in chunks
    ]


@program("R9.3")
def chunks_for_debugging(api, run):
    g = _pair(api, run)
    chunks = run.stream(g, {"log": ["i"]}, run.config(), stream_mode="debug")
    return [[c["step"], c["type"], sorted(c["payload"])] for c in chunks]


@program("R9.3")
def chunks_of_messages(api, run):
    def answer(state):
        return {"messages": [api.AIMessage("hello", id="1")]}

    built = api.StateGraph(api.MessagesState).add_node("answer", answer)
    g = built.add_edge(api.START, "answer").compile()
    chunks = run.stream(g, {"messages": "hi"}, stream_mode="messages")
    return [[m.type, m.content, meta["langgraph_node"]] for m, meta in chunks]


@program("R9.4")
def order_of_chunks(api, run):
    begun, called = threading.Event(), threading.Event()

    def slow(state, writer):
        writer("slow begins")
        begun.set()
        assert called.wait(30)
        time.sleep(0.2)  # the other one has ended
        writer("slow ends")
        return {"log": ["slow"]}

    def quick(state, writer):
        assert begun.wait(30)
        writer("quick")
        called.set()
        return {"log": ["quick"]}

    edges = [(api.START, "slow"), (api.START, "quick"), (["slow", "quick"], "j")]
    g = graph(api, *edges, slow=slow, quick=quick, j=None).compile()
    return run.stream(g, {"log": []}, stream_mode=["custom", "updates", "values"])


@program("R9.4")
def an_exception_after_the_chunks(api, run):
    def bad(state):
        raise RuntimeError("bad")

    return run.stream(_pair(api, run, y=bad), {"log": []}, run.config())


@program("R9.5")
def second_version(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = _pair(api, run, y=asks)
    chunks = run.stream(
        g, {"log": ["i"]}, run.config(), stream_mode=["values", "updates"], version="v2"
    )
    out = run.invoke(g, api.Command(resume="r"), run.config(), version="v2")
    return [chunks, type(out).__name__, out.value, list(out.interrupts)]


@program("R9.3", "R1.27")
def chunks_of_sent_tasks(api, run):
    other = threading.Event()

    def w(n):
        if n == 2:
            assert other.wait(30)
            time.sleep(0.2)  # the other one has ended
        other.set()
        return {"log": [n]}

    built = graph(api, w=w)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("w", 2), api.Send("w", 1)]
    )
    return run.stream(built.compile(), {"log": []}, stream_mode=["updates", "values"])


@program("R9.1")
def output_keys_of_a_stream(api, run):
    g = _pair(api, run, x=lambda s: {"a": 1, "log": ["x"]})
    return [
        run.stream(
            g, {"log": []}, run.config("a"), output_keys=["a"], stream_mode="values"
        ),
        run.stream(g, {"log": []}, run.config("b"), output_keys=["a"]),
    ]
