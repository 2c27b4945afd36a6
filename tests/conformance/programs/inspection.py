"""Section 6: get_state, history, update_state, forks."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, once_bad, say


def _chain(api, run, **nodes):
    names = ["x", "y", "z"]
    built = graph(api, **{name: nodes.get(name) for name in names})
    built.add_edge(api.START, "x").add_edge("x", "y").add_edge("y", "z")
    return built.compile(checkpointer=run.saver)


def _at(run, g, due, config=None):
    """The newest snapshot whose next is `due`."""
    found = run.get_history(g, config or run.config())
    return next(each for each in found if each.next == due)


@program("R6.1")
def a_fresh_thread(api, run):
    g = _chain(api, run)
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
    g = _chain(api, run)
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
    g = _chain(api, run)
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

    g = _chain(api, run, y=asks)
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
    g = _chain(api, run, x=say("x", calls))
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


@program("R6.5")
def an_update_fires_edges_and_branches(api, run):
    def choose(state):
        return "z" if "u" in state["log"] else "y"

    built = graph(api, (api.START, "x"), x=None, y=None, z=None)
    built.add_conditional_edges("x", choose)
    g = built.compile(checkpointer=run.saver, interrupt_before=["y"])
    run.invoke(g, {"log": []}, run.config())
    before = run.get_state(g, run.config())
    made = run.update_state(g, run.config(), {"log": ["u"]}, as_node="x")
    seen = run.get_state(g, run.config())
    return [
        list(before.next),
        run.snapshot(seen),
        seen.config["configurable"]["checkpoint_id"]
        == made["configurable"]["checkpoint_id"],
        seen.parent_config["configurable"]["checkpoint_id"]
        == before.config["configurable"]["checkpoint_id"],
        run.invoke(g, None, run.config()),
    ]


@program("R6.6")
def an_update_without_a_node(api, run):
    g = _chain(api, run)
    run.update_state(g, run.config("fresh"), {"log": ["u"]})
    fresh = run.look(g, run.config("fresh"))
    run.invoke(g, {"log": ["i"]}, run.config(), interrupt_after=["x"])
    run.update_state(g, run.config(), {"log": ["u"]})
    one = run.look(g, run.config())
    both = graph(api, (api.START, "p"), (api.START, "q"), p=None, q=None)
    g2 = both.compile(checkpointer=run.saver)
    run.invoke(g2, {"log": []}, run.config("two"))
    error = run.attempt(
        run.update_state, g2, run.config("two"), {"log": ["u"]}, says="as_node"
    )
    return [fresh, run.invoke(g, None, run.config("fresh")), one, error]


@program("R6.7")
def special_names_for_an_update(api, run):
    seen = []
    for number, (values, node) in enumerate(
        [
            ({"log": ["u"]}, "ghost"),
            ({"log": ["u"]}, "__start__"),
            ({"log": ["u"]}, "__input__"),
            (None, "__end__"),
            ({"log": ["u"]}, "__end__"),
            (None, None),
            (None, "__copy__"),
        ]
    ):
        g = _chain(api, run)
        config = run.config(str(number))
        run.invoke(g, {"log": ["i"]}, config, interrupt_after=["x"])
        made = run.attempt(run.update_state, g, config, values, as_node=node)
        found = run.look(g, config)
        seen.append(
            [
                node,
                made if "raises" in made else "made",
                found["values"],
                found["next"] if node != "__input__" else found["next"][:1],
                found["step"],
            ]
        )
    return seen


@program("R6.7")
def the_end_clears_questions(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = _chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), None, as_node="__end__")
    return run.look(g, run.config())


@program("R6.8")
def an_update_skips_a_node(api, run):
    calls = []
    g = _chain(api, run, y=say("y", calls))
    run.invoke(g, {"log": []}, run.config(), interrupt_before=["y"])
    run.update_state(g, run.config(), {"log": ["instead"]}, as_node="y")
    seen = run.look(g, run.config())
    return [seen, run.invoke(g, None, run.config()), calls]


@program("R6.8")
def an_update_by_command_and_bad_updates(api, run):
    g = _chain(api, run)
    run.invoke(g, {"log": []}, run.config(), interrupt_after=["x"])
    command = api.Command(update={"log": ["u"]}, goto="z")
    run.update_state(g, run.config(), command, as_node="x")
    seen = run.look(g, run.config())
    out = run.invoke(g, None, run.config())
    bad = run.attempt(run.update_state, g, run.config(), ["list"], as_node="x")
    run.update_state(g, run.config(), {"unknown": 1}, as_node="z")
    return [seen, out, bad, run.look(g, run.config())["values"]]


@program(
    "R6.10",
    differs="an edit keeps the open question and its id",
    expected=[
        [{"asks": "q ['x']", "id": "#1"}],
        {"log": ["x", "u"]},
        ["y"],
        {"__interrupt__": [{"asks": "q ['x', 'u']", "id": "#1"}], "log": ["x", "u"]},
        {"log": ["x", "u", "r", "z"]},
    ],
)
def an_edit_keeps_the_question(api, run):
    def asks(state):
        return {"log": [api.interrupt(f"q {state['log']}")]}

    g = _chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    seen = run.look(g, run.config())
    again = run.invoke(g, None, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [seen["interrupts"], seen["values"], seen["next"], again, last]


@program(
    "R6.10",
    "RA.7",
    differs="an answer to a carried question starts the task on the edited state",
    expected=[{"log": ["x", "u", "saw 2", "r", "z"]}, 2],
)
def answering_a_carried_question_at_once(api, run):
    calls = []

    def asks(state):
        calls.append(1)
        return {"log": [f"saw {len(state['log'])}", api.interrupt("q")]}

    g = _chain(api, run, y=asks)
    found = run.invoke(g, {"log": []}, run.config())["__interrupt__"][0].id
    run.update_state(g, run.config(), {"log": ["u"]})
    return [run.invoke(g, api.Command(resume={found: "r"}), run.config()), len(calls)]


@program(
    "R6.10",
    differs="finished siblings' writes are applied before an edit",
    expected=[
        {"log": ["i", "done", "u"]},
        ["asks"],
        {"log": ["i", "done", "u", "r"]},
        ["done"],
    ],
)
def an_edit_keeps_finished_siblings(api, run):
    calls = []

    def asks(state):
        return {"log": [api.interrupt("q")]}

    edges = [(api.START, "asks"), (api.START, "done")]
    built = graph(api, *edges, asks=asks, done=say("done", calls))
    g = built.compile(checkpointer=run.saver)
    found = run.invoke(g, {"log": ["i"]}, run.config())["__interrupt__"][0].id
    run.update_state(g, run.config(), {"log": ["u"]})
    seen = run.look(g, run.config())
    last = run.invoke(g, api.Command(resume={found: "r"}), run.config())
    return [seen["values"], seen["next"], last, calls]


@program("R6.11")
def updates_in_bulk(api, run):
    g = _chain(api, run)
    one, two = (
        api.StateUpdate({"log": ["a"]}, "x"),
        api.StateUpdate({"log": ["b"]}, "y"),
    )
    run.bulk_update_state(g, run.config(), [[one], [two]])
    many = [api.StateUpdate({"log": ["c"]}, "x"), api.StateUpdate({"log": ["d"]}, "y")]
    run.bulk_update_state(g, run.config("u"), [many])
    bare = [api.StateUpdate({"log": ["c"]}), api.StateUpdate({"log": ["d"]})]
    return [
        run.look(g, run.config())["values"],
        run.steps(g, run.config()),
        run.look(g, run.config("u"))["values"],
        run.look(g, run.config("u"))["next"],
        run.attempt(run.bulk_update_state, g, run.config(), []),
        run.attempt(run.bulk_update_state, g, run.config(), [[]]),
        run.attempt(run.bulk_update_state, g, run.config(), [bare]),
    ]


@program("R6.12")
def a_replay_from_an_old_checkpoint(api, run):
    calls = []
    g = _chain(api, run, y=say("y", calls), z=say("z", calls))
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

    g = _chain(api, run, y=asks)
    first = run.invoke(g, {"log": []}, run.config())
    run.invoke(g, api.Command(resume="r"), run.config())
    old = _at(run, g, ("y",))
    again = run.invoke(g, None, old.config)
    last = run.invoke(g, api.Command(resume="s"), run.config())
    return [first, again, last, run.steps(g, run.config())]


@program("R6.13")
def an_input_at_an_old_checkpoint(api, run):
    g = _chain(api, run)
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

    g = _chain(api, run, y=asks)
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

    g = _chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    first = run.invoke(g, api.Command(resume="old"), run.config())
    old = _at(run, g, ("y",))
    return [first, run.invoke(g, api.Command(resume="new"), old.config)]


@program("R6.16")
def a_fork_with_a_change(api, run):
    g = _chain(api, run)
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

    g = _chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    head = run.get_state(g, run.config()).config
    out = run.invoke(g, api.Command(resume="r"), head)
    return [out, calls, run.steps(g, run.config())]
