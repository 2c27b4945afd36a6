"""Section 4: what is saved when, coming back, replay of inner tasks."""

from typing import Any

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, once_bad, say


@program("R4.1", "R4.3", "R4.4")
def history_by_durability(api, run):
    edges = [(api.START, "x"), ("x", "y")]
    g = graph(api, *edges, x=None, y=None).compile(checkpointer=run.saver)
    seen = []
    for word in ("sync", "async", "exit"):
        out = run.invoke(g, {"log": []}, run.config(word), durability=word)
        seen.append([out, run.steps(g, run.config(word))])
    return seen


@program(
    "R4.1",
    differs="an unknown word is refused; without a saver it has no effect",
    expected=[{"raises": "ValueError"}, {"log": ["x"]}],
)
def unknown_durability(api, run):
    built = graph(api, (api.START, "x"), x=None)
    saved, plain = built.compile(checkpointer=run.saver), built.compile()
    return [
        run.attempt(run.invoke, saved, {"log": []}, run.config(), durability="never"),
        run.attempt(run.invoke, plain, {"log": []}, durability="exit"),
    ]


@program("R4.4")
def interrupts_and_failures_with_exit(api, run):
    calls = []

    def asks(state):
        return {"log": [api.interrupt("q")]}

    edges = [(api.START, "x"), ("x", "asks"), ("asks", "bad")]
    g = graph(api, *edges, x=None, asks=asks, bad=once_bad(calls))
    g = g.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config(), durability="exit")
    steps = run.steps(g, run.config())
    error = run.attempt(
        run.invoke, g, api.Command(resume="r"), run.config(), durability="exit"
    )
    middle = run.look(g, run.config())
    last = run.invoke(g, None, run.config(), durability="exit")
    return [first, steps, error, middle, last, run.steps(g, run.config())]


@program("R4.9")
def none_as_input(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    asking = graph(api, (api.START, "n"), n=asks).compile(checkpointer=run.saver)
    plain = graph(api, (api.START, "x"), x=None).compile()
    run.invoke(g, {"log": []}, run.config())
    before = run.steps(g, run.config())
    done = run.invoke(g, None, run.config())
    first = run.invoke(asking, {"log": []}, run.config("q"))
    return [
        done,
        run.steps(g, run.config()) == before,
        run.attempt(run.invoke, g, None, run.config("fresh")),
        run.attempt(run.invoke, plain, None),
        first,
        run.invoke(asking, None, run.config("q")),
        run.steps(asking, run.config("q")),
    ]


@program("R4.11")
def ids_of_tasks_and_questions_stay(api, run):
    seen = []

    def asks(state, config):
        seen.append(config["configurable"]["checkpoint_ns"])
        return {"log": [api.interrupt("q")]}

    g = graph(api, (api.START, "n"), n=asks).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())["__interrupt__"][0].id
    second = run.invoke(g, None, run.config())["__interrupt__"][0].id
    state = run.get_state(g, run.config())
    run.invoke(g, api.Command(resume=1), run.config())
    return [
        first == second == state.interrupts[0].id,
        len(set(seen)),
        seen[0] == f"n:{state.tasks[0].id}",
        len(seen),
    ]


def _tasks(api, calls):
    @api.task
    def one(n):
        calls.append(f"one {n}")
        return n + 1

    @api.task
    def two(n):
        calls.append(f"two {n}")
        return n + 2

    return one, two


@program("R4.10", "R4.12", "D.3")
def finished_tasks_answer_from_their_records(api, run):
    calls = []
    one, two = _tasks(api, calls)

    def node(state):
        calls.append("node")
        first = one(1).result()
        if calls.count("node") == 1:
            raise RuntimeError("between")
        return {"log": [first, two(2).result()]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    return [error, run.invoke(g, None, run.config()), calls]


@program(
    "R4.13",
    differs="a call is known by its task's name and how-many-th of that name it is",
    expected=[{"log": [2, 4, 4]}, ["one 1", "node", "two 2", "two 2"]],
)
def an_inserted_task_shifts_nothing(api, run):
    calls = []
    one, two = _tasks(api, calls)
    seen = []

    def node(state):
        seen.append(1)
        extra = [two(2).result()] if len(seen) > 1 else []
        first = one(1).result()
        if len(seen) == 1:
            calls.append("node")
            raise RuntimeError("between")
        return {"log": [first, *extra, two(2).result()]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": []}, run.config())
    return [run.invoke(g, None, run.config()), calls]


@program(
    "R4.14",
    differs="other arguments on replay are found out",
    expected=[
        {"raises": "RuntimeError"},
        {"raises": "NonDeterminismError", "says": "one"},
        ["one 1"],
    ],
)
def other_arguments_on_replay(api, run):
    calls, seen = [], []
    one, _ = _tasks(api, calls)

    def node(state):
        seen.append(1)
        got = one(1 if len(seen) == 1 else 100).result()
        if len(seen) == 1:
            raise RuntimeError("between")
        return {"log": [got]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    return [
        run.attempt(run.invoke, g, {"log": []}, run.config()),
        run.attempt(run.invoke, g, None, run.config(), says="one"),
        calls,
    ]


@program(
    "R4.14",
    differs="a recorded call that is not made again is found out",
    expected=[
        {"raises": "RuntimeError"},
        {"raises": "NonDeterminismError", "says": "one"},
    ],
)
def a_recorded_call_is_not_made(api, run):
    calls, seen = [], []
    one, two = _tasks(api, calls)

    def node(state):
        seen.append(1)
        if len(seen) == 1:
            one(1).result()
            raise RuntimeError("between")
        return {"log": [two(2).result()]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    return [
        run.attempt(run.invoke, g, {"log": []}, run.config()),
        run.attempt(run.invoke, g, None, run.config(), says="one"),
    ]


@program("R4.15")
def nested_tasks(api, run):
    calls, seen = [], []
    one, two = _tasks(api, calls)

    @api.task
    def outer(n):
        calls.append("outer")
        return one(n).result() + two(n).result()

    def node(state):
        seen.append(1)
        got = outer(1).result()
        if len(seen) == 1:
            raise RuntimeError("after")
        return {"log": [got, outer(2).result()]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    return [error, run.invoke(g, None, run.config()), calls]


@program("R4.16")
def a_failed_task_that_ended_the_attempt_runs_again(api, run):
    calls = []

    @api.task
    def shaky():
        calls.append("shaky")
        if len(calls) == 1:
            raise RuntimeError("first")
        return 1

    def node(state):
        return {"log": [shaky().result()]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    return [error, run.invoke(g, None, run.config()), calls]


@program(
    "R4.16",
    differs="a failure that the body caught and went on from is history",
    expected=[
        {"__interrupt__": [{"asks": "q", "id": "#1"}], "log": []},
        {"log": ["caught no", "r"]},
        1,
    ],
)
def a_caught_failure_is_raised_again_on_replay(api, run):
    calls = []

    @api.task
    def shaky():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("no")
        return "yes"

    def node(state):
        try:
            got = shaky().result()
        except ValueError as error:
            got = f"caught {error}"
        return {"log": [got, api.interrupt("q")]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="r"), run.config()), len(calls)]


@program("R4.17")
def tasks_in_a_resumed_subgraph(api, run):
    calls = []
    one, _ = _tasks(api, calls)

    def inner(state):
        got = one(1).result()
        return {"log": [got, api.interrupt("q")]}

    sub = graph(api, (api.START, "inner"), inner=inner).compile()
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="r"), run.config()), calls]


@program(
    "R4.18",
    differs="a tuple stays a tuple on replay",
    expected=[["tuple", "tuple"], {"log": ["tuple"]}],
)
def a_replayed_value_keeps_its_type(api, run):
    seen = []

    @api.task
    def pair():
        return (1, 2)

    def node(state):
        seen.append(type(pair().result()).__name__)
        api.interrupt("q")
        return {"log": [seen[-1]]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    out = run.invoke(g, api.Command(resume=1), run.config())
    return [seen, out]


@program("R4.20")
def edges_and_later_nodes_may_change(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    old = graph(api, (api.START, "n"), ("n", "x"), n=asks, x=None)
    new = graph(api, (api.START, "n"), ("n", "y"), n=asks, y=None)
    first = run.invoke(old.compile(checkpointer=run.saver), {"log": []}, run.config())
    g = new.compile(checkpointer=run.saver)
    return [first, run.invoke(g, api.Command(resume="r"), run.config())]


@program(
    "R4.20",
    differs="a paused node that is gone is an error, not a normal end",
    expected={"raises": "GraphChangedError", "says": "'n'"},
)
def a_paused_node_is_gone(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    old = graph(api, (api.START, "n"), n=asks).compile(checkpointer=run.saver)
    new = graph(api, (api.START, "m"), m=asks).compile(checkpointer=run.saver)
    run.invoke(old, {"log": []}, run.config())
    return run.attempt(
        run.invoke, new, api.Command(resume="r"), run.config(), says="'n'"
    )


@program("R4.21")
def channels_may_come_and_go(api, run):
    import operator
    from typing import Annotated, TypedDict

    class T(TypedDict, total=False):
        log: Annotated[list, operator.add]
        count: Annotated[int, operator.add]

    old = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    run.invoke(old, {"log": [], "a": 1}, run.config())
    built = graph(api, (api.START, "x"), schema=T, x=lambda s: {"log": [sorted(s)]})
    new = built.compile(checkpointer=run.saver)
    return run.invoke(new, {"log": ["j"]}, run.config())


@program("R4.7", "R6.12", "R6.5", "R6.16")
def one_program_four_histories(api, run):
    built = api.StateGraph(S).add_sequence([("x", say("x")), ("y", say("y"))])
    g = built.add_edge(api.START, "x").compile(checkpointer=run.saver)
    config = run.config()
    seen: list[Any] = [run.invoke(g, {"log": ["i"]}, config), run.steps(g, config)]
    old = next(s for s in run.get_history(g, config) if s.next == ("y",)).config
    seen += [run.invoke(g, None, old), run.steps(g, config)]
    run.update_state(g, old, {"log": ["F"]})
    seen += [run.look(g, config), run.steps(g, config), run.invoke(g, None, config)]
    seen += [run.invoke(g, {"log": ["j"]}, config), run.steps(g, config)]
    return seen
