"""Section 1: nodes that subscribe to channels, inside other graphs and around them (R1.49, R1.50)."""

from typing import TypedDict

from tests.conformance.corpus import program


class State(TypedDict, total=False):
    n: int
    text: str


def _inner(api, do, **more):
    """One node from `n` to `text`."""
    return api.Pregel(
        nodes={"work": api.NodeBuilder().subscribe_only("n").do(do).write_to("text")},
        channels={"n": api.LastValue(int), "text": api.LastValue(str)},
        input_channels=["n"],
        output_channels=["text"],
        **more,
    )


def _around(api, inner, saver=None):
    built = api.StateGraph(State)
    built.add_node("before", lambda state: {"n": state["n"] + 1})
    built.add_node("inner", inner)
    built.add_edge(api.START, "before").add_edge("before", "inner")
    return built.compile(checkpointer=saver)


def _graph(api, node):
    built = api.StateGraph(State)
    built.add_node("node", node).add_edge(api.START, "node")
    return built.compile()


@program("R1.49", "R7.1")
def subscriptions_as_a_node(api, run):
    g = _around(api, _inner(api, lambda n: str(n)), run.saver)
    config = run.config()
    return [
        run.invoke(g, {"n": 1}, config),
        run.look(g, config),
        run.stream(g, {"n": 5}, run.config("u"), stream_mode="updates", subgraphs=True),
        [name for name, _ in g.get_subgraphs()],
    ]


@program("R1.49", "R7.7")
def a_question_of_subscriptions_below(api, run):
    def ask(n):
        return f"{n} {api.interrupt('a word?')}"

    g = _around(api, _inner(api, ask), run.saver)
    config = run.config()
    asked = run.invoke(g, {"n": 1}, config)["__interrupt__"]
    state = run.get_state(g, config, subgraphs=True)
    below = state.tasks[0].state
    return [
        asked,
        run.snapshot(below),
        run.invoke(g, api.Command(resume="yes"), config),
        run.look(g, config),
    ]


@program("R1.49", "R7.1")
def subscriptions_called_in_a_node(api, run):
    inner = _inner(api, lambda n: "x" * n)
    built = api.StateGraph(State)
    built.add_node("call", lambda state: inner.invoke({"n": state["n"]}))
    built.add_edge(api.START, "call")
    g = built.compile(checkpointer=run.saver)
    return [run.invoke(g, {"n": 3}, run.config())]


@program("R1.50", "R7.1")
def a_graph_as_what_a_node_does(api, run):
    below = _graph(api, lambda state: {"text": "y" * state["n"]})
    g = api.Pregel(
        nodes={
            "make": api.NodeBuilder()
            .subscribe_only("n")
            .do(lambda n: {"n": n})
            .write_to("s"),
            "graph": api.NodeBuilder().subscribe_only("s").do(below).write_to("all"),
            "end": (
                api.NodeBuilder()
                .subscribe_only("all")
                .do(lambda state: state["text"])
                .write_to("text")
            ),
        },
        channels={
            "n": api.LastValue(int),
            "s": api.LastValue(dict),
            "all": api.LastValue(dict),
            "text": api.LastValue(str),
        },
        input_channels="n",
        output_channels="text",
        checkpointer=run.saver,
    )
    return [
        run.invoke(g, 2, run.config()),
        run.stream(g, 1, run.config("u"), stream_mode="updates", subgraphs=True),
        [name for name, _ in g.get_subgraphs()],
        run.look(g, run.config()),
    ]


@program("R1.50", "R7.7")
def a_question_of_a_graph_below_subscriptions(api, run):
    def ask(state):
        return {"text": api.interrupt("text?")}

    g = api.Pregel(
        nodes={
            "graph": api.NodeBuilder()
            .subscribe_only("s")
            .do(_graph(api, ask))
            .write_to("all")
        },
        channels={"s": api.LastValue(dict), "all": api.LastValue(dict)},
        input_channels="s",
        output_channels="all",
        checkpointer=run.saver,
    )
    config = run.config()
    asked = run.invoke(g, {"n": 1}, config)["__interrupt__"]
    return [asked, run.invoke(g, api.Command(resume="so"), config), run.look(g, config)]


@program("R1.49")
def subscriptions_below_subscriptions(api, run):
    inner = _inner(api, lambda n: str(n))
    g = api.Pregel(
        nodes={
            "inner": (
                api.NodeBuilder()
                .subscribe_to("n")
                .do(inner)
                .do(lambda found: found["text"])
                .write_to("out")
            ),
            "quiet": api.NodeBuilder()
            .subscribe_only("out")
            .do(lambda x: {"text": x})
            .do(lambda x: None),
        },
        channels={"n": api.LastValue(int), "out": api.LastValue(str)},
        input_channels="n",
        output_channels="out",
        checkpointer=run.saver,
    )
    return [run.invoke(g, 4, run.config()), run.look(g, run.config())]


@program("R1.49", "R8.1")
def subscriptions_called_by_an_entrypoint(api, run):
    inner = _inner(api, lambda n: "z" * n)

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return inner.invoke({"n": n})["text"]

    return [run.invoke(wf, 2, run.config())]


@program("R1.50", "R5.1", "R8.9", only="async")
def a_task_and_a_question_after_a_coroutine(api, run):
    """The plain functions of a row do not run on the event loop, and are parts of their node all the same."""

    @api.task
    def double(n):
        return n * 2

    async def more(n):
        return n + 1

    def ask(n):
        api.get_stream_writer()(f"asking for {n}")
        return [double(n).result(), api.interrupt("q")]

    node = api.NodeBuilder().subscribe_only("n").do(more).do(ask).do(tuple)
    g = api.Pregel(
        nodes={"node": node.write_to("out")},
        channels={"n": api.LastValue(int), "out": api.LastValue(tuple)},
        input_channels="n",
        output_channels="out",
        checkpointer=run.saver,
    )
    config = run.config()
    asked = run.stream(g, 1, config, stream_mode=["custom", "updates"])
    return [asked, run.invoke(g, api.Command(resume="yes"), config)]
