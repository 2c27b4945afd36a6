"""The end of a thread: who wakes those that wait for it, and what becomes of its children (RB.5)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.services.family import (
    Parent,
    State,
    answer,
    begun,
    children,
    config_of,
    desk,
    swept,
)
from tests.services.napping import boss, status_of
from tests.services.posting import carried_out, values_of
from tests.storage.racing import together
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.graph.state import StateGraph
from workflows.models import Child as ChildRow
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.children import Child, start_child
from workflows.services.execute_run import execute_run
from workflows.services.start_run import start_thread
from workflows.services.sweep import sweep
from workflows.services.tidy import tidy
from workflows.storage.saver import DjangoSaver
from workflows.storage.threads import delete_thread

assert boss
assert desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.5")]


class TestWhoWakesTheParent:
    def test_a_child_that_ends_before_it_is_waited_for(self, desk):
        desk.wait, desk.more = None, {"on_parent_end": "leave"}
        begun()
        carried_out()
        (child,) = children()

        @entrypoint()
        def later(given: Any) -> Any:
            return Child(child.pk).result()

        registry.register(later, name="later")
        run = start_thread("later", 0, thread_id="p").run_id

        assert execute_run(run) == "waiting"
        assert carried_out() == ["success"]

    def test_the_sweep_where_the_process_died_that_was_to(self, desk, monkeypatch):
        from workflows.services import execute_run as carrying

        with monkeypatch.context() as patched:
            patched.setattr(carrying, "note_end", lambda *_: None)
            parent = begun()
            assert carried_out() == ["success"]
        assert status_of(parent) == ("waiting", "waiting")

        assert swept() == 1

        assert carried_out() == ["success"]
        assert values_of(parent) == {"said": ["a done"]}

    def test_a_run_of_a_program_ends_it_too(self, desk):
        begun()
        (child,) = children()
        Run.objects.filter(thread=child).delete()
        work = registry.get("work").graph.with_saver(DjangoSaver())

        work.invoke("direct", config_of(child.pk))
        swept()

        assert carried_out() == ["success"]
        assert values_of(Thread.objects.get(pk="parent")) == {"said": ["direct done"]}

    def test_many_may_wait_for_one(self, desk):
        @entrypoint()
        def waits(given: Any) -> Any:
            return Child("shared").result()

        registry.register(waits, name="waits")
        start_thread("work", "ask", thread_id="shared")
        for number in range(5):
            start_thread("waits", 0, thread_id=f"w{number}")
        assert carried_out() == ["interrupted", *["waiting"] * 5]

        cancel_thread("shared")

        assert carried_out() == ["error"] * 5

    def test_a_child_that_ends_while_its_parent_begins_to_wait(self, desk):
        desk.wait, desk.more = None, {"on_parent_end": "leave"}
        for number in range(10):
            parent = start_thread("desk", {}, thread_id=f"p{number}")
            execute_run(parent.run_id)
            child = ChildRow.objects.get(thread_id=f"p{number}").child_id

            @entrypoint()
            def waits(given: Any) -> Any:
                return Child(given).result()

            registry.register(waits, name=f"waits{number}")
            waiting = start_thread(f"waits{number}", child, thread_id=f"w{number}")
            (work,) = Run.objects.filter(thread_id=child)

            together(
                [partial(execute_run, work.pk), partial(execute_run, waiting.run_id)]
            )
            carried_out()

            assert status_of(Thread.objects.get(pk=f"w{number}")) == ("idle", "success")


class TestWhatBecomesOfThem:
    def _left(self, desk: Parent, on_parent_end: str) -> Thread:
        """The child of a parent that has ended while it asks."""
        desk.inputs, desk.wait = ["ask"], None
        desk.more = {"on_parent_end": on_parent_end}
        run = start_thread("desk", {}, thread_id="parent").run_id
        execute_run(run)
        carried_out()
        return children()[0]

    def test_cancelled_with_the_end_of_the_parent(self, desk):
        child = self._left(desk, "cancel")

        assert status_of(child) == ("idle", "cancelled")
        assert status_of(Thread.objects.get(pk="parent")) == ("idle", "success")
        assert ChildRow.objects.get().settled

    def test_left_alone(self, boss, desk):
        child = self._left(desk, "leave")
        assert carried_out() == ["interrupted"] or status_of(child)[0] == "interrupted"

        answer(boss, "yes")
        assert carried_out() == ["success"]
        assert ChildRow.objects.get().settled

    def test_waited_for(self, boss, desk):
        child = self._left(desk, "wait")
        parent = Thread.objects.get(pk="parent")
        assert status_of(child) == ("interrupted", "interrupted")
        assert status_of(parent) == ("waiting", "waiting")
        assert parent.runs.get().reason == "children"
        assert sweep() == 0

        answer(boss, "yes")

        assert carried_out() == ["success", "success"]
        assert status_of(parent) == ("idle", "success")
        assert ChildRow.objects.get().settled
        assert desk.began == 1

    def test_an_edit_while_they_are_waited_for_changes_nothing_of_that(
        self, boss, desk
    ):
        child = self._left(desk, "wait")
        parent = Thread.objects.get(pk="parent")

        desk.graph(checkpointer=DjangoSaver()).update_state(
            config_of("parent"), {"note": "edited"}
        )

        assert status_of(parent)[0] == "waiting"
        answer(boss, "yes")
        assert carried_out() == ["success", "success"]
        assert status_of(parent) == ("idle", "success")
        assert status_of(child) == ("idle", "success")

    def test_a_parent_that_failed_has_not_ended(self, desk):
        def failing(state: State) -> State:
            start_child("work", "ask")
            raise ValueError("mend me")

        graph = StateGraph(State).add_node("failing", failing)
        registry.register(graph.set_entry_point("failing").compile(), name="failing")
        execute_run(start_thread("failing", {}, thread_id="p").run_id)
        carried_out()
        swept()

        (child,) = [each for each in children() if each.graph == "work"]
        assert status_of(child) == ("interrupted", "interrupted")

    @pytest.mark.parametrize(
        ("on_parent_end", "ends"),
        [("cancel", "cancelled"), ("wait", "cancelled"), ("leave", "interrupted")],
    )
    def test_a_cancelled_parent_takes_them_along(self, boss, desk, on_parent_end, ends):
        desk.inputs, desk.more = ["ask"], {"on_parent_end": on_parent_end}
        parent = begun()
        carried_out()
        (child,) = children()

        CancelRun(boss, parent.runs.get().pk).execute()

        assert status_of(child)[1] == ends
        assert status_of(parent) == ("idle", "cancelled")

    def test_a_whole_family_is_cancelled(self, boss, desk):
        def middle(state: State) -> State:
            return {"note": start_child("work", "ask").result()}

        graph = StateGraph(State).add_node("middle", middle)
        registry.register(graph.set_entry_point("middle").compile(), name="middle")

        @entrypoint()
        def top(given: Any) -> Any:
            return start_child("middle", {}).result()

        registry.register(top, name="top")
        execute_run(start_thread("top", 0, thread_id="p").run_id)
        assert carried_out() == ["waiting", "interrupted"]

        cancel_thread("p", reason="not wanted")

        assert {each.status for each in Thread.objects.all()} == {"idle"}
        last = {each.runs.latest("id").status for each in Thread.objects.all()}
        assert last == {"cancelled"}
        assert not Run.objects.filter(status="pending").exists()

    def test_children_of_a_deleted_parent_are_found_by_the_sweep(self, desk):
        desk.inputs = ["ask"]
        begun()
        carried_out()

        delete_thread("default", "parent")
        swept()

        assert status_of(children()[0]) == ("idle", "cancelled")
        tidy()
        assert not ChildRow.objects.exists()

    def test_a_child_is_cancelled_by_its_handle(self, desk):
        @entrypoint()
        def changes_its_mind(given: Any) -> Any:
            child = start_child("work", "ask", thread_id="c")
            return [child.cancel("no need"), child.cancel()]

        registry.register(changes_its_mind, name="mind")
        execute_run(start_thread("mind", 0, thread_id="p").run_id)

        graph = changes_its_mind.with_saver(DjangoSaver())
        assert graph.get_state(config_of("p")).values == [True, False]
        assert Run.objects.get(thread_id="c").cancel_reason == "no need"
