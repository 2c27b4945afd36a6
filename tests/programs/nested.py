"""Graphs in graphs: as a node, called in a node, three deep, with questions inside."""

import operator
from typing import Annotated, TypedDict

from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


class Inner(TypedDict, total=False):
    trace: Annotated[list, operator.add]


class Outer(TypedDict, total=False):
    trace: list
    log: Annotated[list, operator.add]


def _inner(life, *, question=True, stops=()):
    def s1(state):
        return {"trace": [life.did("s1")]}

    def ask(state):
        given = interrupt("q") if question else "none asked"
        return {"trace": [life.did("ask"), given]}

    def s2(state):
        return {"trace": [life.did("s2")]}

    graph = StateGraph(Inner).add_sequence([s1, ask, s2])
    return graph.add_edge(START, "s1").compile(interrupt_before=stops)


def _outer(life, sub, saver):
    graph = StateGraph(Outer).add_node("p", life.says("p")).add_node("sub", sub)
    graph.add_node("after", life.says("after"))
    graph.add_edge(START, "p").add_edge("p", "sub").add_edge("sub", "after")
    return graph.compile(checkpointer=saver)


@sample({"log": [], "trace": []})
def subgraph_as_a_node(life, saver):
    return _outer(life, _inner(life, question=False), saver)


@sample({"log": [], "trace": []})
def breakpoint_in_a_subgraph(life, saver):
    return _outer(life, _inner(life, question=False, stops=["s2"]), saver)


@sample({"log": [], "trace": []}, answers={"q": "r"})
def question_in_a_subgraph(life, saver):
    return _outer(life, _inner(life), saver)


@sample({"log": [], "trace": []}, answers={"q": "r"})
def question_in_a_called_subgraph(life, saver):
    sub = _inner(life)

    def node(state):
        found = sub.invoke({"trace": []})["trace"]
        return {"log": [life.did("node"), *found]}

    return _outer(life, node, saver)


@sample({"log": [], "trace": []}, answers={"q": "r"})
def three_deep(life, saver):
    mid = StateGraph(Inner).add_node("low", _inner(life)).add_edge(START, "low")
    return _outer(life, mid.compile(), saver)


@sample({"log": []}, answers={"q1": "a", "q2": "b"})
def two_calls_of_a_subgraph(life, saver):
    class Numbered(TypedDict, total=False):
        n: int
        got: str

    @task
    def prepare(n):
        return life.did(f"prepare{n}")

    def ask(state):
        n = state["n"]
        return {
            "got": f"{prepare(n).result()} {interrupt(f'q{n}')} {life.did(f'ask{n}')}"
        }

    sub = StateGraph(Numbered).add_node("ask", ask).add_edge(START, "ask").compile()

    def node(state):
        found = [sub.invoke({"n": n})["got"] for n in (1, 2)]
        return {"log": [life.did("node"), *found]}

    return build(life, "node fin", (START, "node"), ("node", "fin"), node=node).compile(
        checkpointer=saver
    )


@sample({"log": []})
def command_for_the_parent(life, saver):
    def up(state):
        return Command(
            graph=Command.PARENT, update={"log": [life.did("up")]}, goto="fin"
        )

    sub = build(life, "s up", (START, "s"), ("s", "up"), up=up).compile()
    return build(life, "sub nxt fin", (START, "sub"), ("sub", "nxt"), sub=sub).compile(
        checkpointer=saver
    )
