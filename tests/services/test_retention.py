"""What a thread forgets by itself, and what it never does (RA.10)."""

from __future__ import annotations

import operator
from datetime import timedelta
from io import StringIO
from typing import Annotated, Any, TypedDict

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from workflows.engine.constants import START
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.types import Command
from workflows.models import Checkpoint, Decision, Event, Interrupt, Run, Thread
from workflows.services.retention import Retention, apply_retention, due_threads
from workflows.storage.events import append_events
from workflows.storage.prune import Pruned, prune_thread
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RA.10")]

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
STEPS = 10


class State(TypedDict, total=False):
    """A list that grows, so that most of its values are deltas."""

    log: Annotated[list[str], operator.add]


def grow(state: State) -> State:
    return {"log": [f"entry {len(state['log']):03d}" * 5]}


def again(state: State) -> list[str]:
    return ["grow"] if len(state["log"]) < STEPS else []


def build(*, subgraph: bool = False, asks: bool = False) -> Any:
    """Ten steps of one node, plain or as a subgraph; a question in the third."""

    def ask(state: State) -> State:
        if asks and len(state["log"]) == 3:
            return {"log": [interrupt("Go on?")]}
        return grow(state)

    graph = StateGraph(State)
    if subgraph:
        below = StateGraph(State).add_node("inner", grow).add_edge(START, "inner")
        sub = below.compile()

        def call(state: State) -> State:
            return {"log": sub.invoke(state)["log"][-1:]}

        graph.add_node("grow", call)
    else:
        graph.add_node("grow", ask)
    graph.add_edge(START, "grow").add_conditional_edges("grow", again)
    return graph.compile(checkpointer=DjangoSaver())


def ids(namespace: str = "") -> list[str]:
    found = Checkpoint.objects.filter(thread_id="t", namespace=namespace)
    return list(found.order_by("-id").values_list("id", flat=True))


def test_the_newest_stay_and_can_still_be_read():
    graph = build()
    graph.invoke({"log": ["in"]}, CONFIG)
    before = list(graph.get_state_history(CONFIG))

    pruned = prune_thread("t", keep=4)

    assert pruned == Pruned(len(before) - 4, 0)
    after = list(graph.get_state_history(CONFIG))
    assert [s.values for s in after] == [s.values for s in before[:4]]


def test_what_carries_a_question_or_a_decision_stays():
    graph = build(asks=True)
    graph.invoke({"log": ["in"]}, CONFIG)
    question = Interrupt.objects.get()
    assert prune_thread("t", keep=1)
    assert ids() == [question.checkpoint]

    Decision.objects.create(
        interrupt=question, round=1, kind="approve", checkpoint=question.checkpoint
    )
    Interrupt.objects.update(status="resolved")
    prune_thread("t", keep=1, forks=False)

    assert question.checkpoint in ids()


def test_where_the_history_branches_and_where_its_branches_end_stay():
    graph = build()
    graph.invoke({"log": ["in"]}, CONFIG)
    fork = list(graph.get_state_history(CONFIG))[6].config
    tip = ids()[0]
    graph.update_state(fork, {"log": ["another way"]})
    graph.invoke(None, CONFIG)

    prune_thread("t", keep=2)

    place = fork["configurable"]["checkpoint_id"]
    assert sorted(ids()) == sorted([*ids()[:2], tip, place])
    prune_thread("t", keep=2)
    assert {tip, place} <= set(ids())
    assert graph.get_state({"configurable": {"thread_id": "t", "checkpoint_id": tip}})


def test_subgraphs_that_ended_long_ago_go_altogether():
    graph = build(subgraph=True)
    graph.invoke({"log": ["in"]}, CONFIG)
    namespaces = Checkpoint.objects.values("namespace").distinct()
    assert namespaces.count() == STEPS  # the root's, and one for each of nine calls

    prune_thread("t", keep=3)

    assert namespaces.count() == 1 + 2
    assert graph.get_state(CONFIG).values["log"][0] == "in"


def test_stream_events_go_first():
    build().invoke({"log": ["in"]}, CONFIG)
    for kind in ("custom", "messages", "warning"):
        append_events("default", "t", None, [(kind, {})])
    Event.objects.update(created_at=timezone.now() - timedelta(days=8))
    append_events("default", "t", None, [("custom", {"young": True})])
    kept = Event.objects.exclude(kind__in=["custom", "messages"]).count()
    policy = Retention(checkpoints=200, finished_days=None, chunk_days=7)

    assert apply_retention(policy) == (1, Pruned(0, 2))

    assert Event.objects.exclude(kind="custom").count() == kept
    assert Event.objects.filter(kind="custom").count() == 1


def age(days: float) -> None:
    Thread.objects.update(updated_at=timezone.now() - timedelta(days=days))


def test_a_finished_thread_keeps_its_head_after_a_time():
    graph = build()
    graph.invoke({"log": ["in"]}, CONFIG)
    policy = Retention(checkpoints=5, finished_days=30)
    assert apply_retention(policy)[1].checkpoints == STEPS + 1 - 5
    assert not due_threads(policy).exists()

    age(31)
    Thread.objects.update(pruned_at=timezone.now() - timedelta(days=20))

    assert apply_retention(policy) == (1, Pruned(4, 0))
    assert len(graph.get_state(CONFIG).values["log"]) == STEPS
    assert apply_retention(policy) == (0, Pruned(0, 0))


def test_a_finished_thread_keeps_its_decisions_after_a_time():
    graph = build(asks=True)
    graph.invoke({"log": ["in"]}, CONFIG)
    question = Interrupt.objects.get()
    graph.invoke(Command(resume="yes"), CONFIG)
    Decision.objects.create(
        interrupt=question, round=1, kind="approve", checkpoint=question.checkpoint
    )
    age(31)

    apply_retention(Retention(finished_days=30))

    assert ids() == [ids()[0], question.checkpoint]
    assert ids()[0] != question.checkpoint


def test_a_thread_that_waits_or_failed_keeps_its_history():
    build(asks=True).invoke({"log": ["in"]}, CONFIG)
    age(400)
    before = ids()

    apply_retention(Retention())

    assert ids() == before


def test_a_thread_at_work_is_left_for_the_next_time():
    build().invoke({"log": ["in"]}, CONFIG)
    saver = DjangoSaver()
    place = saver.open("t", None)
    Thread.objects.update(status="idle")  # it was, when the list was made

    assert apply_retention(Retention(checkpoints=1)) == (1, Pruned())
    assert Thread.objects.get().pruned_at is None

    saver.close(place)
    assert apply_retention(Retention(checkpoints=1))[1].checkpoints == STEPS


class TestCommand:
    def test_it_tells_what_it_would_do_and_does_it(self):
        build().invoke({"log": ["in"]}, CONFIG)

        assert said("--dry-run", "--keep", "3") == [
            "t: 8 checkpoints, 0 events",
            "would remove 8 checkpoints and 0 events of 1 threads",
        ]
        assert len(ids()) == STEPS + 1
        assert said("t", "--keep", "3")[-1] == (
            "removed 8 checkpoints and 0 events of 1 threads"
        )
        assert len(ids()) == 3

    def test_it_names_what_is_in_its_way(self):
        build().invoke({"log": ["in"]}, CONFIG)
        DjangoSaver().open("t", None)
        run = Run.objects.latest("pk")

        assert said("t")[0] == f"t: left alone, run {run.pk} is at work"

    def test_nonsense_is_refused(self):
        with pytest.raises(CommandError, match="there is no thread nobody"):
            said("nobody")
        with pytest.raises(CommandError, match="give a number above 0"):
            said("--keep", "0")


def said(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue().splitlines()
