"""Results kept for equal inputs: of nodes, of tasks, beside work that is not kept."""

from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import CachePolicy, Send, interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


@sample({"log": []})
def cached_nodes(life, saver):
    """Two rounds of equal sends: in the second nothing but the plain node works."""

    def spread(state):
        return [Send("w", 1), Send("w", 2), Send("p", len(state["log"]))]

    def w(n):
        return {"log": [life.did(f"w{n}")]}

    def p(n):
        return {"log": [life.did(f"p{n}")]}

    def y(state):
        return {"log": [life.did(f"y{len(state['log'])}")]}

    def again(state):
        return spread(state) if len(state["log"]) < 8 else []

    graph = build(life, "x y", (START, "x"), ("w", "y"), ("p", "y"), y=y)
    graph.add_node("w", w, cache_policy=CachePolicy()).add_node("p", p)
    graph.add_conditional_edges("x", spread).add_conditional_edges("y", again)
    return graph.compile(checkpointer=saver, cache=life.world.cache)


@sample(1, answers={"q": "r"})
def cached_tasks(life, saver):
    """The third call finds what the first one left, the body's question between them."""

    @task(cache_policy=CachePolicy())
    def fetch(n):
        return life.did(f"fetch{n}")

    @entrypoint(checkpointer=saver, cache=life.world.cache)
    def wf(n):
        found = [fetch(n).result(), fetch(n + 1).result()]
        return [*found, interrupt("q"), fetch(n).result()]

    return wf
