"""Whole runs through the real engine that fail or are killed, and go on."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.graph import END, START, StateGraph
from durableweb.types import interrupt
from tests.services.letters import (
    State,
    answer,
    letter,
    noted,
    register,
    run_all,
    values,
)
from workflows.engine.drivers import faults
from workflows.models import Checkpoint, Interrupt, Run
from workflows.services import registry
from workflows.services.continue_run import ContinueRun
from workflows.services.edit_state import EditState
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.start_run import StartRun
from workflows.storage.leases import keeper

__all__ = ["letter", "noted"]

pytestmark = pytest.mark.django_db(transaction=True)


class TestFailing:
    def test_a_failed_run_goes_on_without_repeating_what_ended(self, people, noted):
        broken = [True]

        def first(state: State) -> State:
            noted.append("first")
            return {"said": ["first"]}

        def second(state: State) -> State:
            noted.append("second")
            if broken:
                raise ConnectionResetError("line is down")
            return {"said": ["second"]}

        register("fragile", first=first, second=second)
        run = StartRun(people.operator, "fragile", {"text": "x"}).execute()
        run_all()
        run.refresh_from_db()
        assert (run.status, run.error_node) == ("error", "second")
        assert "line is down" in run.error
        assert "line is down" in run.traceback
        assert run.error_attempt == 1

        broken.clear()
        ContinueRun(people.operator, run.thread_id).execute()
        run_all()

        assert values(people, run.thread_id)["said"] == ["first", "second"]
        assert noted.count("first") == 1

    def test_a_value_that_cannot_be_stored_names_its_place(self, people):
        register("unstorable", node=lambda state: {"text": object()})
        run = StartRun(people.operator, "unstorable", {"text": "x"}).execute()
        run_all()

        run.refresh_from_db()
        assert (run.status, run.reason) == ("error", "not_storable")
        assert "at $.text" in run.error

    @pytest.fixture
    def broken_below(self, people) -> tuple[Run, list[int]]:
        """A run whose graph below asks beside a node that fails, and what makes that fail."""
        broken = [1]

        def asks(state: State) -> State:
            return {"said": [interrupt("Well?")["decision"]]}

        def bad(state: State) -> State:
            if broken:
                raise ConnectionResetError("line is down")
            return {"said": ["bad"]}

        inner = StateGraph(State).add_node("asks", asks).add_node("bad", bad)
        inner.add_edge(START, "asks").add_edge(START, "bad")
        register("outer", inner=inner.compile())
        run = StartRun(people.operator, "outer", {"text": "x"}).execute()
        run_all()
        run.refresh_from_db()
        assert run.status == "error"
        return run, broken

    @pytest.mark.rule("R5.13")
    def test_a_question_in_a_graph_that_failed_can_be_answered(
        self, people, broken_below
    ):
        run, broken = broken_below
        broken.clear()

        answer(people.reviewer, Interrupt.objects.get())
        run_all()

        assert values(people, run.thread_id)["said"] == ["approve", "bad"]
        assert Interrupt.objects.get().status == "resolved"
        run.thread.refresh_from_db()
        assert run.thread.status == "idle"

    def test_a_question_in_a_graph_that_failed_is_over_with_a_new_start(
        self, people, broken_below
    ):
        run, _ = broken_below

        StartRun(people.operator, "outer", {}, thread_id=run.thread_id).execute()
        run_all()

        asked = Interrupt.objects.order_by("id").values_list("status", flat=True)
        assert list(asked) == ["superseded", "pending"]

    def test_an_edit_of_a_thread_that_failed_leaves_it_failed(self, people):
        def node(state: State) -> State:
            if state["text"] == "bad":
                raise ValueError("bad")
            return {"said": [state["text"]]}

        register("picky", node=node)
        run = StartRun(people.operator, "picky", {"text": "bad"}).execute()
        run_all()
        thread = run.thread
        thread.refresh_from_db()
        changed = {"text": "good"}
        EditState(people.operator, thread.pk, changed, thread.head, "typo").execute()

        thread.refresh_from_db()
        assert thread.status == "error"
        ContinueRun(people.operator, thread.pk).execute()
        run_all()
        thread.refresh_from_db()
        assert thread.status == "idle"
        assert values(people, thread.pk)["said"] == ["good"]

    @pytest.mark.rule("C.DecryptionError")
    @pytest.mark.parametrize("has_begun", [False, True])
    def test_a_run_without_the_key_says_what_it_lacks(
        self, people, settings, has_begun
    ):
        def failing(state: State) -> State:
            raise ValueError("bad")

        register("fails", failing=failing)
        settings.VALUE_CIPHER = "tests.storage.ciphers.tiny"
        run = StartRun(people.operator, "fails", {"text": "x"}).execute()
        if has_begun:
            run_all()
            run = ContinueRun(people.operator, run.thread_id).execute()

        settings.VALUE_CIPHER = "tests.storage.ciphers.other"
        run_all()

        run.refresh_from_db()
        assert (run.status, run.reason) == ("error", "not_decrypted")
        assert "does not decrypt under 'k1'" in run.error

    @pytest.mark.parametrize("cipher", ["", "tests.storage.ciphers.BindingCipher"])
    def test_an_edit_of_a_thread_that_failed_may_leave_nothing_to_do(
        self, people, settings, cipher
    ):
        settings.VALUE_CIPHER = cipher

        def failing(state: State) -> State:
            raise ValueError("bad")

        builder = StateGraph(State)
        builder.add_node("node", lambda state: {})
        builder.add_node("failing", failing)
        builder.add_edge(START, "node")
        builder.add_conditional_edges(
            "node", lambda state: "failing" if state["text"] == "bad" else END
        )
        graph = builder.compile(name="gated")
        registry.register(graph, name="gated", editable=["text"])
        run = StartRun(people.operator, "gated", {"text": "bad"}).execute()
        run_all()
        thread = run.thread
        thread.refresh_from_db()
        assert thread.status == "error"

        changed = {"text": "good"}
        EditState(people.operator, thread.pk, changed, thread.head, "typo").execute()

        thread.refresh_from_db()
        assert thread.status == "idle"


def kill_and_recover(k: int, run_id: int) -> bool:
    """Carry the run out, dying before its k-th request; then let a sweep take it up."""
    died = False
    with faults.kill_before(k):
        try:
            execute_run(run_id)
        except faults.Killed:
            died = True
    Run.objects.filter(status="running").update(lease_until="2020-01-01T00:00Z")
    recover_runs()
    run_all()
    return died


def test_a_run_killed_before_any_request_ends_as_if_nothing_had_been(
    people, letter, noted, monkeypatch
):
    # A killed process renews no lease.
    monkeypatch.setattr(keeper, "hold", lambda *_: None)
    ends = set()
    for k in range(1, 60):
        noted.clear()
        run = StartRun(people.operator, "letter", {"text": "hello"}).execute()
        died_at_start = kill_and_recover(k, run.pk)
        row = Interrupt.objects.get(thread=run.thread)
        assert row.status == "pending", k
        decision = answer(
            people.reviewer, row, checkpoint=_head(run), edits={"text": "new"}
        )
        died_in_resume = kill_and_recover(k, decision.run_id)

        assert not Run.objects.filter(status="error").exists(), (
            k,
            Run.objects.filter(status="error").values_list("error", "traceback"),
        )
        shown = values(people, run.thread_id)
        ends.add((tuple(shown["said"]), shown["text"]))
        assert len(ends) == 1, (k, ends)
        assert noted.count("draft") <= 2, k
        assert noted.count("post") <= 2, k
        steps = Checkpoint.objects.filter(thread=run.thread, namespace="")
        assert sorted(steps.values_list("step", flat=True)) == [-1, 0, 1, 2], k
        row.refresh_from_db()
        assert row.status == "resolved", k
        if not (died_at_start or died_in_resume):
            break
    assert ends == {(("approve new", "posted"), "new")}
    assert k > 5


def _head(run: Run) -> str:
    run.thread.refresh_from_db()
    return run.thread.head


@pytest.mark.rule("R5.26", "RA.15")
@pytest.mark.parametrize("where", ["before", "after", "before below", "after below"])
def test_a_run_that_dies_at_a_breakpoint_is_still_held_there(people, where):
    """Nobody has let it go on: the next claim of the run stops where the first one would have."""
    noted: list[str] = []

    def first(state: State) -> State:
        noted.append("first")
        return {"said": ["first"]}

    def second(state: State) -> State:
        noted.append("second")
        return {"said": ["second"]}

    def steps(**held: Any) -> Any:
        nodes = [("first", first), ("second", second)]
        graph = StateGraph(State).add_sequence(nodes).add_edge(START, "first")
        return graph.compile(name="held", **held)

    held: dict[str, Any] = (
        {"interrupt_before": ["second"]}
        if where.startswith("before")
        else {"interrupt_after": ["first"]}
    )
    graph: Any = steps(**held)
    if where.endswith("below"):
        outer = StateGraph(State).add_node("below", graph).add_edge(START, "below")
        graph = outer.compile(name="held")
    registry.register(graph, name="held")
    died = True
    for k in range(1, 60):
        if not died:
            break
        noted.clear()
        run = StartRun(people.operator, "held", {"text": "x"}).execute()
        died = kill_and_recover(k, run.pk)
        run.refresh_from_db()
        assert (run.status, "second" in noted) == ("interrupted", False), k
        ContinueRun(people.operator, run.thread_id).execute()
        run_all()
        assert noted.count("second") == 1, k
        assert values(people, run.thread_id)["said"][-1] == "second"
    assert not died


@pytest.mark.rule("R5.27", "RA.15")
def test_a_run_that_dies_at_a_breakpoint_behind_its_last_step_is_held_there(people):
    graph = StateGraph(State).add_node("only", lambda _: {"said": ["only"]})
    graph.add_edge(START, "only")
    held = graph.compile(name="held", interrupt_after=["only"])
    registry.register(held, name="held")
    died = True
    for k in range(1, 60):
        if not died:
            break
        run = StartRun(people.operator, "held", {"text": "x"}).execute()
        died = kill_and_recover(k, run.pk)
        run.refresh_from_db()
        assert run.status == "interrupted", k
        ContinueRun(people.operator, run.thread_id).execute()
        run_all()
        assert values(people, run.thread_id)["said"] == ["only"]
    assert not died
