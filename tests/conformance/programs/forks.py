"""Section 6: replays, forks and answers at old checkpoints."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph, open_ids, say


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
