"""Section 1: nodes that subscribe to channels, on threads that are saved (R1.49)."""

import operator

from tests.conformance.corpus import program


def _row(api, run, **more):
    """Two nodes, one after the other."""
    plus = lambda x: x + 1  # noqa: E731
    return api.Pregel(
        nodes={
            "one": api.NodeBuilder().subscribe_only("input").do(plus).write_to("inbox"),
            "two": api.NodeBuilder()
            .subscribe_only("inbox")
            .do(plus)
            .write_to("output"),
        },
        channels={key: api.LastValue(int) for key in ("inbox", "output", "input")},
        input_channels="input",
        output_channels="output",
        checkpointer=run.saver,
        **more,
    )


def _history(run, g, config):
    return [run.snapshot(each) for each in run.get_history(g, config)]


@program("R1.49")
def a_total_over_several_calls(api, run):
    node = (
        api.NodeBuilder()
        .subscribe_to("input")
        .read_from("total")
        .do(lambda x: x["total"] + x["input"])
        .write_to("output", "total")
    )
    g = api.Pregel(
        nodes={"one": node},
        channels={
            "total": api.BinaryOperatorAggregate(int, operator.add),
            "input": api.LastValue(int),
            "output": api.LastValue(int),
        },
        input_channels="input",
        output_channels="output",
        checkpointer=run.saver,
    )
    config = run.config()
    results = [run.invoke(g, n, config) for n in (2, 3)]
    other = run.invoke(g, 5, run.config("u"))
    before = run.get_history(g, config)[1]
    fork = run.update_state(g, before.config, 10)
    return [
        results,
        other,
        run.look(g, config),
        _history(run, g, run.config("u")),
        run.look(g, fork),
        run.invoke(g, None, fork),
        _history(run, g, config),
    ]


@program("R1.49", "R5.25")
def breakpoints_between_subscriptions(api, run):
    g = _row(api, run, interrupt_after_nodes=["one"])
    config = run.config()
    first = [run.invoke(g, 2, config), run.look(g, config)]
    second = [run.invoke(g, None, config), run.look(g, config)]
    third = [run.invoke(g, 20, config), run.invoke(g, 3, config)]
    fourth = [run.invoke(g, None, config)]
    plain = _row(api, run)
    other = run.config("u")
    stopped = [
        run.invoke(plain, 1, other, interrupt_before=["two"]),
        run.look(plain, other),
        run.stream(plain, None, other, interrupt_before=["two"]),
        run.look(plain, other),
        run.stream(plain, 1, other, interrupt_before="*", stream_mode="updates"),
    ]
    return [first, second, third, fourth, _history(run, g, config), stopped]


@program("R1.49", "R6.5")
def updates_call_subscribers(api, run):
    """As which node, and who is due then."""
    g = _row(api, run, interrupt_after_nodes=["one"])
    config = run.config()
    run.invoke(g, 20, config)
    run.update_state(g, config, 25, as_node="one")
    first = [run.look(g, config), run.invoke(g, None, config)]
    run.update_state(g, config, 7)
    inferred = run.look(g, config)
    run.update_state(g, config, 7, as_node="one")
    called = run.look(g, config)
    run.update_state(g, config, 8, as_node="two")
    kept = [run.look(g, config), run.invoke(g, None, config)]
    fresh = run.config("fresh")
    refused = [
        run.attempt(run.update_state, g, fresh, 1),
        run.attempt(run.update_state, g, config, 1, as_node="ghost"),
    ]
    run.update_state(g, fresh, 1, as_node="one")
    begun = [run.look(g, fresh), run.invoke(g, None, fresh)]
    run.update_state(g, fresh, None, as_node="__end__")
    ended = run.look(g, fresh)
    run.update_state(g, fresh, 3, as_node="__input__")
    again = [run.look(g, fresh), run.stream(g, None, fresh, stream_mode="updates")]
    return [first, inferred, called, kept, refused, begun, ended, again]


@program("R1.49", "R6.5")
def an_update_clears_one_step_values(api, run):
    """What a node was to read is gone with the step, and so is its turn."""
    g = api.Pregel(
        nodes={
            "one": api.NodeBuilder().subscribe_only("a").write_to("b"),
            "two": api.NodeBuilder().subscribe_only("b").write_to("c"),
            "side": api.NodeBuilder().subscribe_only("a").write_to("d"),
        },
        channels={
            "a": api.LastValue(int),
            "b": api.EphemeralValue(int),
            "c": api.LastValue(int),
            "d": api.LastValue(int),
        },
        input_channels="a",
        output_channels=["c", "d"],
        checkpointer=run.saver,
    )
    config = run.config()
    run.invoke(g, 1, config, interrupt_before=["two"])
    before = run.look(g, config)
    ambiguous = run.attempt(run.update_state, g, config, 5)
    run.update_state(g, config, 5, as_node="side")
    return [before, ambiguous, run.look(g, config), run.stream(g, None, config)]


@program("R1.49", "R6.12")
def a_fork_runs_anew_what_was_called(api, run):
    g = _row(api, run)
    config = run.config()
    run.invoke(g, 2, config)
    last, middle, first = run.get_history(g, config)
    return [
        run.stream(g, None, middle.config, stream_mode="updates"),
        run.stream(g, None, first.config, stream_mode="updates"),
        run.stream(g, None, last.config, stream_mode="updates"),
        [each.metadata["source"] for each in run.get_history(g, config)],
    ]


@program("R1.49", "R5.1")
def a_question_in_a_subscriber(api, run):
    def ask(x):
        return [x, api.interrupt(f"is {x} right?")]

    def built(gives):
        return api.Pregel(
            nodes={
                "ask": api.NodeBuilder().subscribe_only("a").do(ask).write_to("b"),
                "beside": api.NodeBuilder().subscribe_only("a").write_to("c"),
                "after": api.NodeBuilder().subscribe_only("b").write_to("d"),
            },
            channels={
                "a": api.LastValue(int),
                "b": api.LastValue(list),
                "c": api.LastValue(int),
                "d": api.LastValue(list),
            },
            input_channels="a",
            output_channels=gives,
            checkpointer=run.saver,
        )

    one, many = built("d"), built(["c", "d"])
    asked = [
        run.invoke(one, 1, run.config())["__interrupt__"],
        run.look(one, run.config()),
    ]
    given = [
        run.invoke(one, api.Command(resume="yes"), run.config()),
        run.look(one, run.config()),
    ]
    other = run.config("u")
    return [
        asked,
        given,
        run.invoke(many, 2, other)["__interrupt__"],
        run.invoke(many, api.Command(resume="no"), other),
    ]


@program("R1.49", "R5.21")
def values_from_outside_call_subscribers(api, run):
    def ask(x):
        return api.interrupt("which?")

    g = api.Pregel(
        nodes={
            "ask": api.NodeBuilder().subscribe_only("a").do(ask).write_to("b"),
            "told": api.NodeBuilder().subscribe_only("said").write_to("heard"),
        },
        channels={key: api.LastValue(str) for key in ("a", "b", "said", "heard")},
        input_channels="a",
        output_channels=["b", "heard"],
        checkpointer=run.saver,
    )
    config = run.config()
    run.invoke(g, "x", config)
    answer = api.Command(resume="this", update={"said": "by hand"})
    first = [run.invoke(g, answer, config), run.look(g, config)]
    pairs = api.Command(update=[("said", "again")])
    return [first, run.stream(g, pairs, config, stream_mode="updates")]


@program("R1.49", "R3.11")
def a_failure_and_a_new_input(api, run):
    """What failed is due; a new input drops it, None goes on with it."""
    broken = [True]

    def fail(x):
        if broken[0]:
            raise ValueError(x)
        return x

    g = api.Pregel(
        nodes={
            "good": api.NodeBuilder()
            .subscribe_only("a")
            .do(lambda x: x * 2)
            .write_to("b"),
            "bad": api.NodeBuilder().subscribe_only("a").do(fail).write_to("c"),
        },
        channels={key: api.LastValue(int) for key in "abc"},
        input_channels="a",
        output_channels=["b", "c"],
        checkpointer=run.saver,
    )
    config, other = run.config(), run.config("u")
    seen = []
    for each in (config, other):
        seen.append(run.attempt(run.invoke, g, 1, {**each, "max_concurrency": 1}))
        seen.append(list(run.get_state(g, each).next)[-1:])
    broken[0] = False
    return [
        seen,
        run.invoke(g, None, config),
        run.invoke(g, 5, other),
        run.look(g, other),
    ]


@program("R1.49")
def inputs_of_a_thread_keep_what_was(api, run):
    """A new input clears nothing, unless something was left undone."""
    g = api.Pregel(
        nodes={
            "one": (
                api.NodeBuilder()
                .subscribe_to("a")
                .read_from("last", "all")
                .do(lambda x: sorted(x))
                .write_to("read", "last", "all")
            )
        },
        channels={
            "a": api.LastValue(int),
            "x": api.LastValue(int),
            "read": api.LastValue(list),
            "last": api.EphemeralValue(list),
            "all": api.Topic(list),
        },
        input_channels=["a", "x"],
        output_channels="read",
        checkpointer=run.saver,
    )
    config = run.config()
    calls = [run.invoke(g, {"a": 1}, config), run.invoke(g, {"a": 2}, config)]
    calls.append(run.invoke(g, {"x": 1}, config))
    calls.append(run.look(g, config))
    calls.append(run.invoke(g, {"a": 3}, config, interrupt_before=["one"]))
    calls.append(run.invoke(g, {"a": 4}, config))
    return [calls, _history(run, g, config)]


@program("R1.49", "R4.4")
def kept_at_the_end_alone(api, run):
    g = _row(api, run)
    result = run.invoke(g, 1, run.config(), durability="exit")
    return [result, _history(run, g, run.config())]


@program("R1.49")
def checkpoints_in_the_stream_of_subscriptions(api, run):
    g = _row(api, run)
    return [
        [each["values"], each["next"], each["metadata"]["step"]]
        for each in run.stream(g, 1, run.config(), stream_mode="checkpoints")
    ]
