"""Programs that set attributes of their thread: in nodes, tasks, branches and entrypoints."""

from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.runtime import set_attributes
from durableweb.types import RetryPolicy, interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


@sample({"log": []}, answers={"q": "r"})
def attributes_in_nodes(life, saver):
    """A branch, a question, a fan-out of which one fails once, and one that is removed again."""

    def first(state):
        set_attributes(customer="c7", amount=120, gone="soon")
        return {"log": [life.did("first")]}

    def ask(state):
        set_attributes(stage="asks")
        given = interrupt("q")
        set_attributes(stage="answered", gone=None)
        return {"log": [given, life.did("ask")]}

    def left(state):
        set_attributes(left=True)
        return {"log": [life.did("left")]}

    def right(state):
        tries = life.world.tries["right"]
        set_attributes(**{"once" if tries == 0 else "again": True})
        life.world.fail_once("right", ValueError)
        return {"log": [life.did("right")]}

    def choose(state):
        set_attributes(chosen=["left", "right"])
        return ["left", "right"]

    policy = RetryPolicy(
        initial_interval=0.001, jitter=False, max_attempts=3, retry_on=ValueError
    )
    graph = build(
        life,
        "first ask left",
        *((START, "first"), ("first", "ask")),
        **{"first": first, "ask": ask, "left": left},
    )
    graph.add_node("right", right, retry_policy=policy)
    graph.add_conditional_edges("ask", choose)
    return graph.compile(checkpointer=saver)


@sample(2, answers={"ok?": "yes"})
def attributes_in_an_entrypoint(life, saver):
    @task
    def price(n):
        set_attributes(**{f"price_{n}": n, "seen": n})
        return life.did(f"price{n}")

    @entrypoint(checkpointer=saver)
    def flow(n):
        found = [price(each).result() for each in range(n)]
        set_attributes(state="asked")
        found.append(interrupt("ok?"))
        set_attributes(state="done", seen=None)
        return found

    return flow
