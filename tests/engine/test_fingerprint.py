"""What counts as other code: nodes, edges, keys and the source of a body, in any process (RB.12)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, TypedDict

import pytest

from durableweb.func import entrypoint, task
from durableweb.graph import END, START, StateGraph
from tests.engine.test_versions import S, T, asks, graph, say
from workflows.engine.loop.fingerprint import fingerprint, parts_that_differ, type_text


def print_of(flow: Any) -> str:
    return fingerprint(flow.program)


def difference(one: Any, other: Any) -> list[str]:
    return parts_that_differ(print_of(one), print_of(other))


@pytest.mark.rule("RB.12")
@pytest.mark.parametrize(
    ("other", "parts"),
    [
        (graph(), []),
        (graph(x=asks), []),  # the source of nodes is no part of it
        (graph(x=say, y=say), ["nodes"]),
        (graph(edges=[(START, "x"), ("x", END)]), []),  # says nothing new
        (graph(edges=[(START, "x"), ("x", "x")]), ["edges"]),
        (graph(T), ["state"]),
        (graph().add_conditional_edges("x", lambda s: END), ["edges"]),
        (StateGraph(S).add_node("x", say, defer=True).add_edge(START, "x"), ["nodes"]),
    ],
)
def test_the_fingerprint_of_a_graph_tells_its_shape(
    other: StateGraph, parts: list[str]
) -> None:
    assert difference(graph().compile(), other.compile()) == parts


def bodies() -> list[Any]:
    """The same entrypoint, then written otherwise, then another one."""

    @entrypoint()
    def plain(n: int) -> int:
        @task
        def double(n: int) -> int:
            return n * 2

        return double(n).result() + 1

    first = plain

    @entrypoint(version="7")  # type: ignore[no-redef]
    def plain(n: int) -> int:
        """Comments, layout and what tasks do are no part of it."""

        @task
        def double(n: int) -> int:
            return n + n  # twice

        # the rest
        return (
            double(n).result()
            + 1
        )  # fmt: skip

    second = plain

    @entrypoint()  # type: ignore[no-redef]
    def plain(n: int) -> int:
        @task
        def double(n: int) -> int:
            return n * 2

        return double(n).result() + 2

    return [first, second, plain]


@pytest.mark.rule("RB.12")
def test_the_source_of_an_entrypoint_counts_without_comments_and_task_bodies() -> None:
    first, second, third = bodies()

    assert difference(first, second) == []
    assert difference(first, third) == ["body"]


@pytest.mark.rule("RB.12")
def test_an_entrypoint_without_source_has_no_body_to_compare() -> None:
    made: dict[str, Any] = {}
    exec("def flow(n):\n    return n", made)

    assert print_of(entrypoint()(made["flow"])).endswith(".0")


class Node(TypedDict):
    below: list[Node]  # refers to itself


@pytest.mark.rule("RB.12")
def test_classes_are_opened_in_the_fingerprint() -> None:
    assert type_text(list[S | None]) == (
        f"list[Union[{type_text(S)}, NoneType]]".replace("__main__", "")
    )
    assert "a: int" in type_text(S).replace("'", "")
    assert type_text(Node).startswith("Node{")


PRINT = """
import json, sys
from tests.engine.test_fingerprint import bodies, graph, print_of
json.dump([*map(print_of, bodies()), print_of(graph().compile())], sys.stdout)
"""


@pytest.mark.rule("RB.12")
def test_another_process_finds_the_same_fingerprints() -> None:
    found = subprocess.run(
        [sys.executable, "-c", PRINT], capture_output=True, check=True, text=True
    ).stdout

    assert json.loads(found) == [*map(print_of, bodies()), print_of(graph().compile())]
