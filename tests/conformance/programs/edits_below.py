"""Section 6: what an edit keeps of questions below: in tasks and subgraphs (R6.10, R7.9)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import (
    asks,
    graph,
    kept,
    notes_and_asks,
    once_bad,
    open_ids,
    say,
)


def _nested(api, run, ask, **options):
    below = graph(api, (api.START, "s"), ("s", "n"), s=None, n=ask).compile(**options)

    def calls(state):
        return {"log": [below.invoke({"log": []})["log"][-1]]}

    built = graph(api, (api.START, "p"), ("p", "calls"), p=None, calls=calls)
    return built.compile(checkpointer=run.saver)


@program(
    "R6.10",
    differs="questions of a @task keep their ids over an edit",
    expected=[{"A": True, "B": True}, {"log": ["u", "a", "b"]}],
)
def an_edit_keeps_questions_of_tasks(api, run):
    @api.task
    def inner(q):
        return api.interrupt(q)

    def n(state):
        one, two = inner("A"), inner("B")
        return {"log": [one.result(), two.result()]}

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    carried = kept(run, g, ids)
    answers = {ids["A"]: "a", ids["B"]: "b"}
    return [carried, run.invoke(g, api.Command(resume=answers), run.config())]


@program(
    "R6.10",
    "R7.9",
    differs="a question in a subgraph keeps its id over an edit of the graph above",
    expected=[
        [{"q": True}, True, {"log": ["p", "u", "v", "r"]}],
        [{"q": True}, True, {"log": ["p", "u", "v", "r"]}],
        [{"q": True}, True, {"log": ["p", "u", "v", "r"]}],
    ],
)
def an_edit_above_keeps_the_question_of_a_subgraph(api, run):
    seen = []
    for options in ({}, {"checkpointer": True}, {"checkpointer": False}):
        config = run.config(str(options))
        g = _nested(api, run, asks(api), **options)
        run.invoke(g, {"log": []}, config)
        ids = open_ids(run, g, config)
        run.update_state(g, config, {"log": ["u"]})
        carried = kept(run, g, ids, config)
        asked = run.invoke(g, None, config)["__interrupt__"][0].id == ids["q"]
        run.update_state(g, config, {"log": ["v"]})
        out = run.invoke(g, api.Command(resume={ids["q"]: "r"}), config)
        seen.append([carried, asked, out])
    return seen


@program(
    "R6.10",
    "R7.9",
    differs="an edit inside a paused subgraph keeps its question at both levels",
    expected=[
        {"q": True},
        {"q": True},
        True,
        {"log": ["p", "p", "s", "u", "v", "saw ['p', 's', 'u', 'v']", "r"]},
    ],
)
def an_edit_inside_a_subgraph_keeps_its_question(api, run):
    def ask(state):
        return {"log": [f"saw {state['log']}", api.interrupt("q")]}

    below = graph(api, (api.START, "s"), ("s", "n"), s=None, n=ask).compile()
    built = graph(api, (api.START, "p"), ("p", "sub"), p=None, sub=below)
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    inside = run.get_state(g, run.config()).tasks[0].state
    run.update_state(g, inside, {"log": ["u"]})
    below_same = kept(run, g, ids, inside)
    above_same = kept(run, g, ids)
    again = run.invoke(g, None, run.config())["__interrupt__"][0].id == ids["q"]
    inside = run.get_state(g, run.config()).tasks[0].state
    run.update_state(g, inside, {"log": ["v"]})
    out = run.invoke(g, api.Command(resume={ids["q"]: "r"}), run.config())
    return [below_same, above_same, again, out]


@program(
    "R7.9",
    differs="a graph that has not begun begins on the edited state",
    expected=[{"log": ["i", "u", "i", "x"]}, {"log": ["i", "u", "u", "i", "x"]}],
)
def an_edit_of_a_graph_that_has_not_begun(api, run):
    sub = graph(api, (api.START, "x"), x=None).compile()
    built = graph(api, (api.START, "sub"), sub=sub)
    g = built.compile(checkpointer=run.saver, interrupt_before=["sub"])

    def edited(name, times):
        thread = run.config(name)
        run.invoke(g, {"log": ["i"]}, thread)
        for _ in range(times):
            below = run.get_state(g, thread).tasks[0].state
            run.update_state(g, below, {"log": ["u"]})
        return run.invoke(g, None, thread)

    return [edited("once", 1), edited("twice", 2)]


def _halted(api, run, calls, *, kept, middle=None):
    """Below a node: s1, a breakpoint, and s2, which is `middle`."""
    s2 = middle or say("s2", calls)
    edges = [(api.START, "s1"), ("s1", "s2"), ("s2", "s3")]
    below = graph(api, *edges, s1=say("s1", calls), s2=s2, s3=say("s3", calls))
    sub = below.compile(checkpointer=kept, interrupt_before=["s2"])
    built = graph(api, (api.START, "p"), ("p", "sub"), p=None, sub=sub)
    return built.compile(checkpointer=run.saver)


@program("R5.26", "R7.5", "R7.9")
def an_edit_above_a_graph_that_stands_at_a_breakpoint(api, run):
    seen = []
    for kept_state in (None, True):
        config, calls = run.config(str(kept_state)), []
        g = _halted(api, run, calls, kept=kept_state)
        run.invoke(g, {"log": []}, config)
        run.update_state(g, config, {"log": ["u"]})
        for _ in range(2):
            out = run.invoke(g, None, config)
            seen.append([out, calls[:], run.look(g, config)["next"]])
    return seen


@program("R7.5", "R7.9")
def an_edit_above_a_graph_that_keeps_its_state_and_has_failed(api, run):
    calls = []
    g = _halted(api, run, calls, kept=True, middle=once_bad(calls))
    run.invoke(g, {"log": []}, run.config())
    run.attempt(run.invoke, g, None, run.config())
    for again in ("u", "v"):
        run.update_state(g, run.config(), {"log": [again]})
    return [run.invoke(g, None, run.config()), calls]


@program("R7.5", "R7.9")
def an_edit_above_a_node_that_calls_a_graph_at_a_breakpoint(api, run):
    edges = [(api.START, "s1"), ("s1", "s2")]
    calls = []
    nodes = {name: say(name, calls) for name in ("s1", "s2")}
    sub = graph(api, *edges, **nodes).compile(
        checkpointer=True, interrupt_before=["s2"]
    )

    def node(state):
        return {"log": sub.invoke({"log": ["in"]})["log"]}

    g = graph(api, (api.START, "n"), n=node).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    inside = run.look(g, run.config(), subgraphs=True)["tasks"][0]["state"]["next"]
    return [inside, run.invoke(g, None, run.config()), calls]


@program(
    "R5.26",
    "R6.10",
    "R7.9",
    differs="what an edit carries over is asked again at once, past breakpoints left before",
    expected=[
        [["s1", "s2", "s1", "s2"], {"q": True}],
        [["s1", "s2", "s1", "s2"], {"q": True}],
        [["s1", "s2", "s1", "s2", "s3"], {}],
        {"log": ["p", "u", "p", "u", "s1", "r", "s3"]},
    ],
)
def an_edit_above_goes_past_a_breakpoint_to_the_question(api, run):
    seen = []
    for given in (None, api.Command(resume="r")):
        config, calls = run.config(str(given)), []
        asking = notes_and_asks(api, "q", calls, "s2")
        g = _halted(api, run, calls, kept=None, middle=asking)
        run.invoke(g, {"log": []}, config)
        run.invoke(g, None, config)
        ids = open_ids(run, g, config)
        run.update_state(g, config, {"log": ["u"]})
        out = run.invoke(g, given, config)
        seen.append([calls[:], kept(run, g, ids, config)])
        if given is None:
            seen.append(
                [
                    calls[:],
                    {
                        each.value: each.id == ids[each.value]
                        for each in out["__interrupt__"]
                    },
                ]
            )
        else:
            seen.append(out)
    return seen


@program(
    "R5.26",
    "R6.10",
    differs="a breakpoint that nobody has gone past holds, with the question still open",
    expected=[
        [["pay"], ["q"]],
        [[], {"log": ["u", "u", "pay"]}],
    ],
)
def an_edit_above_that_leads_to_another_breakpoint(api, run):
    def route(state):
        return "pay" if "u" in state["log"] else "ask"

    below = graph(api, ask=asks(api), pay=None)
    below.add_conditional_edges(api.START, route)
    sub = below.compile(interrupt_before=["pay", "ask"])
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    seen = []
    run.invoke(g, {"log": []}, run.config())
    run.invoke(g, None, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    for given in (None, api.Command(resume="r")):
        out = run.invoke(g, given, run.config())
        found = run.get_state(g, run.config(), subgraphs=True)
        inside = [name for task in found.tasks for name in task.state.next]
        asked = [each.value for each in found.interrupts]
        seen.append([inside, asked or out])
    return seen
