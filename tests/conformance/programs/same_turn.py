"""Async runs: what ends in the same turn of the event loop as a failure beside it."""

import asyncio

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, fan, graph


@program("R3.11", "R3.12", "R3.13", "R5.13", only="async")
def what_has_ended_with_a_failure_is_kept(api, run):
    calls = []

    async def bad(state):
        calls.append("bad")
        if calls.count("bad") == 1:
            raise RuntimeError("first time")
        return {"log": ["bad"]}

    async def good(state):
        calls.append("good")
        return {"log": ["good"]}

    async def late(state):
        calls.append("late")
        await asyncio.sleep(0.02)
        return {"log": ["late"]}

    async def ask(state):
        calls.append("ask")
        return {"log": [api.interrupt("q")]}

    async def worse(state):
        calls.append("worse")
        if calls.count("worse") == 1:
            raise RuntimeError("as well")
        return {"log": ["worse"]}

    def told(**nodes):
        calls.clear()
        thread = run.config("+".join(nodes))
        g = fan(api, "bad", *nodes, bad=bad, **nodes).compile(checkpointer=run.saver)
        seen = [run.attempt(run.invoke, g, {"log": ["i"]}, thread), run.look(g, thread)]
        return [*seen, run.invoke(g, None, thread), sorted(calls)]

    return [
        told(good=good),
        told(good=good, late=late),
        told(good=good, late=late, worse=worse),
        told(ask=ask),
        told(worse=worse),
    ]


@program("R3.11", "R3.12", "R3.13", only="async")
def sends_that_have_ended_with_a_failure_are_kept(api, run):
    calls = []

    async def work(state):
        calls.append(state["a"])
        if calls == [1]:
            raise RuntimeError("first time")
        return {"log": [state["a"]]}

    inner = api.StateGraph(S).add_node("work", work)
    inner.add_conditional_edges(
        api.START, lambda state: [api.Send("work", {"a": n}) for n in (1, 2, 3)]
    )
    g = graph(api, (api.START, "sub"), sub=inner.compile())
    g = g.compile(checkpointer=run.saver)
    failed = run.attempt(run.invoke, g, {"log": ["i"]}, run.config())
    seen = run.look(g, run.config(), subgraphs=True)
    return [failed, seen, run.invoke(g, None, run.config()), calls]


@program("R3.11", "R1.33", only="async")
def what_failed_in_the_same_turn_is_not_tried_again(api, run):
    calls = []

    async def bad(state):
        calls.append("bad")
        if calls.count("bad") == 1:
            raise RuntimeError("bad")
        return {"log": ["bad"]}

    async def tried(state):
        calls.append("tried")
        if calls.count("tried") == 1:
            raise ConnectionError("no line")
        await asyncio.Event().wait()

    built = fan(api, "bad", bad=bad)
    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built.add_node("tried", tried, retry_policy=policy).add_edge(api.START, "tried")
    g = built.compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    return [error, run.look(g, run.config())["next"], calls.count("bad")]


def _leaves_a_task(api, run, ends, *, other="good", later=False, together=False):
    """A node that ends while a `@task` it did not await runs, beside a failure then or `later`.

    With `together` both end when the task has begun.

    What the first run gave, the thread after it, what the next run gave, the calls of both.
    """
    calls = []
    begun = asyncio.Event()

    @api.task
    async def inner(n):
        calls.append("inner")
        begun.set()
        await asyncio.sleep(0.05)
        calls.append("inner done")

    async def node(state):
        calls.append("node")
        inner(1)
        if together:
            await begun.wait()
        return {"log": [ends()]}

    async def bad(state):
        calls.append("bad")
        if later:
            await asyncio.sleep(0.01)
        if together:
            await begun.wait()
        if calls.count("bad") == 1:
            raise RuntimeError("first time")
        return {"log": ["bad"]}

    g = fan(api, "bad", other, bad=bad, **{other: node}).compile(checkpointer=run.saver)
    thread = run.config(f"{other} {later} {together} {ends.__name__}")
    failed = run.attempt(run.invoke, g, {"log": ["i"]}, thread)
    first = [*calls]
    seen = run.look(g, thread)
    out = run.attempt(run.invoke, g, None, thread)
    return failed, seen, out, first, calls[len(first) :]


ORDERS = (
    {},
    {"other": "a"},
    {"together": True},
    {"together": True, "other": "a"},
    {"later": True},
)
"""A node that is started after the one that fails, before it, or that ends long before it."""


@program("R3.11", "R3.13", "R8.11", only="async")
def a_node_that_left_a_task_is_kept_beside_a_failure(api, run):
    told = [_leaves_a_task(api, run, lambda: "node", **order) for order in ORDERS]
    return [[*seen, calls] for *seen, _, calls in told]


@program(
    "R3.11",
    "R8.11",
    only="async",
    differs="the task goes on to its end; LangGraph cancels it, and nobody calls it again",
    expected=[["bad", "inner", "inner done", "node"]] * 5,
)
def a_task_that_a_node_left_is_not_lost_beside_a_failure(api, run):
    told = [_leaves_a_task(api, run, lambda: "node", **order) for order in ORDERS]
    return [sorted(first) for *_, first, _ in told]


@program("R3.11", "R3.12", "R5.13", only="async")
def a_node_that_left_a_task_and_asks_or_fails_beside_a_failure(api, run):
    def fails():
        raise RuntimeError("first time")

    def told(ends, order):
        return _leaves_a_task(api, run, ends, **order)[:3]

    return [
        told(ends, order)
        for ends in (fails, lambda: api.interrupt("q"))
        for order in ORDERS[:4]
    ]
