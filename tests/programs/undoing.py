"""Sagas: what undoes the work is on record, and is called when the work fails."""

from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import acompensate, compensate, interrupt
from tests.programs.flows import build
from tests.programs.sample import PlannedFailure, sample

_lives = []
"""Of the process that builds a sample: what undoes is a function of a module."""


def give_back(what):
    return _lives[-1].did(f"give back {what}")


async def agive_back(what):
    return give_back(what)


def ask_and_give_back(what, result):
    if interrupt(f"give {what} back?") == "yes":
        return give_back(f"{what} as {len(result)}")
    return "kept"


def in_life(life):
    _lives[:] = [life]
    return life


def fail(state):
    raise PlannedFailure("the work fails")


@sample({"log": []})
def work_that_is_undone(life, saver):
    in_life(life)

    def buy(state):
        life.did("buy")
        compensate(give_back, "a")
        compensate(give_back, "b")
        return {"log": ["buy"]}

    edges = [(START, "buy"), ("buy", "fail")]
    return build(life, "buy fail", *edges, buy=buy, fail=fail).compile(
        checkpointer=saver
    )


@sample({"log": []}, answers={"give b back?": "yes"})
def work_below_that_is_undone(life, saver):
    in_life(life)

    @task(undo=ask_and_give_back)
    def take(what):
        return life.did(f"take {what}")

    def buy(state):
        compensate(give_back, "a")
        return {"log": [take("b").result()]}

    def send(state):
        compensate(give_back, "c")
        return {"log": [life.did("send")]}

    edges = [(START, "buy"), ("buy", "send")]
    below = build(life, "buy send", *edges, buy=buy, send=send).compile()
    edges = [(START, "below"), ("below", "fail")]
    nodes = {"below": below, "fail": fail}
    return build(life, "below fail", *edges, **nodes).compile(checkpointer=saver)


@sample(2, only="async")
def tasks_that_are_undone(life, saver):
    in_life(life)

    @task(undo=agive_back)
    async def take(what):
        return life.did(f"take {what}")

    @entrypoint(checkpointer=saver)
    async def flow(given):
        for number in range(given):
            await take(number)
        await acompensate(give_back, "all")
        raise PlannedFailure("the work fails")

    return flow
