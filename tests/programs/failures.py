"""Failures: continued, beside a success, retried, handled."""

import asyncio
import time

from durableweb.errors import NodeError
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, RetryPolicy
from tests.programs.flows import Flow, build
from tests.programs.sample import sample

QUICK = RetryPolicy(initial_interval=0.0, jitter=False)


def _shaky(life, error=None):
    def node(state):
        life.world.fail_once("shaky", *([error] if error else []))
        return {"log": [life.did("shaky")]}

    return node


@sample({"log": []})
def failure_in_a_chain(life, saver):
    edges = [(START, "x"), ("x", "shaky"), ("shaky", "y")]
    return build(life, "x shaky y", *edges, shaky=_shaky(life)).compile(
        checkpointer=saver
    )


def _shaky_beside(life):
    fails = _shaky(life)

    def shaky(state):
        if not life.world.tries["shaky"]:
            time.sleep(0.03)  # or what runs beside it may not have ended yet
        return fails(state)

    edges = [(START, "ok"), (START, "shaky"), (["ok", "shaky"], "j")]
    return build(life, "ok shaky j", *edges, shaky=shaky)


@sample({"log": []})
def failure_beside_a_success(life, saver):
    return _shaky_beside(life).compile(checkpointer=saver)


@sample({"log": []}, only="async")
def failure_beside_a_coroutine(life, saver):
    async def slow(state):
        await asyncio.sleep(0.01)
        return {"log": [life.did("slow")]}

    async def shaky(state):
        life.world.fail_once("shaky")
        return {"log": [life.did("shaky")]}

    edges = [(START, "slow"), (START, "shaky"), (["slow", "shaky"], "j")]
    graph = build(life, "slow shaky j", *edges, slow=slow, shaky=shaky)
    return graph.compile(checkpointer=saver)


@sample({"log": []})
def failure_in_a_limited_step(life, saver):
    limited = _shaky_beside(life).compile(checkpointer=saver)
    limited.step_timeout = 60
    return limited


@sample({"log": []})
def retried_node(life, saver):
    graph = StateGraph(Flow).add_node("x", life.says("x"))
    graph.add_node("shaky", _shaky(life, ConnectionError), retry_policy=QUICK)
    graph.add_edge(START, "x").add_edge("x", "shaky")
    return graph.compile(checkpointer=saver)


@sample({"log": []})
def failing_branch(life, saver):
    def choose(state):
        life.world.fail_once("choose")
        return "y"

    graph = build(life, "x y", (START, "x"))
    return graph.add_conditional_edges("x", choose).compile(checkpointer=saver)


@sample({"log": []})
def handled_failure(life, saver):
    @task
    def look(text):
        return life.did(text)

    def bad(state):
        look("looked").result()
        life.did("bad")
        raise ConnectionError("always")

    def handle(state, error: NodeError):
        found = look("looked again").result()
        return Command(update={"log": [found, life.did("handle")]}, goto="y")

    graph = build(life, "y", (START, "bad"))
    graph.add_node("bad", bad, error_handler=handle)
    return graph.compile(checkpointer=saver)
