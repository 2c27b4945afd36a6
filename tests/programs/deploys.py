"""The code changes between two lives of a process: nodes get other names, a version migrates."""

from durableweb.func import task
from durableweb.graph import START
from durableweb.types import interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


def _is_first_life(life):
    life.world.tries["lives"] += 1
    return life.world.tries["lives"] == 1


@sample({"log": []}, answers={"q": "yes"})
def renamed_nodes(life, saver):
    @task
    def fetch():
        return life.did("fetch")

    def ask(state):
        got = fetch().result()
        return {"log": [got, interrupt("q"), life.did("ask")]}

    def built(names, **options):
        a, b, j = names.split()
        edges = [(START, a), (START, b), ([a, b], j), (j, "end")]
        nodes = {a: life.says("a"), b: ask, j: life.says("j")}
        return build(life, f"{names} end", *edges, **nodes).compile(
            checkpointer=saver, **options
        )

    if _is_first_life(life):
        return built("a b j")
    return built("aa bb jj", aliases={"a": "aa", "b": "bb", "j": "jj"})


@sample({"log": []}, answers={"q": "yes"})
def a_new_version(life, saver):
    def ask(state):
        return {"log": [interrupt("q"), life.did("ask")]}

    # A migration applies what has finished before it; `and` stands before `ask` anyway.
    edges = [(START, "x"), ("x", "ask"), ("x", "and"), (["ask", "and"], "end")]
    graph = build(life, "x ask and end", *edges, ask=ask)
    if _is_first_life(life):
        return graph.compile(checkpointer=saver, version="1")
    return graph.compile(
        checkpointer=saver,
        version="2",
        on_change=lambda version, checkpoint: checkpoint,
    )
