"""Section 7: graphs in a graph that have come to their end, looked at through the tasks that ran them (R7.8)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph


def _three(api, **nodes):
    edges = [(api.START, "one"), ("one", "two"), ("two", "three")]
    plain = {"one": None, "two": None, "three": None}
    return graph(api, *edges, **{**plain, **nodes})


def _was_in(run, g):
    """Each step of the thread with its tasks, and what the history of the graph in each shows."""
    shown = []
    for step in run.get_history(g, run.config()):
        for task in step.tasks:
            inner = None if task.state is None else run.steps(g, task.state)
            shown.append([step.metadata["step"], task.name, inner])
    return shown


@program("R7.8")
def the_history_of_a_graph_that_ended_without_a_pause(api, run):
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=_three(api).compile(), z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    return _was_in(run, g)


@program("R7.8")
def the_history_of_a_graph_that_was_answered(api, run):
    sub = _three(api, two=asks(api)).compile()
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=sub, z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    run.invoke(g, api.Command(resume="r"), run.config())
    return _was_in(run, g)


@program("R7.8", "R6.12")
def replaying_from_a_step_of_a_graph_that_has_ended(api, run):
    sub = _three(api).compile()
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=sub, z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    before = next(s for s in run.get_history(g, run.config()) if s.next == ("sub",))
    inner = run.get_history(g, before.tasks[0].state)
    there = next(s for s in inner if s.next == ("two",))
    return [there.values, run.invoke(g, None, there.config)]


@program("R7.8")
def a_graph_that_has_ended_beside_one_that_asks(api, run):
    sub = graph(api, (api.START, "s"), s=None).compile()
    g = graph(api, (api.START, "sub"), (api.START, "asks"), sub=sub, asks=asks(api))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    return [
        run.look(g, run.config()),
        run.look(g, run.config(), subgraphs=True),
    ]


@program("R7.8", "R7.9")
def a_graph_that_an_edit_brought_to_its_end(api, run):
    sub = _three(api).compile(interrupt_before=["two"])
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=sub, z=None)
    g = g.compile(checkpointer=run.saver)
    return _edited_to_its_end(api, run, g)


@program("R7.8", "R7.9")
def a_called_graph_that_an_edit_brought_to_its_end(api, run):
    sub = _three(api).compile(interrupt_before=["two"])

    def calls(state):
        return {"log": sub.invoke({"log": ["called"]})["log"]}

    g = graph(api, (api.START, "calls"), ("calls", "z"), calls=calls, z=None)
    return _edited_to_its_end(api, run, g.compile(checkpointer=run.saver))


def _edited_to_its_end(api, run, g):
    run.invoke(g, {"log": []}, run.config())
    inner = run.get_state(g, run.config()).tasks[0].state
    run.update_state(g, inner, {"log": ["edit"]}, as_node="three")
    return [
        run.look(g, run.config(), subgraphs=True),
        run.invoke(g, None, run.config()),
    ]


@program(
    "R7.8",
    differs="a graph that a node calls is found by its namespace, also where it has ended",
    expected=["calls", {"log": ["called", "one", "two", "three"]}, []],
)
def a_called_graph_that_has_ended_before_its_node_asks(api, run):
    sub = _three(api).compile()

    def calls(state):
        found = sub.invoke({"log": ["called"]})["log"]
        return {"log": [*found, api.interrupt("q")]}

    g = graph(api, (api.START, "calls"), calls=calls).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    asking = run.get_state(g, run.config(), subgraphs=True).tasks[0]
    return [asking.name, asking.state.values, list(asking.state.next)]


@program(
    "R7.8",
    differs="a finished node that has called a graph shows none; the history with subgraphs=True has it",
    expected=[[[1, "z", None], [0, "calls", None], [-1, "__start__", None]], 5],
)
def the_history_of_a_called_graph_that_ended(api, run):
    sub = _three(api).compile()

    def calls(state):
        return {"log": sub.invoke({"log": []})["log"]}

    g = graph(api, (api.START, "calls"), ("calls", "z"), calls=calls, z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    found = run.get_history(g, run.config(), subgraphs=True)
    below = [s for s in found if s.config["configurable"]["checkpoint_ns"]]
    return [_was_in(run, g), len(below)]


@program(
    "R4.4",
    differs='in durability "exit" the reference saves nothing of a graph that ended, and runs it again',
    expected=[["one", "two"], ["called", "r"]],
)
def a_called_graph_that_ended_is_not_run_again_with_exit(api, run):
    ran = []
    sub = graph(
        api,
        (api.START, "one"),
        ("one", "two"),
        one=lambda state: ran.append("one"),
        two=lambda state: ran.append("two"),
    ).compile()

    def calls(state):
        return {"log": [*sub.invoke({"log": ["called"]})["log"], api.interrupt("q")]}

    g = graph(api, (api.START, "calls"), calls=calls).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config(), durability="exit")
    answer = api.Command(resume="r")
    return [ran, run.invoke(g, answer, run.config(), durability="exit")["log"]]
