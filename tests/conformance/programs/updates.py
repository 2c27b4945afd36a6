"""Section 6: update_state."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, chain, graph, once_bad, say


@program("R6.5")
def an_update_fires_edges_and_branches(api, run):
    def choose(state):
        return "z" if "u" in state["log"] else "y"

    built = graph(api, (api.START, "x"), x=None, y=None, z=None)
    built.add_conditional_edges("x", choose)
    g = built.compile(checkpointer=run.saver, interrupt_before=["y"])
    run.invoke(g, {"log": []}, run.config())
    before = run.get_state(g, run.config())
    made = run.update_state(g, run.config(), {"log": ["u"]}, as_node="x")
    seen = run.get_state(g, run.config())
    return [
        list(before.next),
        run.snapshot(seen),
        seen.config["configurable"]["checkpoint_id"]
        == made["configurable"]["checkpoint_id"],
        seen.parent_config["configurable"]["checkpoint_id"]
        == before.config["configurable"]["checkpoint_id"],
        run.invoke(g, None, run.config()),
    ]


@program("R6.6")
def an_update_without_a_node(api, run):
    g = chain(api, run)
    run.update_state(g, run.config("fresh"), {"log": ["u"]})
    fresh = run.look(g, run.config("fresh"))
    run.invoke(g, {"log": ["i"]}, run.config(), interrupt_after=["x"])
    run.update_state(g, run.config(), {"log": ["u"]})
    one = run.look(g, run.config())
    both = graph(api, (api.START, "p"), (api.START, "q"), p=None, q=None)
    g2 = both.compile(checkpointer=run.saver)
    run.invoke(g2, {"log": []}, run.config("two"))
    error = run.attempt(
        run.update_state, g2, run.config("two"), {"log": ["u"]}, says="as_node"
    )
    return [fresh, run.invoke(g, None, run.config("fresh")), one, error]


@program("R6.7")
def special_names_for_an_update(api, run):
    seen = []
    for number, (values, node) in enumerate(
        [
            ({"log": ["u"]}, "ghost"),
            ({"log": ["u"]}, "__start__"),
            ({"log": ["u"]}, "__input__"),
            (None, "__end__"),
            ({"log": ["u"]}, "__end__"),
            (None, None),
            (None, "__copy__"),
        ]
    ):
        g = chain(api, run)
        config = run.config(str(number))
        run.invoke(g, {"log": ["i"]}, config, interrupt_after=["x"])
        made = run.attempt(run.update_state, g, config, values, as_node=node)
        found = run.look(g, config)
        seen.append(
            [
                node,
                made if "raises" in made else "made",
                found["values"],
                found["next"] if node != "__input__" else found["next"][:1],
                found["step"],
            ]
        )
    return seen


@program("R6.7")
def the_end_clears_questions(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), None, as_node="__end__")
    return run.look(g, run.config())


@program("R6.8")
def an_update_skips_a_node(api, run):
    calls = []
    g = chain(api, run, y=say("y", calls))
    run.invoke(g, {"log": []}, run.config(), interrupt_before=["y"])
    run.update_state(g, run.config(), {"log": ["instead"]}, as_node="y")
    seen = run.look(g, run.config())
    return [seen, run.invoke(g, None, run.config()), calls]


@program("R6.8")
def an_update_by_command_and_bad_updates(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": []}, run.config(), interrupt_after=["x"])
    command = api.Command(update={"log": ["u"]}, goto="z")
    run.update_state(g, run.config(), command, as_node="x")
    seen = run.look(g, run.config())
    out = run.invoke(g, None, run.config())
    bad = run.attempt(run.update_state, g, run.config(), ["list"], as_node="x")
    run.update_state(g, run.config(), {"unknown": 1}, as_node="z")
    return [seen, out, bad, run.look(g, run.config())["values"]]


@program(
    "R6.10",
    differs="an edit keeps the open question and its id",
    expected=[
        [{"asks": "q ['x']", "id": "#1"}],
        {"log": ["x", "u"]},
        ["y"],
        {"__interrupt__": [{"asks": "q ['x', 'u']", "id": "#1"}], "log": ["x", "u"]},
        {"log": ["x", "u", "r", "z"]},
    ],
)
def an_edit_keeps_the_question(api, run):
    def asks(state):
        return {"log": [api.interrupt(f"q {state['log']}")]}

    g = chain(api, run, y=asks)
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    seen = run.look(g, run.config())
    again = run.invoke(g, None, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [seen["interrupts"], seen["values"], seen["next"], again, last]


@program(
    "R6.10",
    "RA.7",
    differs="an answer to a carried question starts the task on the edited state",
    expected=[{"log": ["x", "u", "saw 2", "r", "z"]}, 2],
)
def answering_a_carried_question_at_once(api, run):
    calls = []

    def asks(state):
        calls.append(1)
        return {"log": [f"saw {len(state['log'])}", api.interrupt("q")]}

    g = chain(api, run, y=asks)
    found = run.invoke(g, {"log": []}, run.config())["__interrupt__"][0].id
    run.update_state(g, run.config(), {"log": ["u"]})
    return [run.invoke(g, api.Command(resume={found: "r"}), run.config()), len(calls)]


@program(
    "R6.10",
    differs="finished siblings' writes are applied before an edit",
    expected=[
        {"log": ["i", "done", "u"]},
        ["asks"],
        {"log": ["i", "done", "u", "r"]},
        ["done"],
    ],
)
def an_edit_keeps_finished_siblings(api, run):
    calls = []

    def asks(state):
        return {"log": [api.interrupt("q")]}

    edges = [(api.START, "asks"), (api.START, "done")]
    built = graph(api, *edges, asks=asks, done=say("done", calls))
    g = built.compile(checkpointer=run.saver)
    found = run.invoke(g, {"log": ["i"]}, run.config())["__interrupt__"][0].id
    run.update_state(g, run.config(), {"log": ["u"]})
    seen = run.look(g, run.config())
    last = run.invoke(g, api.Command(resume={found: "r"}), run.config())
    return [seen["values"], seen["next"], last, calls]


@program("R6.11")
def updates_in_bulk(api, run):
    g = chain(api, run)
    one, two = (
        api.StateUpdate({"log": ["a"]}, "x"),
        api.StateUpdate({"log": ["b"]}, "y"),
    )
    run.bulk_update_state(g, run.config(), [[one], [two]])
    many = [api.StateUpdate({"log": ["c"]}, "x"), api.StateUpdate({"log": ["d"]}, "y")]
    run.bulk_update_state(g, run.config("u"), [many])
    bare = [api.StateUpdate({"log": ["c"]}), api.StateUpdate({"log": ["d"]})]
    return [
        run.look(g, run.config())["values"],
        run.steps(g, run.config()),
        run.look(g, run.config("u"))["values"],
        run.look(g, run.config("u"))["next"],
        run.attempt(run.bulk_update_state, g, run.config(), []),
        run.attempt(run.bulk_update_state, g, run.config(), [[]]),
        run.attempt(run.bulk_update_state, g, run.config(), [bare]),
    ]


@program("R6.11", "R3.9")
def updates_of_one_step_are_applied_as_given(api, run):
    g = chain(api, run)
    steps = [
        [api.StateUpdate({"log": [node]}, node) for node in ("y", "x")],
        [api.StateUpdate({"log": [node]}, node) for node in ("x", "y")],
    ]
    run.bulk_update_state(g, run.config(), steps)
    return run.look(g, run.config())


@program(
    "R6.7",
    differs="an update as the input drops what was due, as an input does",
    expected=[["__start__"], {"log": ["i", "x", "u", "x", "y", "z"]}],
)
def an_update_as_the_input_drops_what_was_due(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": ["i"]}, run.config(), interrupt_after=["x"])
    run.update_state(g, run.config(), {"log": ["u"]}, as_node="__input__")
    due = run.look(g, run.config())["next"]
    return [due, run.invoke(g, None, run.config())]


@program(
    "R6.7",
    differs="the parent of a copy is what it is a copy of",
    expected=[True, 2],
)
def the_parent_of_a_copy(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": ["i"]}, run.config(), interrupt_after=["x"])
    head = run.get_state(g, run.config())
    run.update_state(g, run.config(), None, as_node="__copy__")
    made = run.get_state(g, run.config())
    return [made.parent_config == head.config, made.metadata["step"]]


@program(
    "R6.2",
    differs="history shows what tasks wrote, not what an update wrote in place of one",
    expected=[{"log": ["x"]}, None],
)
def an_update_in_place_of_a_task_is_no_result(api, run):
    g = chain(api, run)
    run.invoke(g, {"log": ["i"]}, run.config(), interrupt_after=["x"])
    run.update_state(g, run.config(), {"log": ["u"]}, as_node="y")
    found = {s.next: s.tasks for s in run.get_history(g, run.config()) if s.next}
    return [found[("x",)][0].result, found[("y",)][0].result]


@program(
    "R6.2",
    differs="the error of a task that has finished since is not listed",
    expected=[["ValueError('first time')", None], [None, {"log": ["bad"]}]],
)
def an_error_that_was_made_good(api, run):
    g = graph(api, (api.START, "bad"), bad=once_bad([], error=ValueError))
    g = g.compile(checkpointer=run.saver)

    def seen():
        found = run.get_history(g, run.config())
        task = next(s for s in found if s.next == ("bad",)).tasks[0]
        return [task.error, task.result]

    run.attempt(run.invoke, g, {"log": []}, run.config())
    before = seen()
    run.invoke(g, None, run.config())
    return [before, seen()]


@program(
    "R6.6",
    differs="what a Send started, an update and a new input count as what came last",
    expected=[[], ["y"], ["x"]],
)
def whom_an_update_without_a_node_stands_for(api, run):
    sent = graph(api, (api.START, "x"), x=None, y=None)
    sent.add_conditional_edges("x", lambda state: api.Send("y", {}))
    row = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None)

    def after(built, name, *steps):
        g = built.compile(checkpointer=run.saver)
        thread = run.config(name)
        run.invoke(g, {"log": ["i"]}, thread)
        for step in steps:
            step(g, thread)
        return list(run.get_state(g, thread).next)

    def update(g, thread):
        run.update_state(g, thread, {"log": ["u"]})

    def update_as_x(g, thread):
        run.update_state(g, thread, {"log": ["u"]}, as_node="x")

    def update_the_second_input(g, thread):
        run.invoke(g, {"log": ["j"]}, thread)
        past = run.get_history(g, thread, filter={"source": "input"})
        update(g, past[0].config)

    return [
        after(sent, "sent", update),
        after(row, "twice", update_as_x, update),
        after(row, "input", update_the_second_input),
    ]


@program("R6.6", "R6.7")
def an_update_that_says_nothing_on_a_fresh_thread(api, run):
    def told(g, thread, node):
        made = run.attempt(run.update_state, g, thread, None, as_node=node)
        seen = [made if "raises" in made else "made", run.look(g, thread)]
        return [*seen, run.attempt(run.invoke, g, None, thread)]

    bare = api.StateGraph(Annotated[list, operator.add])
    bare.add_node("x", lambda state: ["x"]).add_edge(api.START, "x")
    graphs = [chain(api, run), bare.compile(checkpointer=run.saver)]
    return [
        told(g, run.config(f"{number} {node}"), node)
        for number, g in enumerate(graphs)
        for node in (None, "__start__", "__input__", "__copy__")
    ]


@program(
    "R6.7",
    "R6.8",
    "R1.32",
    differs="an update as a deferred node skips it, and END ends it, whether it is due or waits; in "
    "LangGraph it runs all the same",
    expected=[
        ["b", "d", {"log": ["i", "a", "u"]}, ["e"], {"log": ["i", "a", "u", "e"]}],
        ["b", "__end__", {"log": ["i", "a"]}, [], {"log": ["i", "a"]}],
        [
            "d",
            "d",
            {"log": ["i", "a", "b", "u"]},
            ["e"],
            {"log": ["i", "a", "b", "u", "e"]},
        ],
        ["d", "__end__", {"log": ["i", "a", "b"]}, [], {"log": ["i", "a", "b"]}],
    ],
)
def an_update_in_place_of_a_deferred_node(api, run):
    edges = [(api.START, "a"), ("a", "b"), ("a", "d"), ("b", "d"), ("d", "e")]

    def told(stop, node):
        built = graph(api, a=None, b=None, e=None).add_node("d", say("d"), defer=True)
        for start, end in edges:
            built.add_edge(start, end)
        g = built.compile(checkpointer=run.saver)
        thread = run.config(f"{stop} {node}")
        run.invoke(g, {"log": ["i"]}, thread, interrupt_before=[stop])
        values = None if node == "__end__" else {"log": ["u"]}
        run.update_state(g, thread, values, as_node=node)
        seen = run.look(g, thread)
        return [stop, node, seen["values"], seen["next"], run.invoke(g, None, thread)]

    return [told(stop, node) for stop in ("b", "d") for node in ("d", "__end__")]


@program("R6.8", "R6.6", "R1.24")
def a_command_for_a_thread_that_has_not_begun(api, run):
    class In(TypedDict, total=False):
        log: Annotated[list, operator.add]

    built = api.StateGraph(S, input_schema=In).add_node("x", say("x"))
    g = built.add_node("y", say("y")).add_edge(api.START, "x")
    g = g.compile(checkpointer=run.saver)

    def begun(thread, update, as_node):
        given = api.Command(update=update, goto="y")
        run.update_state(g, run.config(thread), given, as_node=as_node)
        found = run.get_state(g, run.config(thread))
        ended = run.invoke(g, None, run.config(thread))
        return [found.values, sorted(found.next), ended]

    pairs = [("log", ["p"]), ("log", ["q"])]
    return [
        begun("1", {"log": ["u"], "a": 1}, None),
        begun("2", pairs, None),
        begun("3", pairs, api.START),
    ]
