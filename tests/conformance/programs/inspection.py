"""Section 6: get_state, history, update_state, forks."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import chain, graph, once_bad, say


def _at(run, g, due, config=None):
    """The newest snapshot whose next is `due`."""
    found = run.get_history(g, config or run.config())
    return next(each for each in found if each.next == due)


@program("R6.1")
def a_fresh_thread(api, run):
    g = chain(api, run)
    plain = graph(api, (api.START, "x"), x=None).compile()
    found = run.get_state(g, run.config())
    return [
        run.snapshot(found),
        found.metadata,
        found.created_at,
        found.parent_config,
        run.attempt(run.get_state, plain, run.config()),
    ]


@program("R6.1")
def a_snapshot_of_a_finished_thread(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": []}, run.config())
    found = run.get_state(g, run.config())
    parent = run.get_state(g, found.parent_config)
    configurable = found.config["configurable"]
    return [
        found._fields,
        run.snapshot(found),
        sorted(configurable),
        configurable["thread_id"],
        configurable["checkpoint_ns"],
        isinstance(found.created_at, str),
        run.snapshot(parent),
    ]


@program(
    "R6.1",
    differs="a checkpoint that is not there is an error",
    expected=[
        {"raises": "CheckpointNotFoundError"},
        {"raises": "CheckpointNotFoundError"},
    ],
)
def an_unknown_checkpoint(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": []}, run.config())
    nowhere = run.config(checkpoint_id="1ef00000-0000-6000-8000-000000000000")
    return [
        run.attempt(lambda: run.look(g, nowhere)),
        run.attempt(run.invoke, g, {"log": []}, nowhere),
    ]


@program("R6.2", "R6.3")
def old_checkpoints_show_results(api, run):
    def asks(state):
        return {"log": [api.interrupt("A"), api.interrupt("B")]}

    g = chain(api, run, y=asks)
    run.invoke(g, {"log": ["i"]}, run.config())
    run.invoke(g, api.Command(resume=1), run.config())
    head = run.look(g, run.config())
    run.invoke(g, api.Command(resume=2), run.config())
    return [head, [run.snapshot(s) for s in run.get_history(g, run.config())]]


@program("R6.2")
def finished_siblings_at_the_head_and_in_history(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    built = graph(api, (api.START, "n"), (api.START, "x"), n=asks, x=None)
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    head = run.look(g, run.config())
    newest = run.get_history(g, run.config())[0]
    by_id = run.look(g, newest.config)
    return [head, run.snapshot(newest), by_id]


@program("R6.4")
def history_and_its_filters(api, run):
    calls = []
    g = chain(api, run, x=say("x", calls))
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    everything = run.get_history(g, run.config())
    middle = everything[2].config
    return [
        run.steps(g, run.config(), limit=2),
        run.steps(g, run.config(), before=middle),
        run.steps(g, run.config(), filter={"source": "update"}),
        run.steps(g, run.config(), filter={"step": 1}),
        run.steps(g, middle),
        run.steps(g, run.config("fresh")),
        calls,
    ]


@program("R6.12")
def a_replay_from_an_old_checkpoint(api, run):
    calls = []
    g = chain(api, run, y=say("y", calls), z=say("z", calls))
    run.invoke(g, {"log": []}, run.config())
    old = _at(run, g, ("y",))
    out = run.invoke(g, None, old.config)
    fork = run.get_history(g, run.config())[2]
    same = fork.parent_config["configurable"]["checkpoint_id"]
    return [
        out,
        calls,
        run.steps(g, run.config()),
        same == old.config["configurable"]["checkpoint_id"],
    ]


@program("R6.12")
def a_replay_of_the_head_runs_finished_siblings_again(api, run):
    import time

    calls = []

    def bad(state):
        time.sleep(0.2)  # the other one has ended and is saved
        return once_bad(calls)(state)

    edges = [(api.START, "ok"), (api.START, "bad")]
    g = graph(api, *edges, ok=say("ok", calls), bad=bad).compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": []}, run.config())
    head = run.get_state(g, run.config())
    out = run.invoke(g, None, head.config)
    return [out, sorted(calls), run.steps(g, run.config())]


@program("R6.12")
def a_replay_asks_anew(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = chain(api, run, y=asks)
    first = run.invoke(g, {"log": []}, run.config())
    run.invoke(g, api.Command(resume="r"), run.config())
    old = _at(run, g, ("y",))
    again = run.invoke(g, None, old.config)
    last = run.invoke(g, api.Command(resume="s"), run.config())
    return [first, again, last, run.steps(g, run.config())]


@program("R6.13")
def an_input_at_an_old_checkpoint(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    old = _at(run, g, ("y",))
    out = run.invoke(g, {"log": ["j"]}, old.config)
    return [out, run.steps(g, run.config()), run.look(g, run.config())["values"]]


@program("R6.14")
def an_answer_at_the_heads_own_id(api, run):
    calls = []

    def asks(state):
        calls.append(1)
        return {"log": [api.interrupt("q")]}

    g = chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    head = run.get_state(g, run.config())
    out = run.invoke(g, api.Command(resume="r"), head.config)
    return [out, len(calls), run.steps(g, run.config())]


@program(
    "R6.15",
    "RA.8",
    differs="an answer at an old checkpoint forks and is the one that counts",
    expected=[{"log": ["x", "old", "z"]}, {"log": ["x", "new", "z"]}],
)
def an_answer_at_an_old_checkpoint(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    first = run.invoke(g, api.Command(resume="old"), run.config())
    old = _at(run, g, ("y",))
    return [first, run.invoke(g, api.Command(resume="new"), old.config)]


@program("R6.16")
def a_fork_with_a_change(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    old = _at(run, g, ("y",))
    run.update_state(g, old.config, {"log": ["changed"]})
    return [run.invoke(g, None, run.config()), run.steps(g, run.config())]


@program("RA.8", "R6.15")
def an_answer_at_the_head_by_its_id(api, run):
    """It is the answer to the open question, and forks nothing."""
    calls = []

    def asks(state):
        calls.append("y")
        return {"log": [api.interrupt("q")]}

    g = chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    head = run.get_state(g, run.config()).config
    out = run.invoke(g, api.Command(resume="r"), head)
    return [out, calls, run.steps(g, run.config())]


@program(
    "R6.2",
    "R2.7",
    differs="at a pause the state holds what a finished task wrote, also to a channel of one step, as invoke's result does",
    expected=[
        {"log": ["first", "done"], "once": 2},
        {"log": ["first", "done"], "once": 2},
        ["asks", 1],
        ["last", 2],
        {"log": ["first", "r", "done"]},
    ],
)  # fmt: skip
def one_step_values_beside_a_finished_task(api, run):
    seen = []

    class Once(TypedDict, total=False):
        log: Annotated[list, operator.add]
        once: Annotated[int, api.EphemeralValue(int)]

    def asks(state):
        answer = api.interrupt("q")
        seen.append(["asks", state.get("once")])
        return {"log": [answer]}

    built = api.StateGraph(Once)
    built.add_node("first", lambda state: {"log": ["first"], "once": 1})
    built.add_node("done", lambda state: {"log": ["done"], "once": 2})
    built.add_node("asks", asks)
    built.add_node("last", lambda state: seen.append(["last", state.get("once")]))
    built.add_edge(api.START, "first")
    built.add_edge("first", "done")
    built.add_edge("first", "asks")
    built.add_edge(["done", "asks"], "last")
    g = built.compile(checkpointer=run.saver)
    asked = run.invoke(g, {"log": []}, run.config())
    asked.pop("__interrupt__")
    found = [asked, run.get_state(g, run.config()).values]
    run.invoke(g, api.Command(resume="r"), run.config())
    return [*found, *seen, run.get_state(g, run.config()).values]


@program("R1.42", "R6.1")
def a_graph_that_keeps_its_state_below_is_not_asked_alone(api, run):
    """Nor edited: it has no saver of its own; one that was compiled without has none at all."""
    found = {}
    for saver in (True, False, None):
        g = graph(api, (api.START, "n"), n=say("n")).compile(checkpointer=saver)
        step = [api.StateUpdate({"log": []}, "n")]
        found[str(saver)] = [
            run.attempt(run.get_state, g, run.config()),
            run.attempt(run.get_history, g, run.config()),
            run.attempt(run.update_state, g, run.config(), {"log": []}),
            run.attempt(run.bulk_update_state, g, run.config(), [step]),
        ]
    return found
