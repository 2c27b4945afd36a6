"""Section 1: the builder, its nodes, and what a node may return."""

import functools
import itertools
import operator
import threading
from enum import StrEnum
from typing import Annotated, TypedDict
from unittest import mock

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, outcome_of, say


@program("R1.1")
def compiled_graph_is_a_picture(api, run):
    built = graph(api, (api.START, "x"), x=None)
    g = built.compile()
    built.add_node("y", say("y")).add_edge("x", "y")
    return [run.invoke(g, {"log": []}), run.invoke(built.compile(), {"log": []})]


@program("R1.2")
def names_of_nodes(api, run):
    class Doer:
        def __call__(self, state):
            return {"log": ["object"]}

        def method(self, state):
            return {"log": ["method"]}

    def plain(state):
        return {"log": ["function"]}

    def base(state, extra):
        return {"log": [extra]}

    built = api.StateGraph(S)
    built.add_node(plain).add_node(Doer()).add_node(Doer().method)
    built.add_node("p", functools.partial(base, extra="partial"))
    names = ["plain", "Doer", "method", "p"]
    built.add_edge(api.START, names[0])
    for one, two in itertools.pairwise(names):
        built.add_edge(one, two)
    return run.stream(built.compile(), {"log": []})


@program("R1.3")
def refused_node_names(api, run):
    built = graph(api, a=None)
    bad = ["__start__", "__end__", "a", "x|y", "x:y"]
    return [run.attempt(built.add_node, name, say("n")) for name in bad]


@program("R1.3")
def node_called_like_a_state_key(api, run):
    g = graph(api, (api.START, "log"), log=None).compile()
    return run.invoke(g, {"log": ["i"]})


@program(
    "R1.3",
    differs="a name without an action is a mistake in a value, with a text",
    expected={"raises": "ValueError", "says": "ghost"},
)
def name_without_action(api, run):
    return run.attempt(api.StateGraph(S).add_node, "ghost", says="ghost")


@program("R1.4")
def function_without_parameters_fails_when_run(api, run):
    def node():
        return {}

    built = graph(api, (api.START, "n"), n=node)
    return run.attempt(run.invoke, built.compile(), {"log": []})


@program("R1.8", "R2.16")
def private_state(api, run):
    class Private(TypedDict, total=False):
        secret: int

    seen = []

    def x(state):
        seen.append(dict(state))
        return {"secret": 1, "log": ["x"]}

    def y(state: Private):
        seen.append(dict(state))
        return {"log": ["y"]}

    def z(state):
        seen.append(dict(state))
        return {}

    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    g = graph(api, *edges, x=x, y=y, z=z).compile(checkpointer=run.saver)
    out = run.invoke(g, {"log": []}, run.config())
    values = run.stream(g, {"log": []}, run.config("u"), stream_mode="values")
    return [out, seen[:3], values[-1], run.look(g, run.config())["values"]]


@program("R1.9", only="blocking")
def coroutine_node_in_a_blocking_call(api, run):
    async def slow(state):
        return {}

    g = graph(api, (api.START, "slow"), slow=slow).compile()
    return run.attempt(run.invoke, g, {"log": []}, says="slow")


@program("R1.9", only="async")
def plain_function_runs_in_a_thread(api, run):
    main = threading.get_ident()

    def node(state):
        return {"log": [threading.get_ident() == main]}

    async def other(state):
        return {"log": [threading.get_ident() == main]}

    edges = [(api.START, "node"), ("node", "other")]
    g = graph(api, *edges, node=node, other=other).compile()
    return run.invoke(g, {"log": []})


@program("R1.10")
def what_a_node_may_return(api, run):
    values = [
        None,
        {},
        {"a": 1},
        api.Command(update={"a": 2}),
        api.Command(update=[("a", 3), ("log", ["pair"])]),
        api.Send("other", {}),
        [api.Command(update={"a": 4}), {"log": ["l"]}, None],
        (api.Command(goto="other"), {"log": ["l"]}),
    ]
    return [outcome_of(api, run, value) for value in values]


@program("R1.10")
def what_a_node_may_not_return(api, run):
    values = [5, "text", [{"a": 1}], [api.Send("other", {})], [], ({"a": 1},), {1, 2}]
    return [outcome_of(api, run, value) for value in values]


@program("R1.11")
def keys_that_are_no_channel_are_dropped(api, run):
    g = graph(api, (api.START, "n"), n=lambda s: {"results": 1, "a": 2}).compile()
    return [run.invoke(g, {"log": []}), run.stream(g, {"log": []})]


class Name(str):
    """As numpy's and other libraries' texts: one of a class of its own."""

    __slots__ = ()


class Stop(StrEnum):
    ASK = "ask"
    END = "last"


@program("R1.2")
def names_of_a_class_of_their_own(api, run):
    first, second, third, ask, last = Name("first"), Name("second"), "third", *Stop

    def route(state):
        return [second, api.Send(Name("third"), state)]

    def go(state):
        return api.Command(goto=ask, update={"log": ["third"]})

    def question(state):
        return {"log": [api.interrupt("go on?")]}

    built = api.StateGraph(S)
    built.add_node(first, say("first")).add_node(second, say("second"))
    built.add_node(third, go).add_node(ask, question).add_node(last, say("last"))
    built.add_edge(api.START, first).add_conditional_edges(first, route)
    built.add_edge([second, ask], last)
    g = built.compile(checkpointer=run.saver)
    config = run.config()
    found = [
        run.invoke(g, {"log": []}, config),
        [*map(str, run.get_state(g, config).next)],
    ]
    found.append(run.invoke(g, api.Command(resume="yes"), config))
    run.update_state(g, config, {"log": ["edited"]}, as_node=first)
    return [*found, run.get_state(g, config).next, run.invoke(g, None, config)["log"]]


@program("R1.3")
def what_is_no_function_is_no_node(api, run):
    built = api.StateGraph(S)
    return [
        run.attempt(lambda: built.add_node("x", 5) and "fine"),
        run.attempt(lambda: built.add_node("x", "y") and "fine"),
    ]


@program("R1.42")
def many_inputs_at_once(api, run):
    built = api.StateGraph(S).add_node("double", lambda s: {"a": 10 // s["a"]})
    g = built.add_edge(api.START, "double").compile()
    inputs = [{"a": 1}, {"a": 0}, {"a": 5}]
    results = run.batch(g, inputs, return_exceptions=True)
    return [
        type(each).__name__ if isinstance(each, Exception) else each for each in results
    ]


@program("R1.2", "R1.18")
def what_can_be_called_is_called_whatever_methods_it_has(api, run):
    class Both:
        def __call__(self, state):
            return {"log": ["call"]}

        def invoke(self, state, config=None):
            return {"log": ["invoke"]}

        ainvoke = invoke

    where = mock.Mock(return_value="b")
    built = graph(api, (api.START, "a"), a=Both(), b=mock.Mock(return_value={"a": 1}))
    built.add_conditional_edges("a", where, ["b", api.END])
    g = built.compile()
    return [run.invoke(g, {"log": []}), where.call_count]


@program("R1.2", "R1.9", only="async")
def a_mock_of_a_coroutine_function_is_a_node(api, run):
    node = mock.AsyncMock(return_value={"log": ["n"]})
    g = graph(api, (api.START, "n"), n=node).compile()
    return [run.invoke(g, {"log": []}), node.await_count]


@program("R1.2")
def a_dict_of_runnables_is_a_node(api, run):
    model = FakeListChatModel(responses=["hi"])
    parts = {
        "log": RunnableLambda(lambda state: state["log"][-1]) | (lambda last: [last]),
        "said": RunnableLambda(lambda state: "x") | model | (lambda m: m.content),
        "plain": lambda state: len(state["log"]),
    }

    class Parts(TypedDict, total=False):
        log: Annotated[list, operator.add]
        said: str
        plain: int

    g = api.StateGraph(Parts).add_node("parts", parts).add_edge(api.START, "parts")
    g = g.compile(checkpointer=run.saver)
    shown = run.stream(g, {"log": ["a"]}, run.config(), stream_mode="updates")
    return [shown, run.look(g, run.config())["values"]]
