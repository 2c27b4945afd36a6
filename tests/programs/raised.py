"""Questions that a function raises itself; asked again at the same place, it takes the answer.

What decides lies outside, as in older programs: there the first try finds a reason to stop.
"""

from durableweb.errors import GraphInterrupt
from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import Interrupt, interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


def stop_or_hear(life, name, question):
    """Raise what asks `question` on the first try in the world; later give its answer."""
    life.world.tries[name] += 1
    if life.world.tries[name] == 1:
        raise GraphInterrupt((Interrupt(question),))
    return interrupt(question)


@sample({"log": []}, answers={"too much?": "fine"})
def raised_in_a_node(life, saver):
    def ask(state):
        return {
            "log": [
                life.did("ask"),
                stop_or_hear(life, "n", "too much?"),
            ]
        }

    edges = [(START, "x"), ("x", "ask"), ("ask", "y")]
    return build(life, "x ask y", *edges, ask=ask).compile(checkpointer=saver)


@sample({"log": []}, answers={"too much?": "fine"})
def raised_with_an_id(life, saver):
    def ask(state):
        life.world.tries["n"] += 1
        if life.world.tries["n"] == 1:
            raise GraphInterrupt((Interrupt("too much?", "ab" * 16),))
        return {"log": [life.did("ask")]}

    return build(life, "ask y", (START, "ask"), ("ask", "y"), ask=ask).compile(
        checkpointer=saver
    )


@sample({"log": []}, answers={"p?": 1, "q?": 2}, one_by_one=True)
def raised_beside_a_question(life, saver):
    def p(state):
        return {"log": [life.did("p"), stop_or_hear(life, "p", "p?")]}

    def q(state):
        return {"log": [life.did("q"), interrupt("q?")]}

    edges = [(START, "p"), (START, "q"), (["p", "q"], "fin")]
    return build(life, "p q fin", *edges, p=p, q=q).compile(checkpointer=saver)


@sample({"log": []}, answers={"why?": "so"})
def raised_in_a_graph_below(life, saver):
    def ask(state):
        return {"log": [life.did("ask"), stop_or_hear(life, "b", "why?")]}

    below = build(life, "b1 ask", (START, "b1"), ("b1", "ask"), ask=ask).compile()
    edges = [(START, "x"), ("x", "below"), ("below", "y")]
    return build(life, "x below y", *edges, below=below).compile(checkpointer=saver)


@sample(1, answers={"why?": 5})
def raised_in_a_task(life, saver):
    @task
    def before(n):
        life.did("before")
        return n + 1

    @task
    def asking(n):
        life.did("asking")
        return n + stop_or_hear(life, "t", "why?")

    @entrypoint(checkpointer=saver)
    def flow(n):
        life.did("body")
        return asking(before(n).result()).result()

    return flow
