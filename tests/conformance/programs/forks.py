"""Section 6: replays, forks and answers at old checkpoints."""

import time
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph, once_bad, open_ids, say


@program("R6.10")
def an_edit_at_an_older_checkpoint_is_a_fork(api, run):
    g = graph(
        api,
        (api.START, "x"),
        ("x", "y"),
        ("y", "z"),
        x=None,
        y=asks(api, "Y"),
        z=asks(api, "Z"),
    )
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    run.invoke(g, api.Command(resume=1), run.config())
    old = next(s for s in run.get_history(g, run.config()) if s.next == ("y",))
    run.update_state(g, old.config, {"log": ["u"]})
    seen = run.look(g, run.config())
    return [seen["next"], seen["interrupts"], run.invoke(g, None, run.config())]


@program(
    "R6.15",
    differs="an answer at an old checkpoint counts, and those before it stay",
    expected=[
        {"log": ["x", "a", "b"]},
        {"raises": "UnknownInterruptError"},
        True,
        {"log": ["x", "a", "new"]},
    ],
)
def an_old_checkpoint_with_several_questions(api, run):
    def n(state):
        return {
            "log": [
                api.interrupt("A"),
                api.interrupt(
                    "B",
                ),
            ]
        }

    g = graph(api, (api.START, "x"), ("x", "n"), x=None, n=n).compile(
        checkpointer=run.saver
    )
    run.invoke(g, {"log": []}, run.config())
    run.invoke(g, api.Command(resume="a"), run.config())
    first = run.invoke(g, api.Command(resume="b"), run.config())
    history = run.steps(g, run.config())
    old = next(s for s in run.get_history(g, run.config()) if s.next == ("n",))
    unknown = run.attempt(run.invoke, g, api.Command(resume={"0" * 32: 1}), old.config)
    unchanged = run.steps(g, run.config()) == history
    return [
        first,
        unknown,
        unchanged,
        run.invoke(g, api.Command(resume="new"), old.config),
    ]


@program(
    "R6.15",
    differs="a fork by an answer keeps deferred nodes and the other questions",
    expected=[
        {"log": ["P", "Q", "x", "late"]},
        {"raises": "UnknownInterruptError"},
        {"log": ["q2", "x"], "__interrupt__": [{"asks": "P", "id": "#1"}]},
        {"log": ["p2", "q2", "x", "late"]},
        ["x", "late", "x", "late"],
    ],
)
def an_old_checkpoint_with_siblings(api, run):
    calls = []
    built = api.StateGraph(S).add_node("late", say("late", calls), defer=True)
    for name, node in (
        ("p", asks(api, "P")),
        ("q", asks(api, "Q")),
        ("x", say("x", calls)),
    ):
        built.add_node(name, node).add_edge(api.START, name)
    g = built.add_edge(api.START, "late").compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    first = run.invoke(
        g, api.Command(resume={id: q for q, id in ids.items()}), run.config()
    )
    old = next(s for s in run.get_history(g, run.config()) if "p" in s.next)
    plain = run.attempt(run.invoke, g, api.Command(resume="r"), old.config)
    one = run.invoke(g, api.Command(resume={ids["Q"]: "q2"}), old.config)
    return [
        first,
        plain,
        one,
        run.invoke(g, api.Command(resume="p2"), run.config()),
        calls,
    ]


@program("R6.12")
def a_replay_of_an_edited_head_is_no_second_fork(api, run):
    g = graph(api, (api.START, "n"), ("n", "z"), n=asks(api), z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    made = run.update_state(g, run.config(), {"log": ["u"]}, as_node=api.START)
    first = run.invoke(g, None, made)
    head = run.get_state(g, run.config()).config
    second = run.invoke(g, None, head)
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [first, second, last, run.steps(g, run.config())]


@program(
    "R6.12",
    differs="a head that an edit made is forked too where a task of it has finished",
    expected=[
        {"log": ["x", "u", "bad", "ok"]},
        ["bad", "bad", "ok", "ok"],
        [
            [4, "loop", []],
            [3, "fork", ["ok", "bad"]],
            [2, "update", ["ok", "bad"]],
            [1, "loop", ["ok", "bad"]],
            [0, "loop", ["x"]],
            [-1, "input", ["__start__"]],
        ],
    ],
)
def a_replay_of_an_edited_head_reuses_nothing(api, run):
    calls = []

    def bad(state):
        time.sleep(0.2)  # the other one has ended and is saved
        return once_bad(calls)(state)

    edges = [(api.START, "x"), ("x", "ok"), ("x", "bad")]
    g = graph(api, *edges, x=None, ok=say("ok", calls), bad=bad)
    g = g.compile(checkpointer=run.saver, interrupt_before=["ok"])
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]}, as_node="x")
    run.attempt(run.invoke, g, None, run.config())
    out = run.invoke(g, None, run.get_state(g, run.config()).config)
    return [out, sorted(calls), run.steps(g, run.config())]


@program("R6.13")
def an_input_at_an_old_paused_checkpoint(api, run):
    g = graph(api, (api.START, "x"), ("x", "n"), x=None, n=asks(api))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    old = next(s for s in run.get_history(g, run.config()) if s.next == ("x",))
    out = run.invoke(g, {"log": ["new"]}, old.config)
    same = run.look(g, run.config())["interrupts"] == out["__interrupt__"]
    return [out, same, run.steps(g, run.config())]


@program("R6.14")
def an_answer_at_the_heads_id_runs_no_finished_sibling(api, run):
    calls = []
    edges = [(api.START, "n"), (api.START, "x")]
    g = graph(api, *edges, n=asks(api), x=say("x", calls))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    head = run.get_state(g, run.config()).config
    out = run.invoke(g, api.Command(resume="r"), head)
    return [out, calls, run.steps(g, run.config())]


@program("R6.11", "R6.7")
def updates_in_bulk_by_special_names(api, run):
    g = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None)
    g = g.compile(checkpointer=run.saver)
    U = api.StateUpdate
    steps = [
        [U({"log": ["a"]}, "__input__")],
        [U({"log": ["b"]}, "x"), U({"log": ["c"]}, "y")],
        [U(None, api.END)],
    ]
    run.bulk_update_state(g, run.config(), steps)
    seen, history = run.look(g, run.config()), run.steps(g, run.config())
    mixed = [[U({"log": ["b"]}, "x"), U(None, api.END)]]
    ghost = [[U({"log": ["b"]}, "x")], [U({"log": ["b"]}, "ghost")]]
    errors = [
        run.attempt(run.bulk_update_state, g, run.config(), each)
        for each in (mixed, ghost)
    ]
    return [seen, history, errors]


@program("R6.5", "R6.16")
def a_fork_leaves_its_origin_as_it_was(api, run):
    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    g = graph(api, *edges, x=None, y=None, z=None).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    before = [run.snapshot(each) for each in run.get_history(g, run.config())]
    old = next(s for s in run.get_history(g, run.config()) if s.next == ("y",))
    run.update_state(g, old.config, {"log": ["u"]}, as_node="y")
    out = run.invoke(g, None, run.config())
    after = [run.snapshot(each) for each in run.get_history(g, run.config())]
    return [out, after[-len(before) :] == before, run.steps(g, run.config())]


@program("R6.12")
def one_checkpoint_replayed_twice(api, run):
    calls = []
    nodes = {"x": say("x", calls), "y": say("y", calls)}
    g = graph(api, (api.START, "x"), ("x", "y"), **nodes)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    old = next(s for s in run.get_history(g, run.config()) if s.next == ("y",))
    twice = [run.invoke(g, None, old.config) for _ in range(2)]
    return [twice, calls, run.steps(g, run.config())]


@program("R6.12", "R4.12")
def a_replay_of_an_entrypoint_calls_its_tasks(api, run):
    calls = []

    @api.task
    def inner(n):
        calls.append(n)
        return n + 1

    @api.entrypoint(checkpointer=run.saver)
    def g(n):
        return inner(n).result()

    run.invoke(g, 1, run.config())
    old = run.get_history(g, run.config())[-1]
    return [run.invoke(g, None, old.config), calls, run.steps(g, run.config())[:2]]


@program("R6.16", "R6.10")
def an_edit_after_a_failure(api, run):
    calls = []
    g = graph(
        api, (api.START, "x"), ("x", "bad"), x=say("x", calls), bad=once_bad(calls)
    )
    g = g.compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["mended"]})
    seen = run.look(g, run.config())
    return [seen, run.invoke(g, None, run.config()), calls]


@program("R6.1", "R8.4")
def the_state_of_an_entrypoint_that_has_not_ended_yet(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def flow(n):
        return api.interrupt("q")

    seen = []
    for given in (1, api.Command(resume="r"), 2):
        run.invoke(flow, given, run.config())
        seen.append(run.look(flow, run.config()))
    return seen


@program("R3.15", "R6.10", "R6.8")
def an_edit_mends_what_cannot_be_applied(api, run):
    calls = []

    def refusing(one, other):
        if "poison" in other:
            raise ValueError("poison")
        return one + other

    class R(TypedDict, total=False):
        log: Annotated[list, refusing]

    g = graph(
        api,
        (api.START, "x"),
        ("x", "y"),
        schema=R,
        x=lambda s: calls.append("x") or {"log": ["poison"]},
        y=say("y", calls),
    ).compile(checkpointer=run.saver)
    seen = [
        run.attempt(run.invoke, g, given, run.config()) for given in ({"log": []}, None)
    ]
    run.update_state(g, run.config(), {"log": ["mended"]}, as_node="x")
    return [seen, run.invoke(g, None, run.config()), calls]


@program(
    "R3.15",
    "R6.10",
    differs="what is due beside the node that an edit stands for stays due, here too",
    expected=[
        {"raises": "InvalidUpdateError"},
        {"a": 7, "log": []},
        ["right"],
        {"a": 1, "log": ["j"]},
        ["left", "right", "right"],
    ],
)
def an_edit_mends_a_conflict(api, run):
    calls = []
    edges = [(api.START, "left"), (api.START, "right"), ("right", "j")]
    g = graph(
        api,
        *edges,
        left=lambda s: calls.append("left") or {"a": 1},
        right=lambda s: calls.append("right") or {"a": 1},
        j=None,
    ).compile(checkpointer=run.saver)
    failed = run.attempt(run.invoke, g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"a": 7}, as_node="left")
    look = run.look(g, run.config())
    out = run.invoke(g, None, run.config())
    return [failed, look["values"], look["next"], out, sorted(calls)]


@program("R6.7")
def a_copy_with_updates_in_one_go(api, run):
    edges = [(api.START, "x"), (api.START, "y"), ("x", "z"), ("y", "z")]
    g = graph(api, *edges, x=None, y=None, z=asks(api, "Z"))
    g = g.compile(checkpointer=run.saver)
    found = []
    for number, given in enumerate(
        [
            [({"log": ["u"]}, "x")],
            [({"log": ["one"]}, "y"), ({"log": ["two"]}, "x"), ({"log": ["3"]}, "y")],
            [],
        ]
    ):
        config = run.config(str(number))
        run.invoke(g, {"log": ["i"]}, config)
        old = next(s for s in run.get_history(g, config) if s.next == ("x", "y"))
        run.update_state(g, old.config, given, as_node="__copy__")
        seen = run.look(g, config)
        sources = [s.metadata["source"] for s in run.get_history(g, config)][:2]
        found.append([seen["next"], seen["values"], sources])
        found.append(run.invoke(g, None, config))
    return found
