"""Sleeps: in a node, in several at once, in tasks, in a graph below, and beside a question."""

from datetime import UTC, datetime, timedelta

from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import asleep, interrupt, sleep, sleep_until
from tests.programs.flows import build
from tests.programs.sample import sample

HOUR = 3600
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@sample({"log": []})
def a_node_that_sleeps_twice(life, saver):
    def nap(state):
        slept = [sleep(HOUR), sleep_until(LONG_AGO), sleep(timedelta(days=30))]
        return {"log": [life.did("nap"), *slept]}

    edges = [(START, "x"), ("x", "nap"), ("nap", "y")]
    return build(life, "x nap y", *edges, nap=nap).compile(checkpointer=saver)


@sample({"log": []})
def nodes_that_sleep_side_by_side(life, saver):
    def naps(name, *hours):
        def node(state):
            return {"log": [life.did(name), *(sleep(each * HOUR) for each in hours)]}

        return node

    edges = [(START, name) for name in "pqr"] + [([*"pqr"], "fin")]
    nodes = {"p": naps("p", 1, 3), "q": naps("q", 2)}
    return build(life, "p q r fin", *edges, **nodes).compile(checkpointer=saver)


@sample({"log": []}, only="async")
def a_coroutine_that_sleeps(life, saver):
    async def nap(state):
        return {"log": [life.did("nap"), await asleep(HOUR)]}

    return build(life, "nap y", (START, "nap"), ("nap", "y"), nap=nap).compile(
        checkpointer=saver
    )


@sample(3)
def tasks_that_sleep(life, saver):
    @task
    def fetch(number, hours):
        if hours:
            sleep(hours * HOUR)
        return life.did(f"fetch {number}")

    @entrypoint(checkpointer=saver)
    def flow(given):
        found = [each.result() for each in [fetch(n, n) for n in range(given)]]
        sleep(HOUR)
        return [*found, fetch(given, 0).result()]

    return flow


@sample({"log": []}, answers={"q": "yes"})
def a_graph_below_that_sleeps_beside_a_question(life, saver):
    def nap(state):
        return {"log": [life.did("nap"), sleep(HOUR)]}

    def ask(state):
        return {"log": [life.did("ask"), interrupt("q")]}

    edges = [(START, "a"), ("a", "nap"), ("nap", "b")]
    below = build(life, "a nap b", *edges, nap=nap).compile()

    def call(state):
        return {"log": below.invoke({"log": []})["log"]}

    edges = [(START, "call"), (START, "ask"), (["call", "ask"], "fin")]
    return build(life, "call ask fin", *edges, call=call, ask=ask).compile(
        checkpointer=saver
    )
