"""How a run is carried out, and what is written when it ends, whatever way it ends.

The graphs here are scripts that say what the engine would; the real engine is met in
`tests/services/test_whole_runs.py` and `tests/worker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.services.conftest import ask
from tests.support.deciding import decided
from workflows.engine.errors import (
    GraphChangedError,
    LeaseLostError,
    SerializationError,
    UnknownInterruptError,
    UnknownTypeError,
)
from workflows.engine.types import Command
from workflows.models import Checkpoint, Event, Run, Thread
from workflows.services import registry
from workflows.services.cancel_run import CancelRun
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun

pytestmark = pytest.mark.django_db

Script = Callable[[Any, Any], Iterator[tuple[str, Any]]]


class Scripted:
    """A graph whose `stream` is the script."""

    name = "scripted"

    def __init__(self) -> None:
        self.script: Script = quietly
        self.given: list[Any] = []
        self.settings: list[dict[str, Any]] = []

    def with_saver(self, saver: Any) -> Scripted:
        self.saver = saver
        return self

    def with_shared(self, **shared: Any) -> Scripted:
        return self

    def stream(
        self, value: Any, config: Any, *, stream_mode: list[str], durability: str
    ) -> Iterator[tuple[str, Any]]:
        assert durability == "sync"
        self.given.append(value)
        self.settings.append(config["configurable"])
        yield from self.script(self.saver, value)


def quietly(saver: Any, value: Any) -> Iterator[tuple[str, Any]]:
    yield "updates", {"node": None}
    yield "checkpoints", {}


def asking(saver: Any, value: Any) -> Iterator[tuple[str, Any]]:
    yield "updates", {"__interrupt__": ("question",)}


def raising(error: Exception) -> Script:
    def script(saver: Any, value: Any) -> Iterator[tuple[str, Any]]:
        yield "updates", {}
        raise error

    return script


@pytest.fixture
def graph(db):
    return registry.register(Scripted(), name="scripted", editable=["text"])


@pytest.fixture
def run(people, graph):
    return StartRun(people.operator, "scripted", {"n": 1}).execute()


def finished(run):
    run.refresh_from_db()
    run.thread.refresh_from_db()
    return run


class TestEnding:
    def test_a_run_that_ends_is_a_success(self, run, graph):
        assert execute_run(run.pk) == "success"

        assert finished(run).status == "success"
        assert run.thread.status == "idle"
        assert graph.given == [{"n": 1}]

    def test_a_run_that_asks_is_interrupted(self, run, graph):
        graph.script = asking

        assert execute_run(run.pk) == "interrupted"
        assert finished(run).thread.status == "interrupted"

    def test_a_run_that_raises_keeps_text_node_and_traceback(self, run, graph):
        error = KeyError("sum")
        error.add_note("During task with name 'check rows' and id 'abc'")
        graph.script = raising(error)

        assert execute_run(run.pk) == "error"

        assert finished(run).error == "KeyError: 'sum'"
        assert run.error_node == "check rows"
        assert "raising" in run.traceback or "script" in run.traceback
        assert run.reason == ""
        assert run.thread.status == "error"

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (GraphChangedError("node x is gone"), "graph_changed"),
            (UnknownTypeError("Gone"), "unknown_type"),
            (SerializationError("$.a", "no"), "not_storable"),
        ],
    )
    def test_some_errors_have_a_reason_code(self, run, graph, error, reason):
        graph.script = raising(error)

        execute_run(run.pk)

        assert finished(run).reason == reason

    @pytest.mark.rule("RA.15")
    def test_a_run_waits_for_a_workflow_that_is_gone(self, run, graph, queue):
        registry.unregister("scripted")
        Run.objects.update(due_at=timezone.now() - timedelta(minutes=1))
        queue.runs.clear()

        assert execute_run(run.pk) == "pending"
        assert recover_runs() == 0

        assert (finished(run).reason, run.fence, run.recoveries) == (
            "unknown_graph",
            0,
            0,
        )
        registry.register(graph, name="scripted")
        assert recover_runs() == 1
        assert queue.runs == [run.pk]
        assert execute_run(run.pk) == "success"
        assert finished(run).reason == ""

    def test_its_events_tell_the_story(self, run):
        execute_run(run.pk)

        data = Event.objects.order_by("seq").values_list("kind", "data")
        assert [kind for kind, _ in data] == ["run", "run", "run"]
        assert "success" in data[2][1]

    def test_it_is_carried_out_once(self, run, graph):
        execute_run(run.pk)

        assert execute_run(run.pk) == "success"
        assert len(graph.given) == 1

    def test_a_lost_lease_writes_nothing(self, run, graph):
        def taken_over(saver, value):
            Run.objects.update(fence=7, owner="another")
            yield from raising(LeaseLostError(str(run.pk), 1))(saver, value)

        graph.script = taken_over

        assert execute_run(run.pk) == "lost"
        assert (finished(run).status, run.error) == ("running", "")

    def test_a_success_that_comes_too_late_writes_nothing(self, run, graph):
        def slow(saver, value):
            yield "updates", {}
            Run.objects.update(fence=7, owner="another")

        graph.script = slow

        assert execute_run(run.pk) == "lost"
        assert finished(run).status == "running"

    def test_a_database_that_is_away_leaves_the_run_to_the_sweep(self, run, graph):
        graph.script = raising(OperationalError("server closed the connection"))

        assert execute_run(run.pk) == "lost"
        assert finished(run).status == "running"

    def test_an_error_of_the_nodes_own_query_is_the_nodes(self, run, graph):
        error = OperationalError("no such table: ledger")
        error.add_note("During task with name 'book' and id 'abc'")
        graph.script = raising(error)

        assert execute_run(run.pk) == "error"
        assert finished(run).error_node == "book"

    def test_custom_chunks_become_events(self, run, graph):
        def talking(saver, value):
            yield "custom", {"page": 1}
            yield "custom", {"page": 2}

        graph.script = talking
        execute_run(run.pk)

        told = Event.objects.filter(kind="custom").order_by("seq")
        assert [event.data for event in told] == [
            '{"data":{"page":1}}',
            '{"data":{"page":2}}',
        ]


class TestStopping:
    def test_between_two_steps_it_can_be_given_back(self, run, graph, queue):
        assert execute_run(run.pk, should_stop=lambda: True) == "pending"

        assert finished(run).recoveries == 0
        assert queue.runs == [run.pk, run.pk]
        assert execute_run(run.pk) == "success"

    def test_a_cancelled_run_stops_after_its_step(self, run, graph, people):
        def cancelled(saver, value):
            CancelRun(people.operator, run.pk, "enough").execute()
            yield "checkpoints", {}
            raise AssertionError("went on")

        graph.script = cancelled

        assert execute_run(run.pk) == "cancelled"
        assert finished(run).status == "cancelled"


class TestGivingInput:
    def test_a_recovered_run_gives_input_that_was_not_taken(self, run, graph):
        Run.objects.update(fence=1, recoveries=1)

        execute_run(run.pk)

        assert graph.given == [{"n": 1}]

    def test_a_recovered_run_goes_on_where_input_was_taken(self, run, graph):
        Run.objects.update(fence=1, recoveries=1)
        Checkpoint.objects.create(
            thread=run.thread, run=run, id="c1", step=-1, source="input"
        )

        execute_run(run.pk)

        assert graph.given == [None]


@pytest.fixture
def waiting(people, graph):
    thread = Thread.objects.create(
        id="w", graph="scripted", status="interrupted", head="c1"
    )
    return ask(thread)


@pytest.fixture
def answer(people, waiting):
    return decided(
        ResumeRun(people.reviewer, waiting.pk, "approve", version=1, round=1)
    )


class TestAnswers:
    def test_the_answer_goes_to_its_question(self, waiting, answer, graph):
        execute_run(answer.run_id)

        [command] = graph.given
        assert isinstance(command, Command)
        assert list(command.resume) == [waiting.interrupt_id]

    def test_a_refused_answer_opens_the_question_again(self, waiting, answer, graph):
        error: Any = ValueError("sum: 3 is no text")
        error.__durableweb_invalid_resume__ = waiting.interrupt_id
        graph.script = raising(error)

        assert execute_run(answer.run_id) == "interrupted"

        waiting.refresh_from_db()
        assert (waiting.status, waiting.round, waiting.version) == ("pending", 2, 3)
        assert "3 is no text" in waiting.reason
        answer.run.refresh_from_db()
        assert answer.run.reason == "answer_refused"
        assert waiting.thread.status == "interrupted"

    def test_the_next_round_takes_a_new_answer(self, people, waiting, answer, graph):
        error: Any = ValueError("no")
        error.__durableweb_invalid_resume__ = waiting.interrupt_id
        graph.script = raising(error)
        execute_run(answer.run_id)
        graph.script = quietly

        again = decided(
            ResumeRun(people.reviewer, waiting.pk, "reject", version=3, round=2)
        )

        assert execute_run(again.run_id) in ("success", "interrupted")

    def test_an_answer_to_an_earlier_question_is_void(self, waiting, answer, graph):
        type(waiting).objects.update(status="pending", round=2)

        assert execute_run(answer.run_id) == "cancelled"

        assert graph.given == []
        answer.run.refresh_from_db()
        assert answer.run.reason == "question_changed"

    def test_a_recovered_answer_that_was_taken_is_not_given_twice(self, answer, graph):
        Run.objects.filter(pk=answer.run_id).update(fence=1, recoveries=1)

        def taken(saver, value):
            if len(graph.given) == 1:
                raise UnknownInterruptError("not_pending")
            yield from quietly(saver, value)

        graph.script = taken

        execute_run(answer.run_id)

        assert graph.given[1].update is None
        assert graph.settings[1]["strict_resume"] is False

    def test_answers_on_one_thread_take_their_turns(
        self, people, waiting, graph, queue
    ):
        second = ask(waiting.thread, "B?")
        decisions = [
            decided(ResumeRun(people.reviewer, each.pk, "approve", version=1, round=1))
            for each in (waiting, second)
        ]
        first_run, second_run = (each.run_id for each in decisions)

        assert execute_run(second_run) == "pending"
        queue.runs.clear()
        execute_run(first_run)

        assert queue.runs == [second_run]
        execute_run(second_run)
        orders = [list(given.resume) for given in graph.given]
        assert orders == [[waiting.interrupt_id], [second.interrupt_id]]


class TestRecovering:
    def test_a_dead_lease_is_released_and_its_run_woken(self, run, queue):
        Run.objects.update(
            status="running", fence=1, owner="gone", lease_until="2020-01-01T00:00Z"
        )
        queue.runs.clear()

        assert recover_runs() == 1

        assert queue.runs == [run.pk]
        assert (finished(run).status, run.recoveries) == ("pending", 1)

    def test_a_run_nobody_was_woken_for_is_woken(self, run, queue):
        queue.runs.clear()
        assert recover_runs() == 0
        Run.objects.update(due_at="2020-01-01T00:00Z")

        assert recover_runs() == 1
        assert queue.runs == [run.pk]

    def test_a_crash_loop_is_parked(self, run, queue, settings):
        settings.MAX_RECOVERIES = 1
        Run.objects.update(
            status="running",
            fence=2,
            recoveries=1,
            owner="gone",
            lease_until="2020-01-01T00:00Z",
        )

        assert recover_runs() == 0

        assert (finished(run).status, run.reason) == ("error", "crash_loop")
        assert run.thread.status == "error"
