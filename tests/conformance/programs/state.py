"""Section 2: schemas, channels, input and output."""

import collections.abc
import dataclasses
import json
import operator
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, say


@program("R2.2")
def last_value(api, run):
    def read(state):
        return {"b": str("a" in state)}

    two = graph(
        api,
        (api.START, "x"),
        (api.START, "y"),
        x=lambda s: {"a": 1},
        y=lambda s: {"a": 1},
    ).compile()
    absent = graph(api, (api.START, "x"), x=read).compile()
    broken = graph(api, (api.START, "x"), x=lambda s: s["a"]).compile()
    none = graph(api, (api.START, "x"), x=lambda s: {"a": None}).compile()
    return [
        run.attempt(run.invoke, two, {"log": []}, says="a"),
        run.invoke(absent, {"log": []}),
        run.attempt(run.invoke, broken, {"log": []}),
        run.invoke(none, {"a": 3}),
    ]


def _add(left: Any, right: Any) -> Any:
    return f"{left}+{right}"


@program("R2.3")
def reducers_and_what_they_start_with(api, run):
    class R(TypedDict, total=False):
        number: Annotated[int, operator.add]
        text: Annotated[str, operator.add]
        items: Annotated[Sequence, lambda a, b: [*a, *b]]
        table: Annotated[dict, operator.or_]
        maybe: Annotated[int | None, _add]
        anything: Annotated[Any, _add]
        word: Annotated[Literal["x"], _add]

    seen = []

    def n(state):
        seen.append(dict(state))
        return {"number": 1, "maybe": 2, "anything": 3, "word": "x", "items": ["n"]}

    g = graph(api, (api.START, "n"), ("n", "m"), schema=R, n=n, m=n).compile()
    return [run.invoke(g, {"text": "t"}), seen]


@program("R2.4")
def a_reducer_with_the_wrong_number_of_parameters(api, run):
    class R(TypedDict, total=False):
        bad: Annotated[list, lambda a: a]

    none = graph(api, (api.START, "n"), n=lambda s: {"log": None}).compile()
    return [
        run.attempt(lambda: api.StateGraph(R) and "fine"),
        run.attempt(run.invoke, none, {"log": []}),
    ]


@program("R2.5")
def overwrite(api, run):
    def make(**nodes):
        edges = [(api.START, name) for name in nodes]
        return run.attempt(
            run.invoke, graph(api, *edges, **nodes).compile(), {"log": ["i"]}
        )

    def over(state):
        return {"log": api.Overwrite(["new"])}

    g = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["old"]}, run.config())
    return [
        make(a=over),
        make(a=over, b=say("b")),
        make(b=over, a=say("a")),
        make(a=over, b=over),
        make(a=lambda s: {"log": {"__overwrite__": ["dict"]}}),
        run.invoke(g, {"log": api.Overwrite(["again"])}, run.config()),
    ]


@program(
    "R2.5",
    differs="on a key without a reducer the wrapper is taken off",
    expected={"a": 5, "log": []},
)
def overwrite_of_a_last_value(api, run):
    g = graph(api, (api.START, "n"), n=lambda s: {"a": api.Overwrite(5)}).compile()
    return run.invoke(g, {"log": []})


@program("R2.6")
def the_reducer_wins(api, run):
    class Plain(TypedDict, total=False):
        log: list

    def n(state: Plain):
        return {"log": ["n"]}

    return run.invoke(graph(api, (api.START, "n"), n=n).compile(), {"log": ["i"]})


@program(
    "R2.6",
    differs="two reducers for one key are a mistake",
    expected={"raises": "ValueError"},
)
def two_different_reducers(api, run):
    class Other(TypedDict, total=False):
        log: Annotated[list, lambda a, b: b]

    def n(state: Other):
        return {}

    return run.attempt(lambda: graph(api, (api.START, "n"), n=n) and "fine")


@program("R2.7")
def channels_of_other_kinds(api, run):
    class C(TypedDict, total=False):
        log: Annotated[list, operator.add]
        brief: Annotated[int, api.EphemeralValue]
        hidden: Annotated[int, api.UntrackedValue]
        anyone: Annotated[int, api.AnyValue]
        topic: Annotated[list, api.Topic(int)]
        grown: Annotated[list, api.Topic(int, accumulate=True)]

    seen = []

    def one(state):
        seen.append({k: v for k, v in state.items() if k != "log"})
        return {"brief": 1, "hidden": 2, "anyone": 3, "topic": [4, 5], "grown": 6}

    def two(state):
        seen.append({k: v for k, v in state.items() if k != "log"})
        return {"log": ["two"], "grown": [7]}

    def three(state):
        seen.append({k: v for k, v in state.items() if k != "log"})
        return {"log": ["three"]}

    edges = [(api.START, "one"), ("one", "two"), ("two", "three")]
    g = graph(api, *edges, schema=C, one=one, two=two, three=three)
    g = g.compile(checkpointer=run.saver)
    out = run.invoke(g, {"log": []}, run.config())
    kept = [s.values for s in run.get_history(g, run.config())]
    return [out, seen, kept]


@program("R2.7")
def any_value_and_topic_take_many(api, run):
    class C(TypedDict, total=False):
        anyone: Annotated[int, api.AnyValue]
        topic: Annotated[list, api.Topic(int, accumulate=True)]
        brief: Annotated[int, api.EphemeralValue]

    def gives(**update):
        return lambda s: update

    edges = [(api.START, "a"), (api.START, "b")]
    g = graph(
        api,
        *edges,
        schema=C,
        a=gives(anyone=1, topic=1),
        b=gives(anyone=2, topic=[2, 3]),
    ).compile()
    bad = graph(api, *edges, schema=C, a=gives(brief=1), b=gives(brief=1)).compile()
    return [run.invoke(g, {"anyone": 0}), run.attempt(run.invoke, bad, {"anyone": 0})]


@program("R2.18")
def messages(api, run):
    make, remove = api.HumanMessage, api.RemoveMessage
    left = [make("one", id="1"), make("two", id="2")]

    def show(found):
        return [[m.type, m.content, m.id if len(m.id) < 5 else "made"] for m in found]

    add = api.add_messages
    return [
        show(add(left, [make("TWO", id="2"), make("three", id="3")])),
        show(add([], ["text", ("ai", "pair"), {"role": "user", "content": "dict"}])),
        show(add(left, [remove(id="1")])),
        run.attempt(add, left, [remove(id="9")]),
        show(add(left, [remove(id="__remove_all__"), make("after", id="4")])),
        show(
            add(
                left,
                [
                    make("before", id="5"),
                    remove(id="__remove_all__"),
                    make("z", id="6"),
                ],
            )
        ),
        show(add([], [make("first", id="1"), make("second", id="1")])),
    ]


@program("R2.18")
def a_graph_of_messages(api, run):
    def answer(state):
        return {"messages": [("ai", f"{len(state['messages'])} so far")]}

    built = api.StateGraph(api.MessagesState).add_node("answer", answer)
    g = built.add_edge(api.START, "answer").compile(checkpointer=run.saver)
    run.invoke(g, {"messages": "hello"}, run.config())
    out = run.invoke(g, {"messages": [("user", "again")]}, run.config())
    return [[m.type, m.content] for m in out["messages"]]


@program("R2.19")
def a_root_channel(api, run):
    built = api.StateGraph(Annotated[str, operator.add]).add_node(
        "x", lambda s: f"<{s}>"
    )
    g = built.add_edge(api.START, "x").compile(checkpointer=run.saver)
    return [run.invoke(g, "in", run.config()), run.invoke(g, "2", run.config())]


@program("R2.17")
def a_change_in_place_reaches_no_checkpoint(api, run):
    seen = []

    def changes(state):
        state["items"].append("in place")
        return {"a": 1}

    def looks(state):
        seen.append([*state["items"]])
        return {"a": 2}

    class Held(S, total=False):
        items: list

    g = graph(
        api,
        (api.START, "changes"),
        ("changes", "looks"),
        schema=Held,
        changes=changes,
        looks=looks,
    ).compile(checkpointer=run.saver)
    result = run.invoke(g, {"items": ["given"], "log": []}, run.config())
    return [result, seen, run.get_state(g, run.config()).values]


@program(
    "R2.17",
    differs="with the setting strict_state a change in place is an error",
    expected=[
        {"raises": "StateMutationError", "says": "'log'"},
        {"raises": "StateMutationError", "says": "'log'"},
        {"a": 1, "log": ["i", "n"]},
    ],
)
def a_change_in_place_is_refused_where_asked(api, run):
    def plainly(state):
        state["log"].append("x")
        return {}

    def and_returned(state):
        state["log"].append("x")
        return {"log": state["log"]}

    def properly(state):
        return {"log": ["n"], "a": 1}

    def gives(node):
        g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
        config = run.config(node.__name__, strict_state=True)
        return run.attempt(run.invoke, g, {"log": ["i"]}, config, says="'log'")

    return [gives(plainly), gives(and_returned), gives(properly)]


@program("R2.19", "R1.10")
def nothing_for_a_root_channel(api, run):
    def gives(schema, given):
        built = api.StateGraph(schema).add_node("n", lambda s: None)
        g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
        config = run.config(type(given).__name__)
        return [run.invoke(g, given, config), run.get_state(g, config).values]

    return [gives(list, [1]), gives(Annotated[str, operator.add], "in")]


@program("R2.3")
def what_a_reducer_of_an_abstract_type_starts_with(api, run):
    class R(TypedDict, total=False):
        items: Annotated[Iterable[int], lambda a, b: [*a, *b]]
        group: Annotated[collections.abc.Set, lambda a, b: a | b]
        table: Annotated[collections.abc.Mapping, lambda a, b: {**a, **b}]

    seen = []

    def n(state):
        seen.append(dict(state))
        return {"items": [1], "group": {2}, "table": {"a": 3}}

    return [run.invoke(graph(api, (api.START, "n"), schema=R, n=n).compile(), {}), seen]


@program(
    "R2.3",
    differs="a branch tries the reducer on a copy (LangGraph gives it the very value, so that a "
    "reducer that works in place counts writes twice)",
    expected=[
        {"log": ["in", "x", "x"], "held": {"in": 1, "x": 1}},
        {"log": ["in", "x", "x"], "held": {"in": 1, "x": 1}},
        {"log": ["in", "x"], "held": {"in": 1, "x": 1}},
    ],
)
def a_reducer_in_place_beside_a_branch(api, run):
    def united(one, other):
        one |= other
        return one

    class R(TypedDict, total=False):
        log: Annotated[list, operator.iadd]
        held: Annotated[dict, united]

    g = graph(
        api, (api.START, "x"), schema=R, x=lambda s: {"log": ["x"], "held": {"x": 1}}
    )
    g.add_conditional_edges("x", lambda s: "x" if len(s["log"]) < 3 else api.END)
    g = g.compile(checkpointer=run.saver)
    out = run.invoke(g, {"log": ["in"], "held": {"in": 1}}, run.config())
    states = [state.values for state in run.get_history(g, run.config())]
    return [out, *states[:2]]


@program("R2.5")
def an_overwrite_that_went_through_json(api, run):
    """As a client sends it: its fields in a dict, for a reducer's key and for a plain one."""
    sent = json.loads(json.dumps(dataclasses.asdict(api.Overwrite(["new"]))))
    likes = [{"type": "__overwrite__"}, {"type": "other", "value": 1}]
    g = graph(api, (api.START, "n"), n=lambda state: {"log": sent})
    kept = graph(api, (api.START, "n"), n=lambda state: {"log": likes})
    return [
        sent,
        run.invoke(g.compile(), {"log": ["old"]}),
        run.invoke(g.compile(), {"log": sent}),
        run.invoke(kept.compile(), {"log": ["old"]}),
    ]


@program("R2.19", "R1.44")
def a_bare_state_becomes_a_key_beside_others(api, run):
    bare = api.StateGraph(Annotated[list, operator.add])
    bare.add_node("a", lambda state: ["a"]).add_edge(api.START, "a")
    first = run.invoke(bare.compile(checkpointer=run.saver), ["i"], run.config())
    state = Annotated[list, operator.add]
    keyed = api.StateGraph(TypedDict("Keyed", {"__root__": state, "n": int}))
    seen = []

    def node(state):
        seen.append(dict(state))
        return {"__root__": ["b"]}

    keyed.add_node("a", node).add_edge(api.START, "a")
    g = keyed.compile(checkpointer=run.saver)
    found = run.look(g, run.config())
    out = run.invoke(g, {"__root__": ["j"], "n": 1}, run.config())
    run.update_state(g, run.config(), {"n": 2})
    results = [[t.result for t in s.tasks] for s in run.get_history(g, run.config())]
    return [first, found, seen, out, run.look(g, run.config()), results[:4]]
