"""Labels as programs set them, and what retention does about them (RA.10)."""

from __future__ import annotations

import asyncio
import operator
from datetime import timedelta
from typing import Annotated, Any, TypedDict

import pytest
from django.utils import timezone

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.config import RunnableConfig
from durableweb.durable import (
    Retention,
    alabel,
    alist_labels,
    apply_retention,
    aunlabel,
    label,
    list_labels,
    prune,
    unlabel,
)
from durableweb.errors import CheckpointNotFoundError
from durableweb.graph import START, StateGraph
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.models import Checkpoint, CheckpointLabel, Event, Thread
from workflows.services.retention import due_threads
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RA.10")]

CONFIG: Any = {"configurable": {"thread_id": "t"}}
STEPS = 8


class State(TypedDict, total=False):
    """A list that grows, so that most of its values are deltas."""

    log: Annotated[list[str], operator.add]


def build(node: Any, saver: Any) -> Any:
    graph = StateGraph(State).add_node("node", node).add_edge(START, "node")
    graph.add_conditional_edges(
        "node", lambda state: ["node"] if len(state["log"]) < STEPS else []
    )
    return graph.compile(saver)


def grow(state: State) -> State:
    return {"log": [f"entry {len(state['log']):03d}" * 5]}


@pytest.fixture(params=["database", "memory"])
def saver(request) -> Any:
    return DjangoSaver() if request.param == "database" else InMemorySaver()


@pytest.fixture
def history(saver) -> list[Any]:
    """Snapshots of a thread that has ended, newest first."""
    graph = build(grow, saver)
    graph.invoke({"log": ["in"]}, CONFIG)
    return list(graph.get_state_history(CONFIG))


def kept() -> list[str]:
    found = Checkpoint.objects.filter(thread_id="t").order_by("-id")
    return list(found.values_list("id", flat=True))


def id_of(snapshot: Any) -> str:
    return str(snapshot.config["configurable"]["checkpoint_id"])


class TestFromOutside:
    def test_a_snapshot_and_its_config_are_the_same_place(self, saver, history):
        graph = build(grow, saver)

        first = label(history[3], "before refund", graph=graph)
        second = label(history[3].config, "checked", graph=saver)

        assert first.config == second.config == history[3].config
        assert list_labels("t", graph=graph) == [first, second]
        assert graph.get_state(first.config).values == history[3].values
        assert unlabel(history[3], "checked", graph=graph) == 1
        assert unlabel(history[3], graph=graph) == 1
        assert list_labels("t", graph=saver) == []

    def test_without_a_graph_it_is_the_sites_database(self):
        graph = build(grow, DjangoSaver())
        graph.invoke({"log": ["in"]}, CONFIG)
        snapshot = graph.get_state(CONFIG)

        found = label(snapshot, "done")

        assert list_labels("t") == [found]
        assert CheckpointLabel.objects.get().checkpoint == id_of(snapshot)
        assert unlabel(CONFIG) == 1

    def test_there_are_async_twins(self, saver, history):
        async def work() -> Any:
            await alabel(history[2], "one", graph=saver)
            found = await alist_labels("t", graph=saver)
            return found, await aunlabel(history[2], "one", graph=saver)

        found, gone = asyncio.run(work())

        assert ([each.text for each in found], gone) == (["one"], 1)
        assert list_labels("t", graph=saver) == []


class TestInATask:
    def labelled(self, graph: Any, saver: Any) -> list[tuple[str, int]]:
        """The labels in order, each with how long the list is at its checkpoint."""
        return [
            (each.text, len(graph.get_state(each.config).values["log"]))
            for each in reversed(list_labels("t", graph=saver))
        ]

    def test_the_label_alone_names_where_the_step_began(self, saver):
        def node(state: State) -> State:
            label(f"at {len(state['log'])}")
            return grow(state)

        graph = build(node, saver)
        graph.invoke({"log": ["in"] * 5}, CONFIG)

        assert self.labelled(graph, saver) == [("at 5", 5), ("at 6", 6), ("at 7", 7)]

    def test_so_does_the_config_of_the_node(self, saver):
        def node(state: State, config: RunnableConfig) -> State:
            label(config, f"at {len(state['log'])}")
            assert unlabel(config, "nothing") == 0
            return grow(state)

        graph = build(node, saver)
        graph.invoke({"log": ["in"] * 6}, CONFIG)

        assert self.labelled(graph, saver) == [("at 6", 6), ("at 7", 7)]

    def test_a_coroutine_awaits_it(self, saver):
        async def node(state: State) -> State:
            await alabel("before the last")
            return grow(state)

        graph = build(node, saver)
        asyncio.run(graph.ainvoke({"log": ["in"] * 7}, CONFIG))

        assert self.labelled(graph, saver) == [("before the last", 7)]

    @pytest.mark.parametrize("durability", ["sync", "async"])
    def test_nodes_side_by_side_name_the_same_place(self, saver, durability):
        def node(name: str) -> Any:
            def work(state: State) -> State:
                label("both")
                label(name)
                return {"log": [name]}

            return work

        graph = StateGraph(State)
        for name in ("one", "two"):
            graph.add_node(name, node(name)).add_edge(START, name)
        graph.compile(saver).invoke({"log": ["in"]}, CONFIG, durability=durability)

        found = list_labels("t", graph=saver)

        assert sorted(each.text for each in found) == ["both", "one", "two"]
        assert len({str(each.config) for each in found}) == 1

    def test_a_subgraph_labels_its_own(self, saver):
        def inner(state: State) -> State:
            label("inside")
            return {"log": ["in it"]}

        below = StateGraph(State).add_node("inner", inner).add_edge(START, "inner")
        graph = StateGraph(State).add_node("sub", below.compile())
        graph.add_edge(START, "sub").compile(saver).invoke({"log": ["in"]}, CONFIG)

        (found,) = list_labels("t", graph=saver)

        assert found.config["configurable"]["checkpoint_ns"].startswith("sub:")

    def test_nothing_is_named_that_is_not_saved(self, saver):
        def node(state: State) -> State:
            with pytest.raises(CheckpointNotFoundError, match="no checkpoint"):
                label("too early")
            return grow(state)

        build(node, saver).invoke({"log": ["in"] * 7}, CONFIG, durability="exit")

        assert list_labels("t", graph=saver) == []


class Foreign(BaseCheckpointSaver):
    """A saver in the field's form, which has never heard of labels."""


REFUSED = [
    (lambda: label("before refund"), RuntimeError, "outside a graph with a label"),
    (lambda: label(CONFIG, "x"), CheckpointNotFoundError, "'t' has no checkpoint yet"),
    (lambda: label(CONFIG), TypeError, "text is None; give a short name"),
    (lambda: label(CONFIG, "a\0b"), ValueError, "one line without NUL"),
    (lambda: label(CONFIG, "x" * 101), ValueError, "at most 100 characters, not 101"),
    (lambda: label(5, "x"), TypeError, "checkpoint is 5; give a snapshot or"),
    (lambda: label({}, "x"), TypeError, "checkpoint is {}; give a snapshot or"),
    (lambda: label({"configurable": 5}, "x"), TypeError, "5}; give a snapshot or"),
    (lambda: label("t", "x"), TypeError, "checkpoint is 't'; give a snapshot or"),
    (lambda: unlabel("t"), TypeError, "unlabel.*: checkpoint is 't'; give"),
    (lambda: list_labels(""), ValueError, "non-empty id"),
    (
        lambda: label(CONFIG, "x", graph=Foreign()),
        RuntimeError,
        "the saver Foreign keeps no labels: define set_label",
    ),
    (
        lambda: label(CONFIG, "x", graph=build(grow, None)),
        RuntimeError,
        "has no saver, so it has no checkpoints to label",
    ),
    (lambda: label(CONFIG, "x", graph=5), TypeError, "graph is 5; give a compiled"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_a_refusal_says_what_to_give(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("saver", ["database"], indirect=True)
class TestRetention:
    def test_the_newest_and_the_labelled_stay_with_their_values(self, history):
        label(history[5], "before refund")
        label(history[7], "not any more")
        unlabel(history[7])

        prune("t", keep=2)

        assert kept() == [id_of(history[number]) for number in (0, 1, 5)]
        graph = build(grow, DjangoSaver())
        assert graph.get_state(history[5].config).values == history[5].values

    def test_a_finished_thread_keeps_its_labels_after_a_time(self, history):
        label(history[4], "before refund")
        policy = Retention(checkpoints=None, finished_days=30)
        Thread.objects.update(updated_at=timezone.now() - timedelta(days=31))

        assert apply_retention(policy)[1].checkpoints == len(history) - 2
        assert kept() == [id_of(history[0]), id_of(history[4])]

        assert not due_threads(policy).exists()
        unlabel(history[4])
        apply_retention(policy)
        assert kept() == [id_of(history[0])]

    def test_each_change_is_an_event(self, history):
        label(history[2], "before refund")
        label(history[2], "before refund")
        unlabel(history[2])

        told = [
            each.data for each in Event.objects.filter(kind="label").order_by("seq")
        ]

        assert len(told) == 2
        assert '"action":"set","label":"before refund"' in told[0]
        assert f'"checkpoint":"{id_of(history[2])}"' in told[0]
        assert '"action":"removed"' in told[1]
