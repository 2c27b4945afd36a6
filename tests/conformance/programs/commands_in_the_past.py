"""Section 6: a `Command(update=, goto=)` at a named checkpoint; edits where only the input is on record."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph


def _chain(api, run, **nodes):
    """`a`, then `b`; `c` is reached by a goto only."""
    built = graph(
        api, (api.START, "a"), ("a", "b"), **{"a": None, "b": None, "c": None, **nodes}
    )
    return built.compile(checkpointer=run.saver)


def _finished(api, run):
    g = _chain(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    return g


def _at(run, g, step):
    """The config of the newest checkpoint of that step."""
    found = [s for s in run.get_history(g, run.config()) if s.metadata["step"] == step]
    return found[0].config


def _history(run, g):
    return [
        [s.metadata["step"], s.metadata["source"], list(s.next), s.values]
        for s in run.get_history(g, run.config())
    ]


@program("R6.12", "R5.23")
def an_update_at_an_old_checkpoint_is_of_the_fork(api, run):
    g = _finished(api, run)
    old = _at(run, g, 0)
    forked = run.invoke(g, api.Command(update={"log": ["u"]}), old)
    return [forked, _history(run, g), run.invoke(g, None, _at(run, g, 1))]


@program("R6.12", "R5.23")
def a_goto_at_an_old_checkpoint_is_of_the_fork(api, run):
    g = _finished(api, run)
    forked = run.invoke(g, api.Command(goto="c"), _at(run, g, 0))
    found = [forked, _history(run, g)]
    fork = [
        s for s in run.get_history(g, run.config()) if s.metadata["source"] == "fork"
    ]
    return [*found, run.invoke(g, None, fork[0].config), _history(run, g)]


@program("R6.12", "R5.23", "R6.7")
def edits_of_a_fork_that_a_command_made(api, run):
    g = _finished(api, run)
    said = api.Command(update={"log": ["u"]}, goto="c")
    run.invoke(g, said, _at(run, g, 0))
    fork = [
        s for s in run.get_history(g, run.config()) if s.metadata["source"] == "fork"
    ]
    found = [fork[0].values, list(fork[0].next)]
    run.update_state(g, fork[0].config, None, as_node="__copy__")
    found.append(run.invoke(g, None, run.config()))
    run.update_state(g, fork[0].config, {"log": ["w"]})
    found.append(run.invoke(g, None, run.config()))
    return [*found, run.invoke(g, {"log": ["more"]}, fork[0].config)]


@program("R6.12", "R5.23")
def a_command_at_the_id_of_a_finished_head(api, run):
    found = []
    for said in ({"goto": "c"}, {"update": {"log": ["u"]}}, {"goto": api.END}):
        g = _finished(api, run)
        head = run.get_state(g, run.config()).config
        given = run.invoke(g, api.Command(**said), head)
        found.append([given, _history(run, g)[:3]])
        run.saver.delete_thread("t")
    return found


@program("R6.12", "R5.22")
def a_command_at_an_answered_question_asks_anew(api, run):
    g = _chain(api, run, b=lambda state: {"log": [api.interrupt("q")]})
    run.invoke(g, {"log": ["i"]}, run.config())
    run.invoke(g, api.Command(resume="first"), run.config())
    old = _at(run, g, 1)
    asked = run.invoke(g, api.Command(update={"log": ["u"]}), old)
    found = [asked, run.look(g, old), run.look(g, run.config())]
    return [*found, run.invoke(g, api.Command(resume="second"), run.config())]


@program("R6.12", "R5.22")
def a_command_at_the_id_of_an_open_question(api, run):
    g = _chain(api, run, b=lambda state: {"log": [api.interrupt("q")]})
    run.invoke(g, {"log": ["i"]}, run.config())
    before = run.get_state(g, run.config())
    asked = run.invoke(g, api.Command(update={"log": ["u"]}), before.config)
    now = run.get_state(g, run.config())
    return [
        asked,
        now.values,
        now.interrupts[0].id == before.interrupts[0].id,
        _history(run, g)[:2],
        run.invoke(g, api.Command(resume="r"), run.config()),
    ]


@program("R6.12", "R5.23", "R6.16")
def a_command_at_an_edit_goes_into_it(api, run):
    g = _finished(api, run)
    edited = run.update_state(g, _at(run, g, 0), {"log": ["w"]})
    said = api.Command(update={"log": ["u"]}, goto="c")
    return [run.invoke(g, said, edited), _history(run, g)[:3]]


@program("R6.12", "R5.23")
def a_goto_beside_an_input(api, run):
    g = _finished(api, run)
    said = api.Command(update={"log": ["u"]}, goto="c")
    return [run.invoke(g, said, _at(run, g, -1)), _history(run, g)[:4]]


@program("R6.12", "R5.22")
def a_replay_of_a_question_with_a_goto(api, run):
    g = _chain(api, run, b=lambda state: {"log": [api.interrupt("q")]})
    run.invoke(g, {"log": ["i"]}, run.config())
    run.invoke(g, api.Command(update={"log": ["u"]}, goto="c"), run.config())
    run.invoke(g, api.Command(resume="r"), run.config())
    asked = run.invoke(g, None, _at(run, g, 1))
    return [asked["log"], _history(run, g)[0]]


def _input_that_fails(api, run):
    """The branch on START fails the first time, so the thread has its input only."""
    calls = []

    def route(state):
        calls.append("route")
        if len(calls) == 1:
            raise ValueError("no way")
        return "a"

    built = api.StateGraph(S)
    for name in ("a", "b"):
        built.add_node(name, lambda state, name=name: {"log": [name]})
    built.add_conditional_edges(api.START, route, ["a"])
    built.add_edge("a", "b")
    g = built.compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": ["i"]}, run.config())
    return g


@program("R6.6", "R1.21")
def an_update_where_only_the_input_is_on_record(api, run):
    found = []
    for as_node in (None, api.START, "a"):
        g = _input_that_fails(api, run)
        run.update_state(g, run.config(), {"log": ["u"]}, as_node=as_node)
        found.append(run.look(g, run.config()))
        found.append(run.invoke(g, None, run.config()))
        run.saver.delete_thread("t")
    return found


@program(
    "R6.7",
    "R1.21",
    differs="a copy has what was due, and its input is not lost; END drops what the input has not become yet",
    expected=[
        [["__start__"], {"log": ["i", "a", "b"]}],
        [[], {"log": []}],
        [[], {"log": ["i"]}],
    ],
)
def a_copy_and_an_end_where_only_the_input_is_on_record(api, run):
    found = []
    for as_node in (None, api.END):
        g = _input_that_fails(api, run)
        run.update_state(g, run.config(), None, as_node=as_node)
        due = list(run.get_state(g, run.config()).next)
        found.append([due, run.invoke(g, None, run.config())])
        run.saver.delete_thread("t")
    g = _finished(api, run)
    run.update_state(g, _at(run, g, -1), None, as_node=api.END)
    due = list(run.get_state(g, run.config()).next)
    return [*found, [due, run.invoke(g, None, run.config())]]
