"""Section 9: what the modes `tasks` and `checkpoints` show of values, results and tasks that wait."""

import operator
from typing import Annotated

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph


def checkpoints(chunks):
    """Values, next, and of each task name, result and whether it asks."""
    return [
        [
            each["values"],
            each["next"],
            [[t["name"], t.get("result"), len(t["interrupts"])] for t in each["tasks"]],
        ]
        for each in chunks
    ]


@program("R9.3", "R9.1", "R3.5")
def output_keys_narrow_the_results_of_a_checkpoints_tasks(api, run):
    def twice(state):
        return [{"a": 1, "log": ["w"]}, api.Command(update={"log": ["w2"]})]

    edges = [(api.START, "x"), (api.START, "w")]
    g = graph(api, *edges, x=asks(api), w=twice).compile(checkpointer=run.saver)
    seen = []
    for number, keys in enumerate(("log", ["a"], ["a", "log"], "b", None)):
        config = run.config(str(number))
        options = {"stream_mode": "checkpoints", "output_keys": keys}
        seen.append(checkpoints(run.stream(g, {"log": []}, config, **options)))
        answer = api.Command(resume="r")
        seen.append(checkpoints(run.stream(g, answer, config, **options)))
    return seen


@program("R2.19", "R9.3", "R6.3")
def results_of_tasks_on_a_bare_value(api, run):
    built = api.StateGraph(Annotated[list, operator.add])
    built.add_node("x", lambda s: ["x"])
    built.add_node("y", lambda s: [api.interrupt("q")])
    g = built.add_edge(api.START, "x").add_edge(api.START, "y")
    g = g.compile(checkpointer=run.saver)
    ends = [
        [each["name"], each["result"]]
        for each in run.stream(g, [1], run.config(), stream_mode="tasks")
        if "result" in each and not each["interrupts"]
    ]
    again = run.stream(g, None, run.config(), stream_mode="checkpoints")
    shown = [
        [[task.name, task.result] for task in each.tasks]
        for each in run.get_history(g, run.config())
    ]
    head = run.get_state(g, run.config()).tasks
    return [
        ends,
        checkpoints(again),
        shown,
        [[task.name, task.result] for task in head],
    ]


@program("R9.3", "R5.26", "R9.2")
def a_node_that_a_breakpoint_below_holds_has_not_ended(api, run):
    below = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None)
    seen = []
    for number, stop in enumerate(
        ({"interrupt_before": ["y"]}, {"interrupt_after": ["x"]})
    ):
        sub = below.compile(**stop)
        g = graph(api, (api.START, "s"), s=sub).compile(checkpointer=run.saver)
        for given in ({"log": []}, None):
            chunks = run.stream(
                g, given, run.config(str(number)), stream_mode="tasks", subgraphs=True
            )
            seen.append(
                [
                    [where, "end" if "result" in chunk else "start", chunk["name"]]
                    for where, chunk in chunks
                ]
            )
    return seen


@program("R9.3", "R7.5")
def without_a_saver_there_are_no_checkpoints_to_show(api, run):
    below = graph(api, (api.START, "x"), x=None)
    seen = []
    for number, saver in enumerate((None, False)):
        sub = below.compile(checkpointer=saver)
        for kept in (None, run.saver):
            g = graph(api, (api.START, "s"), s=sub).compile(checkpointer=kept)
            config = run.config(str(number))
            options = {"stream_mode": ["checkpoints", "debug"], "subgraphs": True}
            chunks = run.stream(g, {"log": []}, config, **options)
            seen.append([_kind(*chunk) for chunk in chunks])
    return seen


def _kind(where, mode, chunk):
    told = chunk.get("payload", chunk)
    below = [task["state"] is not None for task in told.get("tasks", ())]
    return [len(where), mode, chunk.get("type", "checkpoint"), below]


@program("R7.4", "R9.3", "R6.12")
def a_config_of_a_streamed_checkpoint_below_names_those_around(api, run):
    sub = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None).compile()
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    options = {"stream_mode": "checkpoints", "subgraphs": True}
    chunks = [
        chunk for ns, chunk in run.stream(g, {"log": []}, run.config(), **options) if ns
    ]

    def around(config):
        named = (config or {"configurable": {}})["configurable"]
        found = named.get("checkpoint_map", {})
        mine = found.get(named.get("checkpoint_ns"))
        return [
            sorted(ns.split(":")[0] for ns in found),
            mine == named.get("checkpoint_id"),
        ]

    maps = [[around(c["config"]), around(c["parent_config"])] for c in chunks]
    inside = next(c["config"] for c in chunks if c["next"] == ["y"])
    return [maps, run.invoke(g, None, inside), run.look(g, run.config())]
