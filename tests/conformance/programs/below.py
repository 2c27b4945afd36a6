"""Sections 6 and 7: what can be seen of graphs below, whether a node is one or calls one (R7.8, RA.12)."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


class Own(TypedDict, total=False):
    own: Annotated[list, operator.add]


def _asks(api, question="q"):
    def asks(state):
        return {"own": [api.interrupt(question)]}

    return asks


def _inner(api, asks=True, **options):
    edges = [(api.START, "first"), ("first", "second")]
    second = _asks(api) if asks else lambda state: {"own": ["second"]}
    built = graph(
        api, *edges, schema=Own, first=lambda s: {"own": ["first"]}, second=second
    )
    return built.compile(**options)


def _calling(api, run, sub):
    def calls(state):
        return {"log": sub.invoke({"own": []})["own"]}

    g = graph(api, (api.START, "calls"), ("calls", "z"), calls=calls, z=None)
    return g.compile(checkpointer=run.saver)


def _spaces(found):
    """Namespace (without ids), step and next of snapshots."""
    shown = []
    for each in found:
        where = each.config["configurable"]["checkpoint_ns"]
        names = "|".join(part.split(":")[0] for part in where.split("|"))
        shown.append([names, each.metadata["step"], list(each.next)])
    return shown


@program("R7.8")
def a_subgraph_that_has_not_begun(api, run):
    g = graph(api, (api.START, "sub"), sub=_inner(api))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config(), interrupt_before=["sub"])
    return [
        run.look(g, run.config()),
        run.look(g, run.config(), subgraphs=True),
    ]


@program("R7.8", "R7.2")
def a_paused_graph_that_a_node_calls(api, run):
    return _seen_while_paused(api, run, _calling(api, run, _inner(api)))


@program(
    "R7.8",
    "RA.12",
    differs="a graph that a node calls is found by its namespace, not by the graph's shape",
    expected=[
        {"name": "calls", "state": "config"},
        {
            "values": {"own": ["first"]},
            "next": ["second"],
            "interrupts": [{"asks": "q", "id": "#1"}],
            "tasks": [{"name": "second", "interrupts": [{"asks": "q", "id": "#1"}]}],
            "step": [1, "loop"],
        },
        True,
        [[1, "loop", ["second"]], [0, "loop", ["first"]], [-1, "input", ["__start__"]]],
        ["first", "r", "z"],
    ],
)
def a_paused_graph_out_of_a_box(api, run):
    box = [_inner(api)]

    def calls(state):
        return {"log": box[0].invoke({"own": []})["own"]}

    g = graph(api, (api.START, "calls"), ("calls", "z"), calls=calls, z=None)
    return _seen_while_paused(api, run, g.compile(checkpointer=run.saver))


def _seen_while_paused(api, run, g):
    run.invoke(g, {"log": []}, run.config())
    flat = run.get_state(g, run.config()).tasks[0]
    deep = run.snapshot(run.get_state(g, run.config(), subgraphs=True).tasks[0].state)
    again = run.snapshot(run.get_state(g, flat.state))
    steps = run.steps(g, flat.state)
    return [
        {"name": flat.name, "state": run.task(flat)["state"]},
        deep,
        again == deep,
        steps,
        run.invoke(g, api.Command(resume="r"), run.config())["log"],
    ]


@program(
    "R7.8",
    "R8.12",
    differs="a graph that a task calls is found by its namespace",
    expected=["wf|one", ["second"], {"own": ["first"]}, ["q"]],
)
def a_paused_graph_that_a_task_calls(api, run):
    sub = _inner(api)

    @api.task
    def one(n):
        return sub.invoke({"own": []})["own"]

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return one(n).result()

    run.invoke(wf, 1, run.config())
    found = run.get_state(wf, run.config(), subgraphs=True).tasks[0].state
    where = found.config["configurable"]["checkpoint_ns"]
    return [
        "|".join(part.split(":")[0] for part in where.split("|")),
        list(found.next),
        found.values,
        [question.value for question in found.interrupts],
    ]


@program(
    "R7.8",
    "R7.6",
    differs="of several calls in a task, the one that is paused is shown",
    expected=[{"own": ["first"]}, ["second"], "1"],
)
def the_second_of_two_calls_is_paused(api, run):
    quiet, loud = _inner(api, asks=False), _inner(api)

    def calls(state):
        return {"log": [each.invoke({"own": []})["own"] for each in (quiet, loud)]}

    g = graph(api, (api.START, "calls"), calls=calls).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    found = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
    where = found.config["configurable"]["checkpoint_ns"]
    return [found.values, list(found.next), where.rsplit("|", 1)[-1]]


@program(
    "R7.8",
    "RA.12",
    differs="history with subgraphs=True is ours",
    expected=[
        ["", 1, ["z"]],
        ["sub", 2, []],
        ["sub", 1, ["second"]],
        ["sub", 0, ["first"]],
        ["sub", -1, ["__start__"]],
        ["", 0, ["sub"]],
        ["", -1, ["__start__"]],
    ],
)
def the_history_of_finished_subgraphs(api, run):
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=_inner(api, asks=False))
    g.add_node("z", lambda s: {"log": ["z"]})
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config(), interrupt_before=["z"])
    tasks = run.get_state(g, run.config(), subgraphs=True).tasks
    if any(task.state is not None for task in tasks):
        return "finished ones are not in tasks"
    return _spaces(run.get_history(g, run.config(), subgraphs=True))


@program(
    "R7.8",
    "RA.12",
    differs="history with subgraphs=True is ours",
    expected=[
        ["calls", 1, ["second"], {"own": ["first"]}],
        ["calls", 0, ["first"], {"own": []}],
        ["calls", -1, ["__start__"], {}],
        [2, ["", "calls"]],
        ["calls"],
    ],
)
def the_history_of_a_graph_that_a_node_calls(api, run):
    g = _calling(api, run, _inner(api))
    run.invoke(g, {"log": []}, run.config())
    found = run.get_history(g, run.config(), subgraphs=True)
    inner = run.get_state(g, run.config()).tasks[0].state
    below = [each for each in found if each.config["configurable"]["checkpoint_ns"]]
    shown = [
        [*row, each.values] for row, each in zip(_spaces(below), below, strict=True)
    ]
    last = run.get_history(g, run.config(), subgraphs=True, limit=2)
    only = run.get_history(g, inner, subgraphs=True, limit=1)
    return [
        *shown,
        [len(last), sorted({row[0] for row in _spaces(found)})],
        [row[0] for row in _spaces(only)],
    ]


@program("R7.8")
def without_subgraphs_the_history_is_the_roots(api, run):
    g = graph(api, (api.START, "sub"), sub=_inner(api)).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    return run.steps(g, run.config())


@program("R7.4", "R7.3")
def parents_of_a_checkpoint_below(api, run):
    low = graph(api, (api.START, "deep"), schema=Own, deep=_asks(api)).compile()
    mid = graph(api, (api.START, "low"), schema=Own, low=low).compile()
    g = graph(api, (api.START, "mid"), mid=mid).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    top = run.get_state(g, run.config(), subgraphs=True)
    middle = top.tasks[0].state
    bottom = middle.tasks[0].state
    ids = [each.config["configurable"]["checkpoint_id"] for each in (top, middle)]
    spaces = [
        each.config["configurable"]["checkpoint_ns"] for each in (top, middle, bottom)
    ]
    given = run.get_state(g, run.config()).tasks[0].state
    return [
        bottom.metadata["parents"] == dict(zip(spaces, ids, strict=False)),
        middle.metadata["parents"] == {"": ids[0]},
        spaces[2].startswith(spaces[1] + "|low:"),
        run.look(g, given)["next"],
    ]


@program(
    "R6.1",
    differs="a checkpoint id that is not there is an error below, too",
    expected={"raises": "CheckpointNotFoundError"},
)
def an_unknown_checkpoint_below(api, run):
    g = _calling(api, run, _inner(api))
    run.invoke(g, {"log": []}, run.config())
    where = {"checkpoint_ns": "calls:none", "checkpoint_id": "none"}
    return run.attempt(run.get_state, g, run.config(**where))


@program("R7.8")
def a_node_below_with_the_same_name(api, run):
    sub = graph(api, (api.START, "sub"), schema=Own, sub=_asks(api)).compile()
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    return run.look(g, run.config(), subgraphs=True)


@program(
    "R7.8",
    "R8.12",
    differs="an entrypoint that a node calls is found by its namespace",
    expected=[["inner"], None, ["q"], ["inner"]],
)
def a_paused_entrypoint_that_a_node_calls(api, run):
    @api.entrypoint()
    def inner(n):
        return api.interrupt("q")

    box = [inner]

    def calls(state):
        return {"log": [box[0].invoke(1)]}

    g = graph(api, (api.START, "calls"), calls=calls).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    found = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
    return [
        list(found.next),
        found.values or None,
        [question.value for question in found.interrupts],
        [task.name for task in found.tasks],
    ]


class Known(TypedDict, total=False):
    given: str
    own: Annotated[list, operator.add]
    wrote: str


@program(
    "R7.8",
    differs="a graph that is not known by its shape is shown as its checkpoint has it: without "
    "empty containers, and without what finished tasks of its step wrote",
    expected=[{"given": "g"}, {"given": "g"}, ["asks"], ["q"]],
)
def a_graph_called_by_a_called_graph_shows_its_checkpoint(api, run):
    asks = _asks(api)
    edges = [(api.START, "asks"), (api.START, "ends")]
    deep = graph(
        api, *edges, schema=Known, asks=asks, ends=lambda s: {"wrote": "w"}
    ).compile()

    def calls_deep(state):
        deep.invoke({"given": state["given"]})

    middle = graph(api, (api.START, "low"), schema=Known, low=calls_deep).compile()

    def calls(state):
        middle.invoke({"given": "g"})

    g = graph(api, (api.START, "calls"), calls=calls).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    there = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
    below = there.tasks[0].state
    names = [task.name for task in below.tasks if task.interrupts]
    return [
        there.values,
        below.values,
        names,
        [question.value for question in below.interrupts],
    ]
