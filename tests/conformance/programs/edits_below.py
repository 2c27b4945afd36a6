"""Section 6: what an edit keeps of questions below: in tasks and subgraphs (R6.10, R7.9)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph, kept, open_ids


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
