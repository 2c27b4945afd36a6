"""The engine's sample programs on the Django saver: the same answers, and after any crash."""

from __future__ import annotations

import asyncio
import operator
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Annotated, Any, TypedDict

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.engine.support.lives import NOT_RESULTS, Story, wait_for_threads
from tests.programs import all_samples
from tests.programs.sample import Sample
from tests.storage.conftest import real_transactions
from tests.storage.racing import together
from workflows.engine.drivers import faults, threads
from workflows.engine.errors import ConcurrencyError, UnknownInterruptError
from workflows.models import Event, Interrupt, Run, Thread
from workflows.storage.cache import DjangoCache
from workflows.storage.leases import keeper
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

SAMPLES = all_samples()
CASES = [
    pytest.param(sample, driver, id=f"{sample.name}-{driver}")
    for sample in SAMPLES.values()
    for driver in sample.drivers
]
# One of each kind of saving: steps, a question, several at once, a fan-out, a subgraph,
# results of tasks that go to the cache before, attributes, sleeps, signals, updates.
KILLED = [
    "one_question",
    "parallel_answered_one_by_one",
    "questions_of_sent_tasks",
    "question_in_a_subgraph",
    "failure_beside_a_success",
    "cached_tasks",
    "attributes_in_nodes",
    "a_graph_below_that_sleeps_beside_a_question",
    "nodes_that_wait_side_by_side",
    "updates_between_steps",
    "an_update_before_a_question",
]
LONG_AGO = timedelta(hours=1)


class State(TypedDict):
    log: Annotated[list, operator.add]


class WatchedSaver(DjangoSaver):
    """Remembers what was saved as results, over all lives."""

    def __init__(self, saved: list[str]) -> None:
        super().__init__()
        self.saved = saved

    def commit(self, commit: Any) -> None:
        super().commit(commit)
        for task in commit.writes:
            self.saved += [repr(v) for c, v in task.writes if c not in NOT_RESULTS]
        if commit.checkpoint is not None:
            self.saved.append(repr(commit.checkpoint["channel_values"]))

    def holds(self, unit: str) -> bool:
        return any(f"<{unit}>" in text for text in self.saved)


class StoredStory(Story):
    """A story whose every life has a new saver: nothing is remembered but the tables."""

    def __init__(self, sample: Sample, driver: str, loop: asyncio.Runner) -> None:
        super().__init__(sample, driver, loop)
        self.saved: list[str] = []
        self.saver: Any = WatchedSaver(self.saved)
        self.world.cache = DjangoCache()
        self.world.cache.clear()

    def live(self) -> Any:
        self.saver = WatchedSaver(self.saved)
        return super().live()

    def die(self) -> None:
        """What is left of a process that was killed: rows, and a lease that runs out."""
        wait_for_threads()
        keeper.clear()
        Run.objects.filter(status="running").update(
            lease_until=timezone.now() - LONG_AGO
        )


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sync_to_async(connections.close_all)())
    # Threads close their connections as they end; the database goes after the last test.
    for thread in threading.enumerate():
        while thread.name.startswith("durableweb-task") and thread.is_alive():
            threads.pool.submit(_nothing)  # one that waits without end takes this job
            thread.join(0.05)


def _nothing() -> None:
    """A job for a thread to end after."""


@pytest.mark.parametrize(("sample", "driver"), CASES)
def test_a_program_ends_as_it_does_in_memory(sample, driver, loop):
    whole = Story(sample, driver, loop)
    answer = whole.live()

    assert StoredStory(sample, driver, loop).live() == answer

    attributes = whole.saver.attributes_of("t")
    assert DjangoSaver().attributes_of("t") == attributes
    assert_settled()


@pytest.mark.parametrize("name", KILLED)
def test_a_program_killed_anywhere_ends_with_the_same_answer(name, loop):
    sample = SAMPLES[name]
    whole = Story(sample, "blocking", loop)
    answer, usual = whole.live(), whole.calls()
    attributes = whole.saver.attributes_of("t")

    for k in count(1):
        DjangoSaver().delete_thread("t")
        story = StoredStory(sample, "blocking", loop)
        if not killed(story, k):
            break
        saved = {unit for unit in usual if story.saver.holds(unit)}

        assert story.live() == answer, f"killed before request {k}"
        assert story.saver.attributes_of("t") == attributes, f"killed before {k}"

        again = {unit: n for unit, n in story.lives[1].calls.items() if unit in saved}
        assert again == {}, f"killed before request {k}: saved work ran again"
        assert_settled()
    assert k > 5


def killed(story: StoredStory, k: int) -> bool:
    with faults.kill_before(k):
        try:
            story.live()
        except faults.Killed:
            story.die()
            return True
    return False


def assert_settled() -> None:
    """No run and no question is open, and no event is missing."""
    thread = Thread.objects.get()
    assert not Run.objects.filter(status__in=["running", "pending"]).exists()
    assert not Interrupt.objects.filter(status__in=["pending", "decided"]).exists()
    assert thread.status in ("idle", "error")
    seqs = [*Event.objects.order_by("seq").values_list("seq", flat=True)]
    assert seqs == [*range(1, thread.seq + 1)]


@pytest.mark.rule("RA.1", "R5.24")
def test_one_of_twenty_answers_to_a_question_wins():
    ran: list[str] = []

    def ask(state: Any) -> Any:
        answer = interrupt("Really?")
        ran.append(answer)
        return {"log": [answer]}

    def compiled() -> Any:
        graph = StateGraph(State).add_node(ask).add_edge(START, "ask")
        return graph.compile(checkpointer=DjangoSaver())

    config = {"configurable": {"thread_id": "t"}}
    compiled().invoke({"log": []}, config)

    answers = together(
        [
            partial(compiled().invoke, Command(resume=f"by {n}"), config)
            for n in range(20)
        ]
    )

    won = [each for each in answers if isinstance(each, dict)]
    assert len(won) == 1, answers
    assert won[0]["log"] == ran
    assert len(ran) == 1
    refused = [each for each in answers if not isinstance(each, dict)]
    expected = ConcurrencyError | UnknownInterruptError
    assert all(isinstance(each, expected) for each in refused), refused
    assert_settled()
