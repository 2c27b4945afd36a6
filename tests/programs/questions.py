"""Questions: one, several in a node, several at once, in branches, tasks and loops."""

from dataclasses import dataclass

from durableweb.graph import START
from durableweb.types import Send, interrupt
from tests.programs.flows import build
from tests.programs.sample import PlannedFailure, sample


@dataclass
class Size:
    """What one sample is answered with."""

    width: int


@sample({"log": []}, answers={"q": "yes"})
def one_question(life, saver):
    def ask(state):
        given = interrupt("q")
        return {"log": [life.did("ask"), given]}

    edges = [(START, "x"), ("x", "ask"), ("ask", "y")]
    return build(life, "x ask y", *edges, ask=ask).compile(checkpointer=saver)


@sample({"log": []}, answers={"A": 1, "B": 2, "C": 3})
def several_in_a_node(life, saver):
    def ask(state):
        found = [interrupt("A"), interrupt("B"), interrupt("C")]
        return {"log": [life.did("ask"), *found]}

    return build(life, "ask fin", (START, "ask"), ("ask", "fin"), ask=ask).compile(
        checkpointer=saver
    )


def _parallel(life, saver):
    def asks(name):
        def node(state):
            return {
                "log": [life.did(name), interrupt(f"{name}?"), interrupt(f"{name}!")]
            }

        return node

    edges = [(START, name) for name in ("p", "q", "r")] + [(["p", "q", "r"], "fin")]
    return build(life, "p q r fin", *edges, p=asks("p"), q=asks("q")).compile(
        checkpointer=saver
    )


ANSWERS = {"p?": 1, "p!": 2, "q?": 3, "q!": 4}


@sample({"log": []}, answers=ANSWERS)
def parallel_answered_together(life, saver):
    return _parallel(life, saver)


@sample({"log": []}, answers=ANSWERS, one_by_one=True)
def parallel_answered_one_by_one(life, saver):
    return _parallel(life, saver)


@sample({"log": []}, answers={"q1": "a", "q2": "b", "q3": "c"}, one_by_one=True)
def questions_of_sent_tasks(life, saver):
    def worker(n):
        return {"log": [interrupt(f"q{n}"), life.did(f"worker{n}")]}

    graph = build(life, "worker fin", ("worker", "fin"), worker=worker)
    graph.add_conditional_edges(START, lambda s: [Send("worker", n) for n in (1, 2, 3)])
    return graph.compile(checkpointer=saver)


@sample({"log": []}, answers={"where": "y"})
def question_in_a_branch(life, saver):
    graph = build(life, "x y", (START, "x"))

    def choose(state):
        return interrupt("where")

    return graph.add_conditional_edges("x", choose).compile(checkpointer=saver)


@sample({"log": []}, answers={"age?": "x", "'x' is no number": 7})
def asking_again(life, saver):
    def ask(state):
        question = "age?"
        while not isinstance(given := interrupt(question), int):
            question = f"{given!r} is no number"
        return {"log": [life.did("ask"), given]}

    return build(life, "x ask", (START, "x"), ("x", "ask"), ask=ask).compile(
        checkpointer=saver
    )


@sample({"log": []})
def breakpoints(life, saver):
    edges = [(START, "x"), ("x", "y"), ("y", "z")]
    return build(life, "x y z", *edges).compile(
        checkpointer=saver, interrupt_before=["y"], interrupt_after=["y"]
    )


@sample({"log": []}, answers={"A": 1, "B": 2}, one_by_one=True)
def questions_with_keys(life, saver):
    def ask(state):
        found = [interrupt("A", key="a"), interrupt("B", key="b")]
        return {"log": [life.did("ask"), *found]}

    return build(life, "ask fin", (START, "ask"), ("ask", "fin"), ask=ask).compile(
        checkpointer=saver
    )


@sample({"log": []}, answers={"size?": {"width": "3"}})
def an_answer_with_a_schema(life, saver):
    def ask(state):
        given = interrupt("size?", response_schema=Size)
        return {"log": [life.did("ask"), given.width]}

    return build(life, "ask fin", (START, "ask"), ("ask", "fin"), ask=ask).compile(
        checkpointer=saver
    )


@sample({"log": []}, answers={"node?": "n", "handler?": "h"})
def question_of_an_error_handler(life, saver):
    def ask(state):
        raise PlannedFailure(interrupt("node?"))

    def handler(state):
        return {"log": [interrupt("handler?"), life.did("handler")]}

    graph = build(life, "x", (START, "x"), ("x", "ask"))
    graph.add_node("ask", ask, error_handler=handler)
    return graph.compile(checkpointer=saver)


@sample({"log": []})
def breakpoint_in_a_subgraph(life, saver):
    edges = [(START, "s1"), ("s1", "s2")]
    below = build(life, "s1 s2", *edges).compile(interrupt_before=["s2"])
    graph = build(life, "x y", (START, "x"), ("sub", "y"))
    graph.add_node("sub", lambda state: {"log": below.invoke({"log": []})["log"]})
    return graph.add_edge("x", "sub").compile(checkpointer=saver)
