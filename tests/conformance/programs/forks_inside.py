"""Section 6 and 7: going on from a checkpoint inside a subgraph that keeps its state."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S


def _graph(api, nodes, checkpointer=None):
    """A graph of these nodes, one after the other."""
    built = api.StateGraph(S)
    for name, node in nodes.items():
        built.add_node(name, node)
    before = api.START
    for name in nodes:
        built.add_edge(before, name)
        before = name
    return built.compile(checkpointer=checkpointer)


def _asking(api, calls):
    """Nodes of which two ask."""

    def say(name, *, asks):
        def node(state):
            calls.append(name)
            return {"log": [name, api.interrupt(name)] if asks else [name]}

        return node

    return {
        "x": say("x", asks=False),
        "q": say("q", asks=True),
        "y": say("y", asks=True),
    }


def _kept(api, run, *, mode=True, called=False):
    """`a`, the graph below, `z`; returns the graph and the calls of the nodes below."""
    calls = []
    below = _graph(api, _asking(api, calls), mode)
    node = below
    if called:

        def node(state):
            return {"log": below.invoke({"log": [len(state["log"])]})["log"]}

    nodes = {
        "a": lambda state: {"log": ["a"]},
        "below": node,
        "z": lambda state: {"log": ["z"]},
    }
    return _graph(api, nodes, run.saver), calls


def _inside(run, g, due):
    """The config of the newest checkpoint in the namespace `below` with that due."""
    namespace = {**run.config(checkpoint_ns="below")}
    return next(s.config for s in run.get_history(g, namespace) if s.next == due)


def _history(run, g, **place):
    found = run.get_history(g, run.config(**place))
    return [[s.metadata["step"], s.metadata["source"], list(s.next)] for s in found]


def _answers(run, api, g, *answers):
    return [
        run.invoke(g, api.Command(resume=each), run.config())["log"] for each in answers
    ]


@program("R6.12", "R7.5", "R7.8")
def a_replay_from_inside_a_kept_graph(api, run):
    found = []
    for due in ("x", "q", "y"):
        g, calls = _kept(api, run)
        run.invoke(g, {"log": ["i"]}, run.config())
        _answers(run, api, g, "1", "2")
        calls.clear()
        run.invoke(g, None, _inside(run, g, (due,)))
        below = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
        found.append([list(calls), below.values, list(below.next)])
        found.append(_history(run, g)[:2])
        found.append(_history(run, g, checkpoint_ns="below"))
        found.append(_answers(run, api, g, *(["3"] if due == "y" else ["3", "4"])))
        run.saver.delete_thread("t")
    return found


@program("R6.12", "R6.16", "R7.9")
def an_edit_inside_a_kept_graph_is_gone_on_from(api, run):
    found = []
    for due in ("x", "q"):
        g, calls = _kept(api, run)
        run.invoke(g, {"log": ["i"]}, run.config())
        _answers(run, api, g, "1", "2")
        calls.clear()
        edited = run.update_state(g, _inside(run, g, (due,)), {"log": ["edited"]})
        found.append(sorted(edited["configurable"]))
        run.invoke(g, None, edited)
        found.append([list(calls), _answers(run, api, g, "3", "4")])
        run.saver.delete_thread("t")
    return found


@program("R6.12", "R7.5")
def a_replay_from_the_end_of_a_kept_graph(api, run):
    g, calls = _kept(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    _answers(run, api, g, "1", "2")
    calls.clear()
    ended = run.invoke(g, None, _inside(run, g, ()))
    return [ended, calls, _history(run, g)[:4]]


@program("R6.12", "R7.5")
def a_replay_from_inside_while_it_asks(api, run):
    g, calls = _kept(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    first = run.get_state(g, run.config()).interrupts[0].id
    calls.clear()
    run.invoke(g, None, _inside(run, g, ("q",)))
    asked = run.get_state(g, run.config()).interrupts
    found = [list(calls), len(asked), asked[0].id == first]
    return [*found, _answers(run, api, g, "1", "2"), _history(run, g)]


@program("R6.12", "R7.5")
def a_replay_from_inside_in_durability_exit(api, run):
    g, calls = _kept(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    _answers(run, api, g, "1", "2")
    calls.clear()
    run.invoke(g, None, _inside(run, g, ("y",)), durability="exit")
    return [calls, _answers(run, api, g, "3")]


@program("R6.12", "R7.5")
def a_command_at_a_checkpoint_inside(api, run):
    g, calls = _kept(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    _answers(run, api, g, "1", "2")
    calls.clear()
    said = api.Command(update={"log": ["u"]})
    run.invoke(g, said, _inside(run, g, ("y",)))
    return [calls, _answers(run, api, g, "3")]


@program("R6.12", "R7.2", "R7.5")
def a_replay_from_inside_a_kept_graph_that_a_node_calls(api, run):
    g, calls = _kept(api, run, called=True)
    run.invoke(g, {"log": ["i"]}, run.config())
    _answers(run, api, g, "1", "2")
    calls.clear()
    run.invoke(g, None, _inside(run, g, ("y",)))
    return [calls, _answers(run, api, g, "3")]


@program("R6.12", "R7.5", "R7.8")
def a_replay_from_inside_a_graph_that_begins_afresh(api, run):
    g, calls = _kept(api, run, mode=None)
    run.invoke(g, {"log": ["i"]}, run.config())
    _answers(run, api, g, "1")
    inside = run.get_state(g, run.config(), subgraphs=True).tasks[0].state.config
    calls.clear()
    run.invoke(g, None, inside)
    return [calls, _answers(run, api, g, "3", "4")]


@program("R6.12", "R7.3", "R7.5")
def a_replay_from_two_deep(api, run):
    calls = []
    inner = _graph(api, _asking(api, calls), True)
    middle = _graph(api, {"m": lambda state: {"log": ["m"]}, "inner": inner}, True)
    g = _graph(api, {"middle": middle, "z": lambda state: {"log": ["z"]}}, run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    _answers(run, api, g, "1")
    deep = run.get_state(g, run.config(), subgraphs=True).tasks[0].state.tasks[0].state
    _answers(run, api, g, "2")
    calls.clear()
    asked = run.invoke(g, None, deep.config)
    return [calls, len(asked["__interrupt__"]), _answers(run, api, g, "3")]


@program("R6.14", "R7.7")
def an_answer_at_the_checkpoint_that_asks_inside(api, run):
    g, calls = _kept(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    calls.clear()
    inside = _inside(run, g, ("q",))
    asked = run.invoke(g, api.Command(resume="1"), inside)
    return [calls, len(asked["__interrupt__"]), _answers(run, api, g, "2")]


@program(
    "R6.15",
    "R7.7",
    differs="an answer to what a graph below has gone on from would reach another question",
    expected=[{"raises": "ValueError"}, ["y"]],
)
def an_answer_at_an_older_checkpoint_inside(api, run):
    g, _ = _kept(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    _answers(run, api, g, "1")
    older = _inside(run, g, ("q",))
    refused = run.attempt(run.invoke, g, api.Command(resume="again"), older)
    return [refused, [q.value for q in run.get_state(g, run.config()).interrupts]]


@program(
    "R6.12",
    "R7.7",
    differs="the graph below begins anew there and here; here in a fork of its own, see the rule",
    expected=[["x", "q"], False, [[3, "fork"], [2, "fork"], [1, "loop"]]],
)
def a_replay_of_an_edit_in_which_a_graph_below_asks(api, run):
    g, calls = _kept(api, run, mode=None)
    run.invoke(g, {"log": ["i"]}, run.config())
    old = run.get_state(g, run.config()).config
    copy = run.update_state(g, old, None, as_node="__copy__")
    run.invoke(g, None, copy)
    first = run.get_state(g, run.config()).interrupts[0].id
    calls.clear()
    run.invoke(g, None, copy)
    again = run.get_state(g, run.config()).interrupts[0].id
    return [calls, first == again, [each[:2] for each in _history(run, g)[:3]]]


@program("R6.12", "R6.14", "R7.7")
def an_answer_at_a_checkpoint_inside_that_was_replayed(api, run):
    seen = []
    for edited in (False, True):
        g, calls = _kept(api, run)
        thread = f"t{edited}"
        run.invoke(g, {"log": ["i"]}, run.config(thread))
        inside = run.get_state(g, run.config(thread), subgraphs=True).tasks[0].state
        place = inside.config
        if edited:
            place = run.update_state(g, place, {"log": ["edited"]})
        calls.clear()
        asked = len(run.invoke(g, None, place)["__interrupt__"])
        again = run.invoke(g, api.Command(resume="1"), place)
        last = run.invoke(g, api.Command(resume="2"), run.config(thread))
        seen.append([asked, len(again["__interrupt__"]), last["log"], calls])
    return seen


@program("R6.12", "R6.14", "R7.7")
def an_answer_two_deep_where_it_was_replayed(api, run):
    calls = []
    inner = _graph(api, _asking(api, calls), True)
    middle = _graph(api, {"m": lambda state: {"log": ["m"]}, "inner": inner}, True)
    g = _graph(api, {"middle": middle, "z": lambda state: {"log": ["z"]}}, run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    deep = run.get_state(g, run.config(), subgraphs=True).tasks[0].state.tasks[0].state
    run.invoke(g, None, deep.config)
    calls.clear()
    asked = run.invoke(g, api.Command(resume="1"), deep.config)
    return [calls, len(asked["__interrupt__"]), _answers(run, api, g, "2")]
