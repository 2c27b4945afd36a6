"""Section 1: nodes that subscribe to channels, without a saver (R1.49, R1.50)."""

from tests.conformance.corpus import program


def _pregel(api, nodes, channels, given, gives, **more):
    return api.Pregel(
        nodes=nodes,
        channels=channels,
        input_channels=given,
        output_channels=gives,
        **more,
    )


def _row(api, **more):
    """Two nodes, one after the other."""
    return _pregel(
        api,
        {
            "one": api.NodeBuilder()
            .subscribe_only("a")
            .do(lambda x: x + 1)
            .write_to("b"),
            "two": api.NodeBuilder()
            .subscribe_only("b")
            .do(lambda x: x * 10)
            .write_to("c"),
        },
        {"a": api.LastValue(int), "b": api.LastValue(int), "c": api.LastValue(int)},
        "a",
        "c",
        **more,
    )


@program("R1.49")
def one_channel_in_and_one_out(api, run):
    g = _row(api)
    return [
        run.invoke(g, 1),
        run.invoke(g, 1, output_keys=["b", "c"]),
        run.invoke(g, 1, output_keys="b"),
        run.batch(g, [1, 2, 3]),
        run.attempt(run.invoke, g, None),
        run.attempt(run.invoke, g, 1, output_keys="z"),
        run.attempt(run.invoke, g, "text"),
    ]


@program("R1.49")
def what_streams_show_of_subscriptions(api, run):
    g = _row(api)
    narrow = _row(api, stream_channels=["b", "c"])
    one = _row(api, stream_channels="b", stream_mode="updates")
    return {
        "usual": run.stream(g, 1),
        "updates": run.stream(g, 1, stream_mode="updates"),
        "several": run.stream(g, 1, stream_mode=["values", "updates"]),
        "tasks": run.stream(g, 1, stream_mode="tasks"),
        "narrow": run.stream(narrow, 1),
        "narrow updates": run.stream(narrow, 1, stream_mode="updates"),
        "one": run.stream(one, 1),
        "one values": run.stream(one, 1, stream_mode="values"),
        "chunks": run.invoke(g, 1, stream_mode="updates"),
        "keys": run.stream(g, 1, output_keys=["c"]),
    }


@program("R1.49")
def several_inputs_and_outputs(api, run):
    """A node runs for whichever of its channels was written to."""
    seen = []

    def note(given):
        seen.append(dict(given))
        return sum(given.values())

    both = api.NodeBuilder().subscribe_to("a", "b").do(note).write_to("sum")
    twice = (
        api.NodeBuilder().subscribe_only("sum").do(lambda x: x * 2).write_to("twice")
    )
    g = _pregel(
        api,
        {"both": both, "twice": twice},
        {key: api.LastValue(int) for key in ("a", "b", "sum", "twice")},
        ["a", "b"],
        ["sum", "twice"],
    )
    return [
        run.invoke(g, {"a": 1, "b": 2}),
        run.invoke(g, {"b": 5}),
        run.invoke(g, {"a": 1, "sum": 9}),
        run.attempt(run.invoke, g, {}),
        run.attempt(run.invoke, g, {"sum": 9}),
        run.attempt(run.invoke, g, [1]),
        seen,
    ]


@program("R1.49")
def what_is_read_does_not_call(api, run):
    """`read_from` and `read=False`: what is read, and what calls."""
    seen = []

    def note(given):
        seen.append(dict(given))
        return len(seen)

    first = (
        api.NodeBuilder().subscribe_only("go").do(lambda x: x).write_to("side", "next")
    )
    second = (
        api.NodeBuilder()
        .subscribe_to("next", read=False)
        .subscribe_to("late")
        .read_from("side", "never")
        .do(note)
        .write_to("out")
    )
    third = api.NodeBuilder().subscribe_only("side").write_to("late")
    names = ("go", "side", "next", "late", "never", "out")
    g = _pregel(
        api,
        {"first": first, "second": second, "third": third},
        {key: api.LastValue(int) for key in names},
        "go",
        "out",
    )
    return [run.stream(g, 7, {"max_concurrency": 1}, stream_mode="updates"), seen]


@program("R1.49")
def nothing_written_is_nothing_given(api, run):
    """The output is what was shown last; of a channel that nobody wrote there is none."""
    silent = _pregel(
        api,
        {
            "one": api.NodeBuilder().subscribe_only("a").write_to("b"),
            "two": api.NodeBuilder().subscribe_only("b").do(lambda x: x),
        },
        {"a": api.LastValue(int), "b": api.LastValue(int), "c": api.LastValue(int)},
        "a",
        "c",
    )
    listed = _pregel(
        api,
        {"one": api.NodeBuilder().subscribe_only("a").write_to("b")},
        {"a": api.LastValue(int), "b": api.LastValue(int), "c": api.LastValue(int)},
        ["a"],
        ["c"],
    )
    deaf = _pregel(
        api,
        {"one": api.NodeBuilder().subscribe_only("a").write_to("b")},
        {"a": api.LastValue(int), "b": api.LastValue(int), "x": api.LastValue(int)},
        ["a", "x"],
        ["b", "x"],
    )
    return [
        run.invoke(silent, 1),
        run.invoke(listed, {"a": 1}),
        run.invoke(deaf, {"x": 1}),
        run.stream(deaf, {"x": 1}),
    ]


def _cycle(api, **more):
    entry = api.ChannelWriteEntry("value", skip_none=True)
    again = (
        api.NodeBuilder()
        .subscribe_only("value")
        .do(lambda x: x + x if len(x) < 10 else None)
        .write_to(entry)
    )
    channels = {"value": api.EphemeralValue(str)}
    return _pregel(api, {"again": again}, channels, ["value"], ["value"], **more)


@program("R1.49", "R1.50")
def a_cycle_ends_with_none(api, run):
    g = _cycle(api)
    return [
        run.invoke(g, {"value": "a"}),
        run.stream(g, {"value": "a"}),
        run.stream(g, {"value": "a"}, stream_mode="updates"),
    ]


@program("R1.49", "R3.12")
def limits_of_steps_count_the_nodes(api, run):
    """The input is no step of its own."""
    g, row = _cycle(api), _row(api)
    return {
        "row": [
            run.attempt(run.invoke, row, 1, {"recursion_limit": n}) for n in (1, 2, 3)
        ],
        "cycle": [
            run.attempt(run.invoke, g, {"value": "a"}, {"recursion_limit": n})
            for n in (4, 5, 6)
        ],
        "streamed": run.stream(row, 1, {"recursion_limit": 1}),
    }


@program("R1.49", "R2.15")
def managed_values_count_down(api, run):
    managed = api.RemainingSteps.__metadata__[0]
    last = api.IsLastStep.__metadata__[0]
    again = (
        api.NodeBuilder()
        .subscribe_to("n")
        .read_from("left", "last")
        .do(lambda x: [x["n"], x["left"], x["last"]])
        .write_to("log", n=lambda x: x[0] + 1 if x[0] < 3 else api.SKIP_WRITE)
    )
    g = _pregel(
        api,
        {"again": again},
        {
            "n": api.LastValue(int),
            "log": api.Topic(list, accumulate=True),
            "left": managed,
            "last": last,
        },
        "n",
        "log",
    )
    return [run.invoke(g, 0, {"recursion_limit": n}) for n in (4, 7)]


@program("R1.49")
def one_step_values_and_what_is_never_saved(api, run):
    seen = []

    def note(given):
        seen.append(dict(given))

    g = _pregel(
        api,
        {
            "one": api.NodeBuilder()
            .subscribe_only("a")
            .write_to("b", "once", "unsaved"),
            "two": (
                api.NodeBuilder()
                .subscribe_to("b")
                .read_from("a", "once", "unsaved")
                .do(note)
                .write_to(c="done")
            ),
            "three": (
                api.NodeBuilder()
                .subscribe_to("c")
                .read_from("a", "once", "unsaved")
                .do(note)
            ),
        },
        {
            "a": api.EphemeralValue(int),
            "b": api.LastValue(int),
            "c": api.LastValue(str),
            "once": api.EphemeralValue(int),
            "unsaved": api.UntrackedValue(int),
        },
        "a",
        ["once", "unsaved"],
        checkpointer=run.saver,
    )
    return [
        run.invoke(g, 1, run.config()),
        run.look(g, run.config()),
        run.invoke(g, 2, run.config()),
        seen,
    ]


@program("R1.49")
def the_one_channel_that_is_read_has_to_hold_something(api, run):
    """A call by another channel waits for it, and comes to nothing when that is written first."""
    seen = []
    reads = (
        api.NodeBuilder()
        .subscribe_to("go", read=False)
        .subscribe_only("b")
        .do(seen.append)
    )
    g = _pregel(
        api,
        {
            "call": api.NodeBuilder().subscribe_only("a").write_to("go", "c"),
            "fill": api.NodeBuilder().subscribe_only("c").write_to("b"),
            "again": api.NodeBuilder().subscribe_only("b").write_to("go"),
            "reads": reads,
        },
        {key: api.LastValue(int) for key in ("a", "b", "c", "go")},
        "a",
        "go",
    )
    found = run.stream(g, 1, {"max_concurrency": 1}, stream_mode="updates")
    return [found, seen]


@program("R1.49", "R9.3")
def starts_of_tasks_tell_their_nodes_tags(api, run):
    node = api.NodeBuilder().subscribe_only("a").write_to("b").meta("mine", k=1)
    channels = {"a": api.LastValue(int), "b": api.LastValue(int)}
    g = _pregel(api, {"node": node}, channels, "a", "b", config={"tags": ["all"]})
    return run.stream(g, 1, stream_mode="tasks")
