"""Section 1: what nodes that subscribe to channels do and write, and what channels make of it (R1.49, R1.50)."""

import operator

from tests.conformance.corpus import program


def _pregel(api, nodes, channels, given, gives, **more):
    return api.Pregel(
        nodes=nodes,
        channels=channels,
        input_channels=given,
        output_channels=gives,
        **more,
    )


@program("R1.49")
def topics_collect(api, run):
    def built(topic):
        return _pregel(
            api,
            {
                "one": api.NodeBuilder()
                .subscribe_only("a")
                .do(str.upper)
                .write_to("b", "c"),
                "two": api.NodeBuilder()
                .subscribe_only("b")
                .do(str.title)
                .write_to("c"),
                "last": api.NodeBuilder().subscribe_only("c").do(len).write_to("n"),
            },
            {
                "a": api.EphemeralValue(str),
                "b": api.EphemeralValue(str),
                "c": topic,
                "n": api.Topic(int, accumulate=True),
            },
            ["a"],
            ["c", "n"],
        )

    kept, passing = built(api.Topic(str, accumulate=True)), built(api.Topic(str))
    return [
        run.invoke(kept, {"a": "foo"}),
        run.stream(kept, {"a": "foo"}),
        run.invoke(passing, {"a": "foo"}),
        run.stream(passing, {"a": "foo"}),
    ]


@program("R1.49")
def reducers_fold(api, run):
    def joined(left, right):
        return f"{left} | {right}" if left else right

    g = _pregel(
        api,
        {
            "one": api.NodeBuilder()
            .subscribe_only("a")
            .do(lambda x: x + x)
            .write_to("b", "c"),
            "two": api.NodeBuilder()
            .subscribe_only("b")
            .do(lambda x: x + x)
            .write_to("c"),
        },
        {
            "a": api.EphemeralValue(str),
            "b": api.EphemeralValue(str),
            "c": api.BinaryOperatorAggregate(str, joined),
        },
        ["a"],
        ["c"],
    )
    return [run.invoke(g, {"a": "x"}), run.stream(g, {"a": "x"}, stream_mode="values")]


@program("R1.50")
def what_is_written(api, run):
    """Constants, functions, entries, and None."""
    entry = api.ChannelWriteEntry
    node = (
        api.NodeBuilder()
        .subscribe_only("a")
        .do(lambda x: x or None)
        .write_to(
            "plain",
            entry("skipped", skip_none=True),
            entry("mapped", mapper=lambda x: [x]),
            entry("fixed", value="as it is"),
            api.ChannelWriteTupleEntry(lambda x: [("pair", x), ("fixed2", 1)]),
            constant=5,
            made=lambda x: str(x),
            left=lambda x: api.SKIP_WRITE,
            nothing=None,
        )
    )
    names = [
        "plain",
        "skipped",
        "mapped",
        "fixed",
        "pair",
        "fixed2",
        "constant",
        "made",
        "left",
        "nothing",
    ]
    g = _pregel(
        api,
        {"node": node},
        {"a": api.LastValue(int), **{key: api.LastValue(object) for key in names}},
        "a",
        names,
    )
    return [run.invoke(g, 1), run.invoke(g, 0), run.stream(g, 1, stream_mode="updates")]


@program("R1.50")
def functions_in_a_row(api, run):
    """Each is given what the one before it returned, and filled in by name on its own."""
    seen = []

    def first(x, config):
        seen.append([config["tags"], config["metadata"]["why"]])
        seen.append(list(config["metadata"]["langgraph_triggers"]))
        return x + 1

    def second(x, runtime):
        return [x, runtime.context]

    node = (
        api.NodeBuilder()
        .subscribe_only("a")
        .do(first)
        .write_to("b")
        .do(second)
        .meta("mine", "too", why="because")
    )
    g = _pregel(
        api,
        {"node": node},
        {"a": api.LastValue(int), "b": api.LastValue(list)},
        "a",
        "b",
        context_schema=dict,
    )
    return [run.invoke(g, 1, {"tags": ["outer"]}, context={"k": "v"}), seen]


@program("R1.50", only="async")
def coroutines_in_a_row(api, run):
    async def more(x):
        return x + 1

    node = api.NodeBuilder().subscribe_only("a").do(more).do(lambda x: x * 2).do(more)
    g = _pregel(
        api,
        {"node": node.write_to("b")},
        {"a": api.LastValue(int), "b": api.LastValue(int)},
        "a",
        "b",
    )
    return [run.invoke(g, 1), run.batch(g, [1, 2])]


@program("R1.49", "R2.2")
def two_nodes_at_once(api, run):
    """They run in one step; two values for a channel that keeps one are refused."""

    def built(channel):
        return _pregel(
            api,
            {
                "zwei": api.NodeBuilder()
                .subscribe_only("a")
                .do(lambda x: x + 2)
                .write_to("b"),
                "eins": api.NodeBuilder()
                .subscribe_only("a")
                .do(lambda x: x + 1)
                .write_to("b"),
            },
            {"a": api.LastValue(int), "b": channel},
            "a",
            "b",
        )

    topic = built(api.Topic(int))
    summed = built(api.BinaryOperatorAggregate(int, operator.add))
    return [
        run.invoke(topic, 1),
        run.attempt(run.invoke, built(api.LastValue(int)), 1),
        run.invoke(summed, 1),
    ]


@program("R1.49")
def barriers_wait_for_all(api, run):
    build = api.NodeBuilder
    g = _pregel(
        api,
        {
            "one": build().subscribe_only("a").do(lambda x: x).write_to(all="one", b=1),
            "two": build().subscribe_only("b").write_to(all="two"),
            "end": build()
            .subscribe_to("all", read=False)
            .read_from("a", "b")
            .write_to("end"),
        },
        {
            "a": api.LastValue(int),
            "b": api.LastValue(int),
            "all": api.NamedBarrierValue(str, {"one", "two"}),
            "end": api.LastValue(dict),
        },
        "a",
        "end",
        checkpointer=run.saver,
    )
    updates = run.stream(g, 5, run.config(), stream_mode="updates")
    return [updates, run.invoke(g, 6, run.config())]


@program("R1.50", "R1.33")
def retries_of_a_node_and_of_all(api, run):
    calls = {"own": 0, "all": 0}

    def failing(name):
        def fail(x):
            calls[name] += 1
            if calls[name] < 3:
                raise ConnectionError(name)
            return x

        return fail

    quick = {"initial_interval": 0.01, "jitter": False}
    own = api.RetryPolicy(max_attempts=3, **quick)
    g = _pregel(
        api,
        {
            "own": (
                api.NodeBuilder()
                .subscribe_only("a")
                .do(failing("own"))
                .write_to("b")
                .add_retry_policies(own)
            ),
            "all": api.NodeBuilder()
            .subscribe_only("b")
            .do(failing("all"))
            .write_to("c"),
        },
        {key: api.LastValue(int) for key in "abc"},
        "a",
        "c",
        retry_policy=api.RetryPolicy(max_attempts=2, **quick),
    )
    return [run.attempt(run.invoke, g, 1), calls, run.invoke(g, 2), calls]


@program("R1.50", "R1.38")
def cached_results_are_reused(api, run):
    calls = []

    def slow(x):
        calls.append(x)
        return x + 1

    node = api.NodeBuilder().subscribe_only("a").do(slow).write_to("b")
    g = _pregel(
        api,
        {"node": node.add_cache_policy(api.CachePolicy())},
        {"a": api.LastValue(int), "b": api.LastValue(int)},
        "a",
        "b",
        cache=api.InMemoryCache(),
    )
    return [
        run.invoke(g, 1),
        run.invoke(g, 1),
        run.invoke(g, 2),
        run.stream(g, 1, stream_mode="updates"),
        calls,
    ]


@program("R1.50")
def a_send_among_the_writes(api, run):
    g = _pregel(
        api,
        {
            "one": (
                api.NodeBuilder()
                .subscribe_only("a")
                .write_to(api.Send("two", 20), "b", api.Send("two", 30))
            ),
            "two": api.NodeBuilder()
            .subscribe_only("b")
            .do(lambda x: x + 1)
            .write_to("log"),
        },
        {
            "a": api.LastValue(int),
            "b": api.LastValue(int),
            "log": api.Topic(int, accumulate=True),
        },
        "a",
        "log",
    )
    return [run.invoke(g, 1)]


@program("R1.49", "R1.50")
def refused_subscriptions(api, run):
    """What is wrong is told when it is put together."""
    build = api.NodeBuilder
    good = build().subscribe_only("a").write_to("b")
    channels = {"a": api.LastValue(int), "b": api.LastValue(int)}

    def made(nodes=None, given="a", gives="b", **more):
        _pregel(
            api,
            nodes or {"n": good},
            more.pop("channels", channels),
            given,
            gives,
            **more,
        )
        return "made"

    return [
        run.attempt(made),
        run.attempt(made, given="z"),
        run.attempt(made, given=["b"]),
        run.attempt(made, given=["a", "z"]),
        run.attempt(made, gives="z"),
        run.attempt(made, gives=["b", "z"]),
        run.attempt(made, stream_channels=["z"]),
        run.attempt(made, interrupt_before_nodes=["z"]),
        run.attempt(made, interrupt_after_nodes=["z"]),
        run.attempt(made, nodes={"n": build().subscribe_only("z")}),
        run.attempt(made, nodes={"n": build().subscribe_to("a", "z")}),
        run.attempt(
            made, nodes={"n": good, "m": build().subscribe_to("a").read_from("z")}
        ),
        run.attempt(made, nodes={"__interrupt__": good}),
        run.attempt(made, channels={**channels, "__input__": api.LastValue(int)}),
        run.attempt(lambda: build().subscribe_only("a").subscribe_only("b")),
        run.attempt(lambda: build().subscribe_only("a").subscribe_to("b")),
        run.attempt(lambda: build().subscribe_only("a").do(5)),
        run.attempt(lambda: build().set_timeout(0)),
        run.attempt(lambda: api.Pregel(nodes={"n": good})),
        run.attempt(
            made,
            nodes={"n": build().subscribe_only("a").do(lambda x: x).set_timeout(5)},
        ),
    ]
