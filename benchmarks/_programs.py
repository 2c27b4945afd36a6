"""The programs that both sides run, written once against the names they share.

Each function takes a side and a saver and returns (run, steps): `run()` is one measured
round on a thread of its own, `steps` what its time is divided by. What is compiled or
built stands outside the round.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from random import Random
from time import perf_counter
from typing import Annotated, Any, TypedDict

from benchmarks._sides import SYNC, Side, new_config

Work = tuple[Callable[[], Any], int]


class Small(TypedDict, total=False):
    n: int
    text: str


class Found(TypedDict, total=False):
    found: Annotated[list, operator.add]


class Gathered(Found, total=False):
    n: int


class Talk(TypedDict, total=False):
    n: int
    messages: Annotated[list, operator.add]


def _more(saver: Any) -> dict[str, Any]:
    return SYNC if saver is not None else {}


def chain_graph(
    side: Side, saver: Any, length: int, *, coroutines: bool = False
) -> Any:
    """Nodes in a row that each return one small update; plain functions, or coroutine functions."""
    graph = side.state_graph(Small)
    before = side.graph.START
    for number in range(length):

        def node(state: Small, number: int = number) -> dict[str, Any]:
            return {"n": number, "text": "x" * 40}

        async def coroutine(state: Small, number: int = number) -> dict[str, Any]:
            return {"n": number, "text": "x" * 40}

        graph.add_node(f"n{number}", coroutine if coroutines else node)
        graph.add_edge(before, f"n{number}")
        before = f"n{number}"
    return graph.compile(checkpointer=saver)


def chain(side: Side, saver: Any, length: int, calls: int = 1) -> Work:
    """Several calls on one thread, so that one call's start weighs little."""
    graph, more = chain_graph(side, saver, length), _more(saver)

    def run() -> None:
        config = new_config(length)
        for number in range(calls):
            graph.invoke({"n": number}, config, **more)

    return run, length * calls


def loop(side: Side, saver: Any, steps: int) -> Work:
    """One node that goes back to itself."""
    graph = side.state_graph(Small)
    graph.add_node("again", lambda state: {"n": state["n"] + 1})
    graph.add_edge(side.graph.START, "again")
    graph.add_conditional_edges(
        "again", lambda state: "again" if state["n"] < steps else side.graph.END
    )
    compiled, more = graph.compile(checkpointer=saver), _more(saver)

    def run() -> None:
        found = compiled.invoke({"n": 0}, new_config(steps), **more)
        assert found["n"] == steps

    return run, steps


def wide(side: Side, saver: Any, keys: int, steps: int = 20) -> Work:
    """A state of many keys, of which each step writes one."""
    schema = TypedDict(f"Wide{keys}", {f"k{i}": int for i in range(keys)}, total=False)
    graph = side.state_graph(schema)
    before = side.graph.START
    for number in range(steps):

        def node(state: Any, number: int = number) -> dict[str, int]:
            return {f"k{number % keys}": number}

        graph.add_node(f"n{number}", node)
        graph.add_edge(before, f"n{number}")
        before = f"n{number}"
    compiled, more = graph.compile(checkpointer=saver), _more(saver)
    given = {f"k{i}": i for i in range(keys)}

    def run() -> None:
        compiled.invoke(given, new_config(steps), **more)

    return run, steps


def sends(side: Side, saver: Any, number: int) -> Work:
    """One step of many tasks, each from a `Send`; a step is one task."""
    graph = side.state_graph(Gathered)
    graph.add_node("spread", lambda state: {"n": 1})
    graph.add_node("one", lambda state: {"found": [state["n"]]})
    graph.add_edge(side.graph.START, "spread")
    graph.add_conditional_edges(
        "spread",
        lambda state: [side.types.Send("one", {"n": i}) for i in range(number)],
        ["one"],
    )
    compiled, more = graph.compile(checkpointer=saver), _more(saver)

    def run() -> None:
        found = compiled.invoke({"n": 0}, new_config(10), **more)
        assert found["found"] == list(range(number))

    return run, number


def subgraphs(side: Side, saver: Any, number: int) -> Work:
    """Many `Send`s to a subgraph of three nodes; a step is one node of one subgraph."""
    inner = side.graph.StateGraph(Gathered, output_schema=Found)
    inner.add_sequence(
        [
            ("a", lambda state: {"n": state["n"] + 1}),
            ("b", lambda state: {"n": state["n"] + 1}),
            ("c", lambda state: {"found": [state["n"]]}),
        ]
    )
    inner.add_edge(side.graph.START, "a")
    graph = side.state_graph(Gathered)
    graph.add_node("spread", lambda state: {"n": 1})
    graph.add_node("below", inner.compile())
    graph.add_edge(side.graph.START, "spread")
    graph.add_conditional_edges(
        "spread",
        lambda state: [side.types.Send("below", {"n": i}) for i in range(number)],
        ["below"],
    )
    compiled, more = graph.compile(checkpointer=saver), _more(saver)

    def run() -> None:
        found = compiled.invoke({"n": 0}, new_config(10), **more)
        assert len(found["found"]) == number

    return run, number * 3


def tasks(side: Side, saver: Any, number: int, *, parallel: bool) -> Work:
    """An entrypoint that calls a task many times, one after the other or all at once."""

    @side.func.task
    def double(value: int) -> int:
        return value * 2

    if parallel:

        @side.func.entrypoint(checkpointer=saver)
        def flow(count: int) -> int:
            futures = [double(i) for i in range(count)]
            return sum(future.result() for future in futures)

    else:

        @side.func.entrypoint(checkpointer=saver)
        def flow(count: int) -> int:
            return sum(double(i).result() for i in range(count))

    def run() -> None:
        assert flow.invoke(number, new_config(10), **SYNC) == number * (number - 1)

    return run, number


def talk_graph(side: Side, saver: Any, steps: int, marks: list[float]) -> Any:
    """One node that appends 500 bytes to a list and goes back to itself, noting the time.

    The bytes are random letters: PostgreSQL would shrink a text that repeats itself to nothing.
    """
    letters = Random(0)
    graph = side.state_graph(Talk)

    def say(state: Talk) -> dict[str, Any]:
        text = letters.randbytes(240).hex()
        marks.append(perf_counter())
        return {"n": state["n"] + 1, "messages": [{"role": "human", "content": text}]}

    graph.add_node("say", say)
    graph.add_edge(side.graph.START, "say")
    graph.add_conditional_edges(
        "say", lambda state: "say" if state["n"] < steps else side.graph.END
    )
    return graph.compile(checkpointer=saver)


def asking_graph(side: Side, saver: Any) -> Any:
    """A loop that asks a person in every turn: each answer adds two checkpoints or three."""
    graph = side.state_graph(Small)

    def ask(state: Small) -> dict[str, Any]:
        return {"n": state["n"] + 1, "text": side.types.interrupt("go on?")}

    graph.add_node("ask", ask)
    graph.add_edge(side.graph.START, "ask")
    graph.add_edge("ask", "ask")
    return graph.compile(checkpointer=saver)
