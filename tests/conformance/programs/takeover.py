"""Threads that other code has begun, taken over by aliases and by a migrate function: RB.12."""

import operator
from typing import Annotated, Any, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, say


class More(TypedDict, total=False):
    a: int
    b: str
    log: Annotated[list, operator.add]
    more: Annotated[list, operator.add]


def asking(api: Any, word: str = "q") -> Any:
    return lambda state: {"log": [api.interrupt(word)]}


@program(
    "RB.12",
    differs="LangGraph has no aliases",
    expected=[
        {
            "values": {"log": ["i"]},
            "next": ["fresh"],
            "interrupts": [{"asks": "q", "id": "#1"}],
            "tasks": [{"name": "fresh", "interrupts": [{"asks": "q", "id": "#1"}]}],
            "step": [0, "loop"],
        },
        {"log": ["i", "fetched", "r", "after"]},
        ["fetch", "node", "node"],
        [
            [2, "loop", []],
            [1, "loop", ["after"]],
            [0, "loop", ["fresh"]],
            [-1, "input", ["__start__"]],
        ],
    ],
)
def a_renamed_node_keeps_its_question_and_its_records(api, run):
    calls: list[str] = []

    @api.task
    def fetch():
        calls.append("fetch")
        return "fetched"

    def node(state):
        got = fetch().result()
        calls.append("node")
        return {"log": [got, api.interrupt("q")]}

    def built(name: str, **options: Any) -> Any:
        g = graph(api, (api.START, name), (name, "after"), **{name: node}, after=None)
        return g.compile(checkpointer=run.saver, **options)

    first = run.invoke(built("stale"), {"log": ["i"]}, run.config())
    new = built("fresh", aliases={"stale": "fresh"})
    looked = run.look(new, run.config())
    answer = api.Command(resume={first["__interrupt__"][0].id: "r"})
    done = run.invoke(new, answer, run.config())
    return [looked, done, calls, run.steps(new, run.config())]


@program(
    "RB.12",
    differs="LangGraph has no aliases",
    expected=[{"log": ["inner a", "r"]}, ["a"]],
)
def a_renamed_subgraph_goes_on_inside(api, run):
    calls: list[str] = []

    def a(state):
        calls.append("a")
        return {"log": ["inner a"]}

    edges = [(api.START, "a"), ("a", "b")]
    sub = graph(api, *edges, a=a, b=asking(api)).compile()

    def built(name: str, **options: Any) -> Any:
        g = graph(api, (api.START, name), **{name: sub})
        return g.compile(checkpointer=run.saver, **options)

    run.invoke(built("stale"), {"log": []}, run.config())
    new = built("fresh", aliases={"stale": "fresh"})
    return [run.invoke(new, api.Command(resume="r"), run.config()), calls]


@program(
    "RB.12",
    differs="LangGraph has no aliases",
    expected=[
        {"log": ["i", "a", "r", "c", "j"]},
        {"log": ["i", "w", "r"], "more": []},
    ],
)
def renamed_nodes_in_a_join_and_as_targets_of_sends(api, run):
    def joined(a: str, b: str, c: str, j: str, **options: Any) -> Any:
        edges = [(api.START, a), (api.START, b), (b, c), ([a, c], j)]
        nodes = {a: say("a"), b: asking(api), c: say("c"), j: say("j")}
        built = graph(api, *edges, **nodes)
        return built.compile(checkpointer=run.saver, **options)

    def sending(name: str, **options: Any) -> Any:
        built = api.StateGraph(More).add_node("s", say("w")).add_node(name, asking(api))
        built.add_conditional_edges("s", lambda state: [api.Send(name, {})], [name])
        g = built.add_edge(api.START, "s")
        return g.compile(checkpointer=run.saver, **options)

    def names(mark: str) -> list[str]:
        return [f"{letter}{mark}" for letter in "abcj"]

    run.invoke(joined(*names("")), {"log": ["i"]}, run.config("join"))
    new = joined(*names("2"), aliases=dict(zip(names(""), names("2"), strict=True)))
    answer = api.Command(resume="r")
    # Stopped once more, so that the arrival of `a` is read under its new name.
    run.invoke(new, answer, run.config("join"), interrupt_before=["c2"])
    first = run.invoke(joined(*names("2")), None, run.config("join"))
    run.invoke(sending("t"), {"log": ["i"]}, run.config("send"))
    new = sending("t2", aliases={"t": "t2"})
    return [first, run.invoke(new, answer, run.config("send"))]


@program(
    "RB.12",
    differs="a renamed entrypoint goes on in mid-body",
    expected=["fetched r", ["fetch"]],
)
def a_renamed_entrypoint_goes_on(api, run):
    calls: list[str] = []

    @api.task
    def fetch():
        calls.append("fetch")
        return "fetched"

    @api.entrypoint(checkpointer=run.saver)
    def stale(given):
        return f"{fetch().result()} {api.interrupt('q')}"

    run.invoke(stale, 1, run.config())

    @api.entrypoint(checkpointer=run.saver, aliases={"stale": "fresh"})
    def fresh(given):
        return f"{fetch().result()} {api.interrupt('q')}"

    return [run.invoke(fresh, api.Command(resume="r"), run.config()), calls]


@program(
    "RB.12",
    differs="a migrate function brings a checkpoint to the present code, once",
    expected=[
        ["1", ["a"], ["n"]],
        {"log": ["r!", "done 7"], "count": 7},
        1,
        [
            [3, "loop", []],
            [2, "loop", ["done"]],
            [1, "update", ["n"]],
            [0, "loop", ["n"]],
            [-1, "input", ["__start__"]],
        ],
        {"from": "1", "to": "2"},
    ],
)
def a_checkpoint_is_migrated_once(api, run):
    class Old(TypedDict, total=False):
        a: str
        log: Annotated[list, operator.add]

    class New(TypedDict, total=False):
        count: int
        log: Annotated[list, operator.add]

    seen: list[Any] = []

    def migrate(version, checkpoint):
        values = checkpoint["channel_values"]
        due = [item["node"] for item in checkpoint["due"]]
        seen.append([version, sorted(values), due])
        values["count"] = int(values.pop("a"))
        return checkpoint

    def node(state):
        return {"log": [f"{api.interrupt('q')}!"]}

    old = graph(api, (api.START, "n"), schema=Old, n=node)
    old = old.compile(checkpointer=run.saver, version="1")
    nodes = {"n": node, "done": lambda s: {"log": [f"done {s['count']}"]}}
    new = graph(api, (api.START, "n"), ("n", "done"), schema=New, **nodes)
    new = new.compile(checkpointer=run.saver, version="2", on_change=migrate)
    first = run.invoke(old, {"a": "7"}, run.config())
    answer = api.Command(resume={first["__interrupt__"][0].id: "r"})
    out = run.invoke(new, answer, run.config())
    run.invoke(new, None, run.config())
    found = run.get_history(new, run.config())
    update = next(s for s in found if s.metadata["source"] == "update")
    return [
        seen[0],
        out,
        len(seen),
        run.steps(new, run.config()),
        update.metadata["migrated"],
    ]


@program(
    "RB.12",
    differs="a migration may lead a thread away from a node that is gone",
    expected=[
        {"raises": "GraphChangedError", "says": "missing node: 'p'"},
        {"raises": "GraphChangedError", "says": "missing node: 'n'"},
        [[0, "loop", ["n", "p"]], [-1, "input", ["__start__"]]],
        {"log": ["i", "p", "m"]},
        ["p"],
    ],
)
def a_migration_names_what_is_due_now(api, run):
    calls: list[str] = []

    def p(state):
        calls.append("p")
        return {"log": ["p"]}

    edges = [(api.START, "n"), (api.START, "p")]
    old = graph(api, *edges, n=asking(api), p=p).compile(checkpointer=run.saver)
    built = graph(api, (api.START, "m"), m=None, p=p)

    def leads_on(version, checkpoint):
        due = [item for item in checkpoint["due"] if item["node"] != "n"]
        checkpoint["due"] = [*due, {"node": "m", "by": ["edge:n"]}]
        return checkpoint

    idle = built.compile(checkpointer=run.saver, on_change=lambda v, c: c)
    new = built.compile(checkpointer=run.saver, on_change=leads_on)
    lost = graph(api, (api.START, "m"), m=None)
    lost = lost.compile(checkpointer=run.saver, on_change=leads_on)
    run.invoke(old, {"log": ["i"]}, run.config())
    return [
        run.attempt(run.invoke, lost, None, run.config(), says="missing node: 'p'"),
        run.attempt(run.invoke, idle, None, run.config(), says="missing node: 'n'"),
        run.steps(idle, run.config()),
        run.invoke(new, None, run.config()),
        calls,
    ]


@program(
    "RB.12",
    differs="an edit by new code migrates first; without a function it is left to the next run",
    expected=[
        {"log": ["I", "migrated", "u"]},
        ["1"],
        {"raises": "GraphChangedError", "says": "version: 1 -> 2"},
    ],
)
def an_edit_by_new_code(api, run):
    seen: list[Any] = []

    def migrate(version, checkpoint):
        seen.append(version)
        log = checkpoint["channel_values"]["log"]
        log[0] = "I"
        log.append("migrated")
        return checkpoint

    built = graph(api, (api.START, "n"), n=asking(api))
    old = built.compile(checkpointer=run.saver, version="1")
    new = built.compile(checkpointer=run.saver, version="2", on_change=migrate)
    strict = built.compile(checkpointer=run.saver, version="2", on_change="refuse")
    for thread in ("a", "b"):
        run.invoke(old, {"log": ["i"]}, run.config(thread))
    run.update_state(new, run.config("a"), {"log": ["u"]})
    run.invoke(new, None, run.config("a"))
    run.update_state(strict, run.config("b"), {"log": ["u"]})
    return [
        run.look(new, run.config("a"))["values"],
        seen,
        run.attempt(run.invoke, strict, None, run.config("b"), says="version: 1 -> 2"),
    ]


@program(
    "RB.12",
    "R6.15",
    differs="an old checkpoint is migrated where it is forked; its question can be answered",
    expected=[{"log": ["i", "migrated", "again"]}, {"log": ["i", "r"]}],
)
def a_fork_of_an_old_version_is_migrated(api, run):
    def migrate(version, checkpoint):
        checkpoint["channel_values"]["log"].append("migrated")
        return checkpoint

    built = graph(api, (api.START, "n"), n=asking(api))
    old = built.compile(checkpointer=run.saver, version="1")
    new = built.compile(checkpointer=run.saver, version="2", on_change=migrate)
    run.invoke(old, {"log": ["i"]}, run.config())
    asked = run.get_state(old, run.config())
    run.invoke(old, api.Command(resume="r"), run.config())
    done = run.get_state(old, run.config())
    forked = run.invoke(new, api.Command(resume="again"), asked.config)
    return [forked, run.get_state(old, done.config).values]
