"""Code that changes between a pause and its resume: R1.44, R4.20, R4.21, RB.12."""

import operator
from typing import Annotated, Any, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


class More(TypedDict, total=False):
    a: int
    b: str
    log: Annotated[list, operator.add]
    more: Annotated[list, operator.add]


class Less(TypedDict, total=False):
    log: Annotated[list, operator.add]


class ReadsB(TypedDict, total=False):
    b: str


def asking(api: Any, word: str = "q") -> Any:
    return lambda state: {"log": [api.interrupt(word)]}


@program("R1.44")
def unnamed_graphs_share_a_thread_by_key(api, run):
    one = graph(api, (api.START, "x"), x=lambda s: {"log": ["x"], "a": 1})
    other = graph(api, (api.START, "y"), schema=More, y=lambda s: {"more": ["y"]})
    one, other = (g.compile(checkpointer=run.saver) for g in (one, other))
    seen = [run.invoke(one, {"log": ["i"]}, run.config())]
    seen.append(run.invoke(other, {"log": ["j"]}, run.config()))
    seen.append(run.invoke(one, {"log": ["k"]}, run.config()))
    return [*seen, run.invoke(other, {"log": ["l"]}, run.config())]


@program("R1.44")
def one_of_two_graphs_has_a_name(api, run):
    built = graph(api, (api.START, "x"), x=None)
    plain = built.compile(checkpointer=run.saver)
    named = built.compile(checkpointer=run.saver, name="billing")
    seen = [run.invoke(g, {"log": []}, run.config()) for g in (plain, named, plain)]
    return [*seen, run.invoke(named, {"log": []}, run.config())]


@program(
    "R1.44",
    "RB.12",
    differs="a thread of a named graph is not opened by a graph of another name",
    expected=[
        {"log": ["x"]},
        {"raises": "GraphChangedError", "says": "billing -> shipping"},
        {"raises": "GraphChangedError", "says": "billing -> shipping"},
        {"log": ["x", "x"]},
        6,
    ],
)
def two_graphs_of_different_names(api, run):
    built = graph(api, (api.START, "x"), x=None)
    one = built.compile(checkpointer=run.saver, name="billing")
    other = built.compile(checkpointer=run.saver, name="shipping")
    says = {"says": "billing -> shipping"}
    return [
        run.invoke(one, {"log": []}, run.config()),
        run.attempt(run.invoke, other, {"log": []}, run.config(), **says),
        run.attempt(run.update_state, other, run.config(), {"log": ["u"]}, **says),
        run.invoke(one, {"log": []}, run.config()),
        len(run.steps(one, run.config())),
    ]


@program(
    "R4.20",
    "RA.14",
    differs="a paused node that is gone is shown; continuing is refused, nothing written",
    expected=[
        {
            "values": {"log": ["i"]},
            "next": ["n"],
            "interrupts": [{"asks": "q", "id": "#1"}],
            "tasks": [{"name": "n", "interrupts": [{"asks": "q", "id": "#1"}]}],
            "step": [0, "loop"],
        },
        {"raises": "GraphChangedError", "says": "missing node: 'n'"},
        {"raises": "GraphChangedError", "says": "missing node: 'n'"},
        [[0, "loop", ["n"]], [-1, "input", ["__start__"]]],
        {"log": ["i", "j", "m"]},
    ],
)
def a_gone_node_is_shown_and_not_passed_over(api, run):
    old = graph(api, (api.START, "n"), n=asking(api)).compile(checkpointer=run.saver)
    new = graph(api, (api.START, "m"), m=None).compile(checkpointer=run.saver)
    run.invoke(old, {"log": ["i"]}, run.config())
    says = {"says": "missing node: 'n'"}
    return [
        run.look(new, run.config()),
        run.attempt(run.invoke, new, api.Command(resume="r"), run.config(), **says),
        run.attempt(run.invoke, new, None, run.config(), **says),
        run.steps(new, run.config()),
        run.invoke(new, {"log": ["j"]}, run.config()),
    ]


@program(
    "R4.20",
    differs="a thread whose node is gone is moved on by hand",
    expected=[{"log": ["u", "after"]}, []],
)
def an_edit_moves_a_thread_past_a_gone_node(api, run):
    edges = [(api.START, "n"), ("n", "after")]
    old = graph(api, *edges, n=asking(api), after=None)
    edges = [(api.START, "m"), ("m", "after")]
    new = graph(api, *edges, m=None, after=None).compile(checkpointer=run.saver)
    run.invoke(old.compile(checkpointer=run.saver), {"log": []}, run.config())
    run.update_state(new, run.config(), {"log": ["u"]}, as_node="m")
    return [run.invoke(new, None, run.config()), run.look(new, run.config())["next"]]


@program(
    "RB.12",
    "R4.20",
    differs="data that somebody still reads is not left out in silence",
    expected=[
        {"raises": "GraphChangedError", "says": "missing join: a + slow -> j"},
        {"log": ["i", "x", "j", "x", "b is kept"]},
        {"log": ["i", "x", "j", "x", "b is kept", "k", "y"]},
    ],
)
def data_that_is_still_read_must_not_be_missing(api, run):
    nodes = {"a": None, "slow": asking(api), "after": None, "j": None}
    edges = [(api.START, "a"), (api.START, "slow"), ("slow", "after")]
    old = graph(api, *edges, (["a", "after"], "j"), **nodes)
    run.invoke(old.compile(checkpointer=run.saver), {"log": []}, run.config("j"))
    waits = old.compile(checkpointer=run.saver)
    run.invoke(
        waits, api.Command(resume="r"), run.config("j"), interrupt_before="after"
    )
    new = graph(api, *edges, (["a", "slow", "after"], "j"), **nodes)
    new = new.compile(checkpointer=run.saver)
    first = run.attempt(
        run.invoke, new, None, run.config("j"), says="missing join: a + after -> j"
    )
    first["says"] = first["says"].replace("a + after", "a + slow")

    def route(state: ReadsB) -> Any:
        return api.Send("told", f"b is {state['b']}")

    one = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    run.invoke(one, {"log": ["i"], "b": "kept"}, run.config("k"))
    two = graph(api, (api.START, "x"), schema=Less, x=None)
    two.add_node("told", lambda said: {"log": [said]})
    two.add_conditional_edges("x", route, ["told"])
    two = two.compile(checkpointer=run.saver)
    second = run.invoke(two, {"log": ["j"]}, run.config("k"))
    three = graph(api, (api.START, "y"), schema=Less, y=None)
    three = three.compile(checkpointer=run.saver)
    return [first, second, run.invoke(three, {"log": ["k"]}, run.config("k"))]


@program(
    "RB.12",
    differs="on_change decides what becomes of a thread that other code has begun",
    expected=[
        {"raises": "GraphChangedError", "says": "version: 1 -> 2"},
        [[0, "loop", ["n"]], [-1, "input", ["__start__"]]],
        {"raises": "GraphChangedError", "says": "changed: edges"},
        {"log": ["r", "x"]},
        {"log": ["r", "x", "j", "s", "x"]},
    ],
)
def a_change_is_refused_where_the_author_says_so(api, run):
    edges = [(api.START, "n"), ("n", "x")]
    built = graph(api, (api.START, "n"), n=asking(api), x=None)
    old = built.compile(checkpointer=run.saver, version="1")
    same = {"checkpointer": run.saver, "on_change": "refuse"}
    newer = built.compile(**same, version="2")
    other = graph(api, *edges, n=asking(api), x=None).compile(**same, version="1")
    goes_on = graph(api, *edges, n=asking(api), x=None)
    goes_on = goes_on.compile(checkpointer=run.saver, version="1")
    answer = api.Command(resume="r")
    run.invoke(old, {"log": []}, run.config())
    seen = [
        run.attempt(run.invoke, newer, answer, run.config(), says="version: 1 -> 2"),
        run.steps(newer, run.config()),
        run.attempt(run.invoke, other, answer, run.config(), says="changed: edges"),
        run.invoke(goes_on, answer, run.config()),
    ]
    # What the changed code has saved since is its own.
    run.invoke(other, {"log": ["j"]}, run.config())
    return [*seen, run.invoke(other, api.Command(resume="s"), run.config())]


@program("R4.21")
def a_new_reducer_key_starts_at_its_default(api, run):
    old = graph(api, (api.START, "n"), n=asking(api)).compile(checkpointer=run.saver)

    def node(state):
        api.interrupt("q")
        return {"log": [state["more"]], "more": ["m"]}

    new = graph(api, (api.START, "n"), schema=More, n=node)
    new = new.compile(checkpointer=run.saver)
    run.invoke(old, {"log": []}, run.config())
    return run.invoke(new, api.Command(resume="r"), run.config())


@program(
    "R4.21",
    differs="the data of a key that is gone stays in the old checkpoints, whatever the saver",
    expected=[{"log": ["i", "r"]}, {"log": ["i"]}, {"log": ["i"], "a": 1}, 1],
)
def the_data_of_a_gone_key_stays_in_the_old_checkpoints(api, run):
    old = graph(api, (api.START, "n"), n=asking(api)).compile(checkpointer=run.saver)
    new = graph(api, (api.START, "n"), schema=Less, n=asking(api))
    new = new.compile(checkpointer=run.saver)
    run.invoke(old, {"log": ["i"], "a": 1}, run.config())
    paused = run.get_state(old, run.config()).config
    return [
        run.invoke(new, api.Command(resume="r"), run.config()),
        run.get_state(new, paused).values,
        run.get_state(old, paused).values,
        run.saver.get_tuple(paused).checkpoint["channel_values"]["a"],
    ]


@program(
    "RB.12",
    "R4.20",
    differs="a subgraph is judged by its own code, also where it is paused",
    expected=[
        {"raises": "GraphChangedError", "says": "missing node: 'n'"},
        {"log": ["first", "r"]},
        {"log": ["first", "s"]},
    ],
)
def a_paused_subgraph_has_changed(api, run):
    def whole(name: str, **options: Any) -> Any:
        nodes = {"first": None, name: asking(api)}
        below = graph(api, (api.START, "first"), ("first", name), **nodes)
        sub = below.compile(**options)
        return graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)

    for thread in ("a", "b"):
        run.invoke(whole("n"), {"log": []}, run.config(thread))
    answer = api.Command(resume="r")
    return [
        run.attempt(
            run.invoke, whole("m"), answer, run.config("a"), says="missing node: 'n'"
        ),
        run.invoke(whole("n"), None, run.config("a")),  # the answer was kept
        run.invoke(
            whole("m", aliases={"n": "m"}), api.Command(resume="s"), run.config("b")
        ),
    ]


@program(
    "RB.12",
    "R6.6",
    differs="the reference knows no aliases: a paused node that was renamed is forgotten",
    expected=[
        [["m"], ["first"], True],
        {"log": ["first", "u"]},
        [True],
    ],
)
def the_graph_of_a_renamed_node_is_found_under_the_old_name(api, run):
    below = graph(api, (api.START, "first"), ("first", "m"), first=None, m=asking(api))

    def whole(name: str, **options: Any) -> Any:
        built = graph(api, (api.START, name), **{name: below.compile()})
        return built.compile(checkpointer=run.saver, **options)

    run.invoke(whole("old"), {"log": []}, run.config())
    new = whole("new", aliases={"old": "new"})
    state = run.get_state(new, run.config(), subgraphs=True)
    inner = state.tasks[0].state
    found = run.get_state(new, inner.config)
    where = inner.config["configurable"]["checkpoint_ns"]
    seen = [list(found.next), found.values["log"], where.startswith("old:")]
    run.update_state(new, inner.config, {"log": ["u"]}, as_node="first")
    edited = run.get_state(
        new, {"configurable": {"thread_id": "t", "checkpoint_ns": where}}
    )
    history = run.get_history(new, run.config(), subgraphs=True)
    below_too = [
        any(s.config["configurable"]["checkpoint_ns"] == where for s in history)
    ]
    return [seen, edited.values, below_too]
