"""Attributes of a thread: when they are set, and when they are not (RB.11)."""

from functools import partial

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, once_bad

new = partial(program, differs="LangGraph's threads have no attributes")


def attributes(run, thread="t"):
    return run.saver.attributes_of(thread)


@new(
    "RB.11",
    "RA.11",
    expected=[
        {"amount": 1, "asks": True, "task": "price"},
        {"amount": 2, "task": "price", "tags": ["a", "b"]},
    ],
)
def set_with_the_question_and_with_the_step(api, run):
    @api.task
    def price():
        api.set_attributes(task="price", amount=0)
        return 1

    def ask(state):
        api.set_attributes(amount=1)
        price().result()
        api.set_attributes(asks=True)
        api.interrupt("q")
        api.set_attributes(amount=2, asks=None, tags=["a", "b"])
        return {"log": ["ask"]}

    g = graph(api, (api.START, "ask"), ask=ask).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    waiting = attributes(run)
    run.invoke(g, api.Command(resume="r"), run.config())
    return [waiting, attributes(run)]


@new("RB.11", expected=[{"raises": "ValueError"}, {"good": 1}, {"good": 1}])
def a_failed_attempt_leaves_nothing(api, run):
    def bad(state):
        api.set_attributes(bad=1, good=None)
        raise ValueError("no")

    def good(state):
        api.set_attributes(good=1)
        return {"log": ["good"]}

    edges = [(api.START, "good"), ("good", "bad")]
    g = graph(api, *edges, good=good, bad=bad).compile(checkpointer=run.saver)
    first = run.attempt(run.invoke, g, {"log": []}, run.config())
    middle = attributes(run)
    run.attempt(run.invoke, g, None, run.config())
    return [first, middle, attributes(run)]


@new("RB.11", expected=[{}, {"a": "a", "both": "b", "b": "b"}])
def a_step_sets_all_or_nothing(api, run):
    """`a` ends and `b` fails: the step is not applied; then both are, in the order of their paths."""
    calls = []

    def a(state):
        api.set_attributes(a="a", both="a")
        return {"log": ["a"]}

    def b(state):
        found = once_bad(calls)(state)
        api.set_attributes(b="b", both="b")
        return found

    edges = [(api.START, "a"), (api.START, "b")]
    g = graph(api, *edges, a=a, b=b).compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": []}, run.config())
    middle = attributes(run)
    run.invoke(g, None, run.config())
    return [middle, attributes(run)]


@new("RB.11", "R4.12", expected=[{"n": 1}, {"n": "mine"}])
def replay_of_a_finished_task_sets_nothing(api, run):
    @api.task
    def count():
        api.set_attributes(n=1)
        return 1

    @api.entrypoint(checkpointer=run.saver)
    def flow(given):
        count().result()
        return api.interrupt("q")

    run.invoke(flow, 1, run.config())
    before = attributes(run)
    run.saver.put_attributes("t", {"n": "mine"})
    run.invoke(flow, api.Command(resume="r"), run.config())
    return [before, attributes(run)]


@new("RB.11", "R4.4", expected=[{"x": 1, "y": 2}, {"x": 1, "y": 3}])
def set_with_durability_exit(api, run):
    def x(state):
        api.set_attributes(x=1, y=1)
        return {"log": ["x"]}

    def y(state):
        api.set_attributes(y=2)
        api.interrupt("q")
        api.set_attributes(y=3)
        return {"log": ["y"]}

    edges = [(api.START, "x"), ("x", "y")]
    g = graph(api, *edges, x=x, y=y).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config(), durability="exit")
    middle = attributes(run)
    run.invoke(g, api.Command(resume="r"), run.config(), durability="exit")
    return [middle, attributes(run)]


@new("RB.11", "R7.3", expected=[{"below": "yes"}, {"below": "yes", "handed": "over"}])
def set_below_and_handed_over(api, run):
    """In a subgraph; and by one that leaves with a Command for the graph above."""

    def inner(state):
        api.set_attributes(below="yes")
        return {"log": ["inner"]}

    def leave(state):
        api.set_attributes(handed="over")
        return api.Command(graph=api.Command.PARENT, update={"log": ["left"]})

    below = graph(api, (api.START, "inner"), inner=inner).compile()
    leaving = graph(api, (api.START, "leave"), leave=leave).compile()
    edges = [(api.START, "below"), ("below", "leaving")]
    g = graph(api, *edges, below=below, leaving=leaving).compile(
        checkpointer=run.saver, interrupt_after=["below"]
    )
    run.invoke(g, {"log": []}, run.config())
    middle = attributes(run)
    run.invoke(g, None, run.config())
    return [middle, attributes(run)]


@new("RB.11", "R1.38", expected=[{"node": 1, "call": 2}, {"node": 1, "call": 2}])
def a_result_from_the_cache_sets_what_it_set(api, run):
    policy = api.CachePolicy(key_func=lambda *given: "same")

    @api.task(cache_policy=policy)
    def call():
        api.set_attributes(call=2)
        return 1

    def node(state):
        api.set_attributes(node=1)
        return {"log": ["node"]}

    def caller(state):
        call().result()

    g = api.StateGraph(dict)
    g.add_node("node", node, cache_policy=policy)
    g.add_node("caller", caller)
    g.add_edge(api.START, "node").add_edge("node", "caller")
    g = g.compile(checkpointer=run.saver, cache=api.InMemoryCache())
    found = []
    for thread in ("one", "two"):
        run.invoke(g, {}, run.config(thread))
        found.append(attributes(run, thread))
    return found


@new("RB.11", "R6.10", expected=[{}, {"done": True}])
def an_edit_that_takes_a_finished_sibling_over_sets_its_attributes(api, run):
    def done(state):
        api.set_attributes(done=True)
        return {"log": ["done"]}

    def asks(state):
        api.interrupt("q")

    edges = [(api.START, "done"), (api.START, "asks")]
    g = graph(api, *edges, done=done, asks=asks).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    middle = attributes(run)
    run.update_state(g, run.config(), {"log": ["edit"]})
    return [middle, attributes(run)]


@new("RB.11", expected=[{"raises": "RuntimeError"}, {"raises": "ValueError"}, {}])
def without_a_saver_and_with_too_many(api, run):
    def sets(state):
        api.set_attributes(a=1)

    def sets_many(state):
        api.set_attributes(**{f"n{n}": n for n in range(20)})
        api.set_attributes(**{f"m{n}": n for n in range(20)})

    plain = graph(api, (api.START, "sets"), sets=sets).compile()
    many = graph(api, (api.START, "many"), many=sets_many)
    many = many.compile(checkpointer=run.saver)
    return [
        run.attempt(run.invoke, plain, {"log": []}),
        run.attempt(run.invoke, many, {"log": []}, run.config()),
        attributes(run),
    ]
