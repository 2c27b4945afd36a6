"""Section 7: where a graph that keeps its state lies, below graphs that do not, and how snapshots show it."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S


def _graph(api, name, node, checkpointer=None):
    """A graph of one node; its log grows by what the node returns."""
    built = api.StateGraph(S)
    built.add_node(name, node)
    built.add_edge(api.START, name)
    return built.compile(checkpointer=checkpointer)


def _count(api):
    """A graph that keeps its state and is asked how often it was called in this thread."""
    return _graph(api, "count", lambda state: {"log": ["n"]}, checkpointer=True)


def _calls(graph):
    return lambda state: {"log": [len(graph.invoke({"log": []})["log"])]}


def _asks(api, checkpointer):
    return _graph(
        api, "asks", lambda state: {"log": [api.interrupt("q")]}, checkpointer
    )


def _twice(run, g):
    return [run.invoke(g, {"log": []}, run.config()) for _ in range(2)]


@program("R7.5", "R7.3")
def kept_below_one_that_begins_afresh(api, run):
    mid = _graph(api, "mid", _calls(_count(api)))
    return _twice(run, _graph(api, "top", mid, run.saver))


@program("R7.5", "R7.3")
def kept_below_calls_of_one_that_begins_afresh(api, run):
    mid = _graph(api, "mid", _calls(_count(api)))

    def top(state):
        return {"log": [mid.invoke({"log": []})["log"] for _ in range(2)]}

    return _twice(run, _graph(api, "top", top, run.saver))


@program("R7.5", "R7.3")
def kept_below_one_that_saves_nothing(api, run):
    mid = _graph(api, "mid", _calls(_count(api)), checkpointer=False)
    return _twice(run, _graph(api, "top", mid, run.saver))


@program("R7.5", "R7.3", "R8.12")
def kept_below_a_task_of_a_node(api, run):
    kept = _count(api)

    @api.task
    def ask(number):
        return [number, len(kept.invoke({"log": []})["log"])]

    def body(state):
        return {"log": [ask(1).result(), ask(2).result()]}

    built = api.StateGraph(S)
    built.add_node("a", body)
    built.add_node("b", body)
    built.add_edge(api.START, "a")
    built.add_edge("a", "b")
    return _twice(run, built.compile(checkpointer=run.saver))


@program("R7.5", "R7.7")
def kept_below_one_that_begins_afresh_and_asks(api, run):
    mid = _graph(api, "mid", _asks(api, True))
    g = _graph(api, "top", mid, run.saver)
    found = []
    for answer in ("one", "two"):
        found.append(run.invoke(g, {"log": ["i"]}, run.config()))
        found.append(run.invoke(g, api.Command(resume=answer), run.config()))
    return found


@program(
    "R7.5",
    differs="a kept graph goes on where it stood, also below one that runs again from its start",
    expected=[
        [1, {"log": [["x", "one"]]}],
        [1, {"log": [["x", "one"], ["x", "one", "x", "two"]]}],
    ],
)
def kept_below_one_that_saves_nothing_and_asks(api, run):
    kept = _asks(api, True)

    def node(state):
        return {"log": [kept.invoke({"log": ["x"]})["log"]]}

    mid = _graph(api, "mid", node, checkpointer=False)
    g = _graph(api, "top", lambda s: {"log": mid.invoke({"log": []})["log"]}, run.saver)
    found = []
    for answer in ("one", "two"):
        asked = run.invoke(g, {"log": []}, run.config())
        resumed = run.invoke(g, api.Command(resume=answer), run.config())
        found.append([len(asked["__interrupt__"]), resumed])
    return found


def _configs(run, g):
    """The configs of the tasks' graphs, the newest checkpoint first."""
    return [
        [s.metadata["step"], [t.state for t in s.tasks if t.result is None]]
        for s in run.get_history(g, run.config())
    ]


@program("R7.8")
def the_config_of_a_kept_graph_that_waits(api, run):
    g = _graph(api, "top", _asks(api, True), run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    found = [_configs(run, g)]
    below = run.get_state(g, run.config()).tasks[0].state
    found.append(run.look(g, below))
    found.append(run.steps(g, below))
    run.update_state(g, below, {"log": ["edited"]})
    found.append(run.get_state(g, below).values)
    return [*found, run.invoke(g, api.Command(resume="r"), run.config())]


@program("R7.8", "R7.3", "R7.9")
def the_config_of_a_kept_graph_below_others(api, run):
    mid = _graph(api, "mid", _asks(api, True))
    g = _graph(api, "top", mid, run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    outer = run.get_state(g, run.config()).tasks[0].state
    inner = run.get_state(g, outer).tasks[0].state
    run.update_state(g, inner, {"log": ["edited"]})
    return [
        [outer, inner, run.get_state(g, inner).values],
        run.invoke(g, api.Command(resume="r"), run.config()),
    ]


@program("R7.8")
def a_kept_graph_before_its_next_call(api, run):
    kept = _graph(api, "count", lambda state: {"log": ["n"]}, checkpointer=True)
    built = api.StateGraph(S)
    built.add_node("kept", kept)
    built.add_edge(api.START, "kept")
    g = built.compile(checkpointer=run.saver, interrupt_before=["kept"])
    run.invoke(g, {"log": []}, run.config())
    found = [run.look(g, run.config(), subgraphs=True)]
    run.invoke(g, None, run.config())
    run.invoke(g, {"log": []}, run.config())
    return [*found, run.look(g, run.config(), subgraphs=True)]


@program("R7.8", "R7.5")
def a_graph_that_saves_nothing_has_no_state_below(api, run):
    g = _graph(api, "top", _asks(api, False), run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    return [
        _configs(run, g),
        run.look(g, run.config(), subgraphs=True),
        run.invoke(g, api.Command(resume="r"), run.config()),
    ]


@program("R7.4", "R7.8")
def the_configs_of_graphs_below_map_those_around(api, run):
    mid = _graph(api, "mid", _asks(api, None), checkpointer=True)
    g = _graph(api, "top", mid, run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    outer = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
    inner = outer.tasks[0].state
    return [
        outer.config,
        outer.parent_config,
        inner.config,
        inner.parent_config,
        [s.config for s in run.get_history(g, outer.config)],
    ]
