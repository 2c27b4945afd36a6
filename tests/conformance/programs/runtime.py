"""Section 1: what a node is given: injections, the runtime, context, managed values."""

import operator
import threading
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph


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


@program("R1.6")
def everything_a_runtime_has(api, run):
    """In a node, in a task it calls and in a graph below it: each has its own place."""
    seen = {}
    control = api.RunControl()
    store = api.InMemoryStore()

    def note(who, runtime):
        info = runtime.execution_info
        seen[who] = {
            "ns": [part.split(":")[0] for part in info.checkpoint_ns.split("|")],
            "ends with its task": info.checkpoint_ns.endswith(info.task_id),
            "checkpoint": bool(info.checkpoint_id),
            "thread": info.thread_id,
            "attempt": info.node_attempt,
            "first": isinstance(info.node_first_attempt_time, float),
            "control": runtime.control is control,
            "asked": runtime.control.drain_requested,
            "store": runtime.store is store,
            "context": runtime.context,
            "previous": runtime.previous,
            "beat": runtime.heartbeat(),
        }
        runtime.stream_writer(who)

    def inner(state, runtime):
        note("inner", runtime)
        return {"log": ["inner"]}

    below = graph(api, (api.START, "inner"), inner=inner).compile()

    def node(state, runtime):
        note("node", runtime)
        return {"log": ["node"]}

    edges = [(api.START, "node"), ("node", "below")]
    g = graph(api, *edges, node=node, below=below)
    g = g.compile(checkpointer=run.saver, store=store)
    chunks = run.stream(
        g,
        {"log": []},
        run.config(),
        context={"who": "me"},
        control=control,
        stream_mode="custom",
    )
    return [chunks, seen]


@program(
    "R1.6",
    differs="graphs below are told the run as well, and a run that was given no id has its own",
    expected=[["given", "given"], [True, True, True]],
)
def the_id_of_a_run(api, run):
    seen = []

    def node(state, runtime):
        seen.append(runtime.execution_info.run_id)
        return {}

    below = graph(api, (api.START, "inner"), inner=node).compile()
    edges = [(api.START, "node"), ("node", "below")]
    g = graph(api, *edges, node=node, below=below).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, {**run.config(), "run_id": "given"})
    given, seen[:] = seen[:], []
    run.invoke(g, {"log": []}, run.config())
    one, two = seen
    run.invoke(g, {"log": []}, run.config())
    return [given, [one is not None, one == two, one != seen[-1]]]


@program("R1.6")
def the_id_of_a_run_is_that_of_its_config(api, run):
    import uuid

    seen = []

    def node(state, runtime):
        seen.append(runtime.execution_info.run_id)
        return {}

    plain = graph(api, (api.START, "n"), n=node)
    ids = [uuid.UUID(int=7), "text", 5]
    for saver in (None, run.saver):
        g = plain.compile(checkpointer=saver)
        for id in ids:
            run.invoke(g, {"log": []}, {**run.config(), "run_id": id})
    return [seen == [str(id) for id in ids] * 2]


@program("R1.6")
def a_runtime_without_saver_and_control(api, run):
    seen = []

    def node(state, runtime):
        info = runtime.execution_info
        seen.append(
            [
                info.thread_id,
                info.run_id,
                info.node_attempt,
                info.checkpoint_ns.split(":")[0],
                runtime.store,
                runtime.context,
                runtime.previous,
            ]
        )
        return {}

    g = graph(api, (api.START, "n"), n=node).compile()
    run.invoke(g, {"log": []})
    return seen


@program("R1.6")
def a_node_asks_its_run_to_stop_by_its_runtime(api, run):
    def node(state, runtime):
        runtime.control.request_drain("enough")
        return {"log": [runtime.control.drain_requested, runtime.control.drain_reason]}

    g = graph(api, (api.START, "n"), ("n", "m"), n=node, m=None)
    g = g.compile(checkpointer=run.saver)
    config = run.config()
    stopped = run.attempt(run.invoke, g, {"log": []}, config, control=api.RunControl())
    return [stopped, run.look(g, config)["next"], run.invoke(g, None, config)]


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


@program("R1.5", "R3.4")
def keys_of_configurable_are_for_checkpoints(api, run):
    def n(state, config):
        return {"log": [k for k in sorted(config["metadata"]) if "langgraph" not in k]}

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    config = run.config(mine=1, __hidden=2, held={})
    config["metadata"] = {"m": 1, "cannot be stored": threading.Lock()}
    result = run.invoke(g, {"log": []}, config)
    kept = run.get_state(g, run.config()).metadata
    return [result, sorted(kept), kept["mine"], kept["m"]]


@program("R1.5")
def what_made_a_task_due(api, run):
    def n(state, config):
        return {"log": [[*config["metadata"]["langgraph_triggers"]]]}

    built = graph(api, ("n", "join"), x=None, n=n, join=n)
    built.add_conditional_edges(api.START, lambda s: ["x", api.Send("n", {})])
    built.add_edge(["x", "n"], "join")
    return run.invoke(built.compile(), {"log": []})


def told(config):
    """What a node hears of the config: the author's own parts of it."""
    own = ("who", "of", "with", "q")
    metadata, asked = config["metadata"], config["configurable"]
    return [
        sorted(config.get("tags") or ()),
        {name: metadata[name] for name in own if name in metadata},
        {name: asked[name] for name in own if name in asked},
        config.get("recursion_limit"),
    ]


@program("R1.5", "R7.13")
def what_a_graph_below_hears_of_the_config(api, run):
    heard = []

    def below(state, config):
        heard.append(["below", *told(config)])

    @api.task
    def job(config):
        heard.append(["job", *told(config)])

    inner = graph(api, (api.START, "i"), i=below).compile()
    bound = inner.with_config(
        {
            "tags": ["bound"],
            "metadata": {"who": "bound", "with": 1},
            "configurable": {"who": "bound", "q": 1},
            "recursion_limit": 8,
        }
    )

    def calls(state, config):
        heard.append(["calls", *told(config)])
        inner.invoke({"log": []})
        inner.invoke({"log": []}, config)
        inner.invoke({"log": []}, {"tags": ["own"], "metadata": {"who": "own"}})
        bound.invoke({"log": []})
        bound.invoke({"log": []}, config)
        job().result()

    b = api.StateGraph(S)
    b.add_node("calls", calls, metadata={"of": "calls"})
    b.add_node("bound", bound, metadata={"of": "bound"})
    g = b.add_edge(api.START, "calls").add_edge("calls", "bound")
    asked = {
        **run.config(who="root"),
        "tags": ["root"],
        "metadata": {"who": "root"},
        "recursion_limit": 9,
    }
    run.invoke(g.compile(checkpointer=run.saver), {"log": []}, asked)
    return heard


@program("R1.5", "R1.43")
def keys_beside_configurable(api, run):
    def n(state):
        config = api.get_config()
        asked = config["configurable"]
        keys = sorted({"run_name", "run_id", "user"} & set(config))
        return {"log": [asked["thread_id"], asked.get("user"), keys]}

    def nested(state):
        return {"log": below.invoke({"log": []}, {"user": "below"})["log"]}

    below = graph(api, (api.START, "n"), n=n).compile()
    g = graph(api, (api.START, "n"), ("n", "nested"), n=n, nested=nested)
    g = g.compile(checkpointer=run.saver)
    named = {"run_name": "named", "run_id": "12345678-1234-5678-1234-567812345678"}
    configs = [
        {"thread_id": "a"},
        {"thread_id": "b", "configurable": {"thread_id": "c", "user": "u"}},
        {"thread_id": None, "configurable": {"thread_id": "d"}, "user": "v"},
        {**run.config("e"), **named},
    ]
    seen = [run.invoke(g, {"log": []}, config) for config in configs]
    bound = g.with_config(user="bound")
    seen.append(run.invoke(bound, {"log": []}, run.config("f")))
    return [seen, [run.look(g, run.config(thread))["values"] for thread in "abd"]]


@program("R1.6", "R3.19")
def what_a_runtime_says_and_its_copies(api, run):
    control = api.RunControl()

    def n(state, runtime: api.Runtime):
        before = [runtime.drain_requested, runtime.drain_reason]
        control.request_drain("enough")
        other = runtime.override(context={"k": 2}, previous=0)
        merged = runtime.merge(api.Runtime(context={"k": 3}))
        writers = {runtime.stream_writer, merged.stream_writer}
        return {
            "log": [
                before,
                [runtime.drain_requested, runtime.drain_reason],
                [runtime.context, other.context, merged.context, other.previous],
                [len(writers), api.Runtime().drain_requested],
            ]
        }

    g = graph(api, (api.START, "n"), n=n).compile()
    return run.invoke(g, {"log": []}, context={"k": 1}, control=control)
