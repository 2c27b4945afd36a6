"""A transactional task is refused where its record could not be saved with what its body writes (RB.7)."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import CachePolicy
from tests.conformance.savers import file, memory

pytestmark = pytest.mark.rule("RB.7")
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


def nobody(name: str) -> str:
    raise AssertionError("a body has run")


def no_saver() -> None:
    return None


@pytest.mark.parametrize(
    ("new_saver", "text"),
    [
        (no_saver, "runs without a checkpointer"),
        (memory, "runs on InMemorySaver, .* use DjangoSaver"),
        (file, "use DjangoSaver"),
    ],
)
def test_it_needs_the_savers_database(new_saver: Any, text: str) -> None:
    work = task(nobody, transactional=True)

    @entrypoint(checkpointer=new_saver())
    def flow(name: str) -> None:
        work(name).result()

    with pytest.raises(RuntimeError, match=f"task 'nobody' is transactional.*{text}"):
        flow.invoke("ida", CONFIG)


class Lending(InMemorySaver):
    """Has what the engine asks of a saver whose database it may use; nothing is taken back here."""

    using = "default"

    def one_transaction(self, thread_id: str, place: Any) -> Any:
        raise AssertionError("a transaction was begun")

    def is_in_transaction(self) -> bool:
        return False


def test_an_undo_of_its_own_is_kept_at_the_root() -> None:
    work = task(nobody, transactional=True, undo=nobody)

    def node(state: Any) -> None:
        work("ida").result()

    below = StateGraph(dict).add_node("node", node).add_edge(START, "node").compile()
    graph = StateGraph(dict).add_node("below", below).add_edge(START, "below")
    app = graph.compile(checkpointer=Lending())

    with pytest.raises(RuntimeError, match="undo, which is kept with the outermost"):
        app.invoke({}, CONFIG)


async def coroutine() -> None:
    """Would run on the event loop."""


def generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("fn", "options", "error", "text"),
    [
        (coroutine, {"transactional": True}, ValueError, "belongs to one thread"),
        (generator, {"transactional": True}, NotImplementedError, "generator"),
        (
            nobody,
            {"transactional": True, "cache_policy": CachePolicy()},
            ValueError,
            "cache_policy",
        ),
        (nobody, {"transactional": "default"}, TypeError, "True or False"),
        (nobody, {"using": "default"}, ValueError, "transactional=True"),
        (nobody, {"transactional": True, "using": ""}, ValueError, "DATABASES"),
        (nobody, {"transactional": True, "using": 5}, TypeError, "DATABASES"),
    ],
)
def test_what_cannot_be_one_is_refused_where_it_is_decorated(
    fn: Any, options: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        task(fn, **options)
