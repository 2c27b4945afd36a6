"""Sections 2 and 9: parts of a user interface that nodes push, and the list of them as state."""

from typing import Annotated, Any, TypedDict

from tests.conformance.corpus import program


def _state(api):
    class Shown(TypedDict, total=False):
        ui: Annotated[list, api.ui_message_reducer]
        other: Any

    return Shown


def _graph(api, run, **nodes):
    built = api.StateGraph(_state(api))
    last = api.START
    for name, node in nodes.items():
        built.add_node(name, node).add_edge(last, name)
        last = name
    return built.compile(checkpointer=run.saver)


def _told(run, g, given, *args):
    return run.stream(g, given, *args, stream_mode=["custom", "updates", "values"])


@program("R2.20")
def a_node_pushes_parts(api, run):
    def first(state):
        api.push_ui_message("chart", {"of": 1, "to": 3}, id="1")
        shown = api.push_ui_message("note", {"text": "x"}, id="2", metadata={"a": 1})
        api.push_ui_message("only shown", {}, id="3", state_key=None)
        return {"other": shown["name"]}

    def second(state):
        api.push_ui_message("chart", {"to": 4}, id="1", merge=True)
        api.push_ui_message("note", {"more": "y"}, id="2")
        api.push_ui_message("last", {}, id="4", message={"id": "m1"})
        api.delete_ui_message("2")

    g = _graph(api, run, first=first, second=second)
    return [_told(run, g, {"other": 0}, run.config()), run.look(g, run.config())]


@program("R2.20", "R1.35")
def what_a_failed_attempt_pushed_of_parts_is_not_kept(api, run):
    tries = []

    def node(state):
        tries.append(1)
        api.push_ui_message("try", {}, id=str(len(tries)))
        if len(tries) == 1:
            raise ConnectionError

    policy = api.RetryPolicy(initial_interval=0, jitter=False)
    built = api.StateGraph(_state(api)).add_node("n", node, retry_policy=policy)
    g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
    return [part["id"] for part in run.invoke(g, {"other": 0}, run.config())["ui"]]


@program("R2.20")
def the_id_of_a_part_is_made_and_removing_needs_one(api, run):
    made = []

    def pushes(state):
        made.append(api.push_ui_message("a", {}))

    def removes(state):
        api.delete_ui_message("nobody")

    g = _graph(api, run, pushes=pushes)
    kept = run.invoke(g, {"other": 0}, run.config())["ui"]
    bad = _graph(api, run, removes=removes)
    return [
        [part["id"] for part in kept] == [part["id"] for part in made],
        len(kept[0]["id"]),
        run.attempt(run.invoke, bad, {"other": 0}, run.config("bad")),
        run.attempt(api.push_ui_message, "a", {}),
    ]


@program("R2.20")
def parts_are_merged_by_id(api, run):
    def part(id, merge=False, **props):
        metadata = {"merge": merge}
        return {
            "type": "ui",
            "id": id,
            "name": id,
            "props": props,
            "metadata": metadata,
        }

    def gone(id):
        return {"type": "remove-ui", "id": id}

    pairs = [
        ([part("a"), part("b")], part("a", x=1)),
        (part("a", x=1), [part("a", merge=True, y=2), part("c")]),
        ([part("a"), part("b")], [gone("a")]),
        ([part("a"), part("b")], [gone("a"), part("a", z=1)]),
        ([part("a")], [part("b"), gone("b")]),
    ]
    given = str(pairs)
    merged = [api.ui_message_reducer(left, right) for left, right in pairs]
    failed = run.attempt(api.ui_message_reducer, [part("a")], gone("b"))
    return [merged, failed, str(pairs) == given]
