"""Section 5: questions that a program raises itself, as older ones do (R5.29)."""

import warnings

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import fan, graph, say


def _values(asked):
    return [each.value for each in asked]


def _plain(result):
    """What a call gave, its questions by what they ask: the reference gives them no ids."""
    if "__interrupt__" not in result:
        return result
    return {**result, "__interrupt__": _values(result["__interrupt__"])}


def _give(run, g, *given, config=None):
    return [_plain(run.invoke(g, each, config or run.config())) for each in given]


def _look(run, g, **options):
    found = run.get_state(g, run.config(), **options)
    tasks = [[task.name, _values(task.interrupts)] for task in found.tasks]
    return [found.values, list(found.next), _values(found.interrupts), tasks]


def _stops(api, calls, text="too much", limit=5):
    """A node that raises its question while `a` is over the limit."""

    def node(state):
        calls.append("n")
        if state["a"] > limit:
            raise api.NodeInterrupt(f"{text}: {state['a']}")
        return {"log": ["n"]}

    return node


def _one(api, run, node, saver=True, **options):
    built = graph(api, (api.START, "x"), x=None, z=None)
    built.add_node("n", node, **options).add_edge("x", "n").add_edge("n", "z")
    return built.compile(checkpointer=run.saver) if saver else built.compile()


@program("R5.29")
def a_raised_question_and_an_edit(api, run):
    """As the older documentation has it: stop, edit what was too much, go on with None."""
    calls = []
    g = _one(api, run, _stops(api, calls))
    first = _give(run, g, {"a": 9, "log": []})
    seen = _look(run, g)
    again = _give(run, g, None)
    run.update_state(g, run.config(), {"a": 1})
    last = _give(run, g, None)
    return [first, seen, again, last, _look(run, g), len(calls)]


@program("R5.29")
def a_raised_question_and_an_edit_in_its_place(api, run):
    calls = []
    g = _one(api, run, _stops(api, calls))
    first = _give(run, g, {"a": 9, "log": []})
    run.update_state(g, run.config(), {"log": ["by hand"]}, as_node="n")
    return [first, _give(run, g, None), len(calls), run.steps(g, run.config())]


@program("R5.29")
def an_answer_runs_the_node_again(api, run):
    """It reaches nobody; the node asks as long as it finds a reason."""
    reasons = ["one", "two", "two"]

    def n(state):
        if reasons:
            raise api.NodeInterrupt(reasons.pop(0))
        return {"log": ["n"]}

    g = _one(api, run, n)
    seen = []
    for given in ({"log": []}, *[api.Command(resume=n) for n in range(3)]):
        seen += [*_give(run, g, given), _look(run, g)]
    return seen


@program("R5.29")
def an_answer_to_a_raised_question_reaches_an_interrupt(api, run):
    calls = []

    def n(state):
        calls.append("n")
        if len(calls) == 1:
            raise api.NodeInterrupt("why?")
        return {"log": [api.interrupt("what?"), api.interrupt("how?")]}

    g = _one(api, run, n)
    answers = [api.Command(resume="first"), api.Command(resume="second")]
    return [_give(run, g, {"log": []}, *answers), len(calls)]


@program("R5.29")
def a_raised_question_after_an_answer(api, run):
    reasons = ["no"]

    def n(state):
        first = api.interrupt("who?")
        if reasons:
            raise api.NodeInterrupt(reasons.pop())
        return {"log": [first]}

    g = _one(api, run, n)
    seen = []
    for given in ({"log": []}, api.Command(resume="ann"), None):
        seen += [*_give(run, g, given), _look(run, g)]
    return seen


@program("R5.29")
def a_graph_interrupt_raised_by_hand(api, run):
    """With ids of 32 hex digits, which it keeps; a map of answers runs the node again."""
    ids = ["a" * 32, "b" * 32]
    open_now = [ids]

    def n(state):
        if open_now:
            asked = [api.Interrupt(f"q{id[0]}", id) for id in open_now.pop()]
            raise api.GraphInterrupt(asked)
        return {"log": ["n"]}

    g = _one(api, run, n)
    first = run.invoke(g, {"log": []}, run.config())
    kept = [i.id for i in first["__interrupt__"]] == ids
    seen = run.look(g, run.config())["interrupts"]
    answers = {ids[0]: 1, ids[1]: 2}
    return [first, kept, seen, run.invoke(g, api.Command(resume=answers), run.config())]


@program("R5.29")
def a_graph_interrupt_without_a_question(api, run):
    calls = []

    def n(state):
        calls.append("n")
        if len(calls) == 1:
            raise api.GraphInterrupt()
        return {"log": ["n"]}

    g = _one(api, run, n)
    return [_give(run, g, {"log": []}), _look(run, g), _give(run, g, None)]


@program("R5.29")
def a_raised_question_in_a_task(api, run):
    reasons, calls = ["why?"], []

    @api.task
    def before(n):
        calls.append("before")
        return n + 1

    @api.task
    def asking(n):
        calls.append("asking")
        if reasons:
            raise api.NodeInterrupt(reasons.pop())
        return n * 2

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return asking(before(n).result()).result()

    first = run.invoke(wf, 1, run.config())
    seen = _values(run.get_state(wf, run.config()).interrupts)
    last = run.invoke(wf, api.Command(resume="go"), run.config())
    return [_plain(first), seen, last, calls]


@program("R5.29")
def a_raised_question_in_a_task_that_a_node_calls(api, run):
    reasons = ["why?", "still?"]

    @api.task
    def asking():
        if reasons:
            raise api.NodeInterrupt(reasons.pop(0))
        return "done"

    def n(state):
        return {"log": [asking().result()]}

    g = _one(api, run, n)
    answers = [api.Command(resume=1), api.Command(resume=2)]
    return [_give(run, g, {"log": []}, *answers), _look(run, g)]


@program("R5.29")
def a_raised_question_in_a_graph_that_is_a_node(api, run):
    calls = []
    below = graph(api, (api.START, "y"), y=say("y", calls))
    below.add_node("n", _stops(api, calls)).add_edge("y", "n")
    g = _one(api, run, below.compile())
    first = _give(run, g, {"a": 9, "log": []})
    seen = _look(run, g)
    again = _give(run, g, None, api.Command(resume="go"))
    inside = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
    run.update_state(g, inside.config, {"a": 1})
    return [first, seen, again, _give(run, g, None), calls]


@program("R5.29")
def a_raised_question_in_a_graph_that_a_node_calls(api, run):
    reasons, calls = ["why?"], []

    def asking(state):
        calls.append("asking")
        if reasons:
            raise api.NodeInterrupt(reasons.pop())
        return {"log": ["asked"]}

    below = graph(api, (api.START, "asking"), asking=asking).compile()

    def n(state):
        calls.append("n")
        return {"log": below.invoke({"log": ["in"]})["log"]}

    g = _one(api, run, n)
    first = _give(run, g, {"log": []})
    seen = _look(run, g)
    return [first, seen, _give(run, g, api.Command(resume="go")), calls]


@program("R5.29")
def a_raised_question_in_a_branch(api, run):
    reasons, calls = ["why?"], []

    def choose(state):
        if reasons:
            raise api.NodeInterrupt(reasons.pop())
        return "z"

    built = graph(api, (api.START, "n"), n=say("n", calls), z=None)
    g = built.add_conditional_edges("n", choose, ["z"])
    g = g.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())["__interrupt__"]
    return [_values(first), _give(run, g, None), calls]


@program("R5.29", "R5.13")
def raised_questions_side_by_side(api, run):
    """Two tasks of one node and a node that ends: each question is there."""
    reasons = [1, 2]

    def n(state):
        if state["a"] in reasons:
            raise api.NodeInterrupt(f"why {state['a']}?")
        return {"log": [f"n{state['a']}"]}

    def start(state):
        return [api.Send("n", {"a": 1}), api.Send("n", {"a": 2}), "x"]

    built = graph(api, n=n, x=None)
    g = built.add_conditional_edges(api.START, start, ["n", "x"])
    g = g.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())["__interrupt__"]
    seen = _look(run, g)
    reasons.clear()
    return [sorted(_values(first)), seen, _give(run, g, None)]


@program("R5.29", "R5.12")
def a_raised_question_is_no_failure(api, run):
    calls = []

    def handler(state):
        calls.append("handler")

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False, retry_on=Exception)
    options = {"retry_policy": policy, "error_handler": handler}
    g = _one(api, run, _stops(api, calls), **options)
    return [_give(run, g, {"a": 9, "log": []}), calls]


@program("R5.29", "R5.13")
def a_raised_question_beside_a_failure(api, run):
    calls = []

    def bad(state):
        raise RuntimeError("bad")

    if run.driver == "async":

        async def asks(state):
            raise api.NodeInterrupt("why?")
    else:

        def asks(state):
            raise api.NodeInterrupt("why?")

    built = fan(api, "asks", "bad", asks=asks, bad=bad)
    g = built.compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    return [error, calls]


@program("R5.29")
def a_raised_question_that_is_caught(api, run):
    """Nobody has been asked: the author has caught an exception of his own."""

    def n(state):
        try:
            raise api.NodeInterrupt("why?")
        except api.GraphInterrupt:
            return {"log": ["caught"]}

    return _give(run, _one(api, run, n), {"log": []})


@program("R5.29", "R5.11")
def a_raised_question_without_a_saver(api, run):
    g = _one(api, run, _stops(api, []), saver=False)
    return [_plain(run.invoke(g, {"a": a, "log": []})) for a in (9, 1)]


@program("R5.29", "R9.3")
def a_raised_question_in_streams(api, run):
    g = _one(api, run, _stops(api, []))
    seen = []
    for mode, chunk in run.stream(
        g, {"a": 9, "log": []}, run.config(), stream_mode=["updates", "values"]
    ):
        asked = chunk.get("__interrupt__")
        seen.append([mode, chunk if asked is None else _values(asked)])
    return seen


@program("R5.29")
def what_a_node_interrupt_is(api, run):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        error = api.NodeInterrupt({"why": 1}, id="c" * 32)
    kinds = [isinstance(error, kind) for kind in (api.GraphInterrupt, Exception)]
    deprecated = [issubclass(each.category, DeprecationWarning) for each in said]
    return [list(error.args[0]), kinds, deprecated]


@program(
    "R5.29",
    differs="a question without an id has one of its own, by which it can be answered",
    expected=[
        [{"asks": "why?", "id": "#1"}],
        [{"asks": "why?", "id": "#1"}],
        [{"asks": "why?", "id": "#1"}],
        {"log": ["x", "n", "z"]},
    ],
)
def a_raised_question_is_answered_by_id(api, run):
    reasons = ["why?", "why?"]

    def n(state):
        if reasons:
            raise api.NodeInterrupt(reasons.pop())
        return {"log": ["n"]}

    g = _one(api, run, n)
    first = run.invoke(g, {"log": []}, run.config())["__interrupt__"]
    found = run.get_state(g, run.config()).interrupts
    again = run.invoke(g, api.Command(resume={found[0].id: 1}), run.config())
    last = run.invoke(g, api.Command(resume={found[0].id: 2}), run.config())
    return [first, list(found), again["__interrupt__"], last]


@program(
    "R5.29",
    differs="a name that an answer cannot use is no id",
    expected=[False, 32],
)
def a_raised_question_with_a_name_for_an_id(api, run):
    def n(state):
        raise api.NodeInterrupt("why?", id="mine")

    asked = run.invoke(_one(api, run, n), {"log": []}, run.config())["__interrupt__"]
    return [asked[0].id == "mine", len(asked[0].id)]
