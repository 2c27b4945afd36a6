"""Tasks in nodes and entrypoints: recorded, nested, asking, failing."""

from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import RetryPolicy, interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


@sample({"log": []}, answers={"q": "r"})
def tasks_in_a_node(life, saver):
    @task
    def fetch(n):
        return life.did(f"fetch{n}")

    def node(state):
        found = [f.result() for f in [fetch(1), fetch(2)]]
        given = interrupt("q")
        return {"log": [*found, given, fetch(3).result(), life.did("node")]}

    return build(life, "x node", (START, "x"), ("x", "node"), node=node).compile(
        checkpointer=saver
    )


@sample(3)
def tasks_in_an_entrypoint(life, saver):
    @task
    def step(n):
        return life.did(f"step{n}")

    @entrypoint(checkpointer=saver)
    def flow(n):
        return [step(each).result() for each in range(n)]

    return flow


@sample(1, answers={"draft 0": "shorter", "draft 1": "ok"})
def drafts_and_questions(life, saver):
    @task
    def write(number):
        return life.did(f"write{number}")

    @entrypoint(checkpointer=saver)
    def flow(n):
        found = []
        for number in range(3):
            found.append(write(number).result())
            if interrupt(f"draft {number}") == "ok":
                break
        return found

    return flow


@sample(1, answers={"q1": "x", "q2": "y"})
def tasks_that_ask(life, saver):
    @task
    def before():
        return life.did("before")

    @task
    def ask(n):
        given = interrupt(f"q{n}")
        return f"{life.did(f'ask{n}')} {given}"

    @entrypoint(checkpointer=saver)
    def flow(n):
        return [before().result(), *[f.result() for f in [ask(1), ask(2)]]]

    return flow


@sample(1)
def nested_tasks(life, saver):
    @task
    def low(n):
        return life.did(f"low{n}")

    @task
    def high(n):
        return [low(n).result(), low(n + 1).result(), life.did(f"high{n}")]

    @entrypoint(checkpointer=saver)
    def flow(n):
        return [high(10).result(), high(20).result()]

    return flow


@sample(1)
def failure_between_tasks(life, saver):
    @task
    def step(n):
        return life.did(f"step{n}")

    @entrypoint(checkpointer=saver)
    def flow(n):
        first = step(1).result()
        life.world.fail_once("flow")
        return [first, step(2).result()]

    return flow


@sample(1)
def retried_task(life, saver):
    @task(retry_policy=RetryPolicy(initial_interval=0.0, jitter=False))
    def shaky():
        life.world.fail_once("shaky", ConnectionError)
        return life.did("shaky")

    @entrypoint(checkpointer=saver)
    def flow(n):
        return [shaky().result()]

    return flow


@sample(1, only="async")
def coroutine_tasks(life, saver):
    @task
    async def step(n):
        return life.did(f"step{n}")

    @entrypoint(checkpointer=saver)
    async def flow(n):
        one, two = step(1), step(2)
        return [await one, await two, await step(3)]

    return flow


@sample(1)
def the_first_of_calls_side_by_side_fails(life, saver):
    @task
    def part(n):
        if n == 0:
            life.world.fail_once("part")
        return life.did(f"part{n}")

    @entrypoint(checkpointer=saver)
    def flow(given):
        calls = [part(n) for n in range(3)]
        return [call.result() for call in calls]

    return flow


@sample(1, answers={"q": "yes"})
def a_failure_the_body_went_on_from(life, saver):
    @task
    def refusing():
        raise ValueError("never")

    @task
    def after():
        return life.did("after")

    @entrypoint(checkpointer=saver)
    def flow(given):
        try:
            first = refusing().result()
        except ValueError:
            first = "caught"
        return [first, after().result(), interrupt("q")]

    return flow
