"""Threads that tasks start: each once, whatever happens to the body that starts it (RB.5)."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from tests.services.family import (
    State,
    answer,
    begun,
    children,
    config_of,
    desk,
)
from tests.services.napping import boss, status_of
from tests.services.posting import carried_out, values_of
from workflows.engine.checkpoint.memory import InMemorySaver
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Awaited, Run, Thread
from workflows.models import Child as ChildRow
from workflows.services import children as starting
from workflows.services import registry
from workflows.services.action import InvalidAnswer
from workflows.services.children import Child, start_child
from workflows.services.execute_run import execute_run
from workflows.services.listing import list_threads
from workflows.services.registry import UnknownGraphError
from workflows.services.replay import replay_check
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver
from workflows.storage.threads import copy_thread, delete_thread

assert boss
assert desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.5")]


class TestStarting:
    def test_the_child_is_a_thread_of_its_own(self, desk):
        parent = begun()

        (child,) = children()

        assert (child.graph, child.title, child.created_by) == ("work", "Work", None)
        assert uuid.UUID(child.pk)
        assert status_of(parent) == ("waiting", "waiting")
        assert status_of(child) == ("idle", "pending")
        assert carried_out() == ["success", "success"]
        assert status_of(parent) == ("idle", "success")
        assert values_of(parent) == {"said": ["a done"]}
        assert (desk.began, desk.worked) == (2, ["a"])
        assert not Awaited.objects.exists()

    def test_several_work_at_the_same_time_and_are_waited_for_one_by_one(self, desk):
        desk.inputs = ["a", "b", "c"]

        parent = begun()

        assert len(children()) == 3
        assert carried_out()[-1] == "success"
        assert values_of(parent) == {"said": ["a done", "b done", "c done"]}
        assert desk.worked == ["a", "b", "c"]

    def test_they_are_listed_by_their_parent(self, desk):
        desk.inputs = ["a", "b"]
        begun()
        start_thread("work", "other")

        found = {each.thread_id for each in list_threads(parent="parent")}

        assert found == {row.child_id for row in ChildRow.objects.all()}
        assert len(found) == 2
        assert len(list_threads(parent="nobody")) == 0

    def test_a_body_asks_once_a_run_which_children_it_has(self, desk, monkeypatch):
        desk.inputs = ["a"] * 20
        begun()
        work = Run.objects.filter(graph="work").order_by("id")
        execute_run(work[0].pk)
        (woken,) = Run.objects.filter(kind="wake")

        held: list[str] = []
        monkeypatch.setattr(starting, "hold_thread", held.append)

        assert execute_run(woken.pk) == "waiting"

        assert (desk.began, held) == (2, [])

    def test_a_name_a_graph_a_title_and_an_id(self, desk):
        work = registry.get("work").graph

        @entrypoint()
        def several(given: Any) -> Any:
            first = start_child(work, 1, thread_id="mine", title="The first")
            second = start_child("work", 2)
            return [first, second.thread_id, Child("mine").result()]

        registry.register(several, name="several")
        run = start_thread("several", 0, thread_id="p").run_id

        assert execute_run(run) == "waiting"

        assert Thread.objects.get(pk="mine").title == "The first"
        carried_out()
        found = several.with_saver(DjangoSaver()).get_state(config_of("p")).values
        assert found[0] == Child("mine")
        assert Thread.objects.filter(pk=found[1]).exists()
        assert found[2] == "1 done"

    def test_once_however_often_the_body_runs(self, boss, desk):
        @entrypoint()
        def asks(given: Any) -> Any:
            found = [start_child("work", each).thread_id for each in "ab"]
            return [found, interrupt("1")["value"], interrupt("2")["value"]]

        registry.register(asks, name="asks")
        execute_run(start_thread("asks", 0, thread_id="p").run_id)
        first = {each.pk for each in children() if each.graph == "work"}
        assert len(first) == 2
        carried_out()
        answer(boss, "x")
        carried_out()
        delete_thread("default", min(first))

        answer(boss, "y")
        carried_out()

        found = asks.with_saver(DjangoSaver()).get_state(config_of("p")).values
        assert (set(found[0]), found[1:]) == (first, ["x", "y"])
        assert sorted(desk.worked) == ["a", "b"]
        assert not Thread.objects.filter(pk=min(first)).exists()

    def test_in_tasks_coroutines_and_graphs_below(self, desk):
        @task
        def plain(given: Any) -> Any:
            return start_child("work", given)

        @task
        async def waits(given: Any) -> Any:
            return start_child("work", given).result()

        def below(state: State) -> State:
            return {"note": start_child("work", "below").result()}

        graph = StateGraph(State).add_node("below", below)
        sub = graph.set_entry_point("below").compile()

        @entrypoint()
        async def several(given: Any) -> Any:
            first = await plain("t")
            both = await asyncio.gather(waits("x"), waits("y"))
            found = await sub.ainvoke({})
            return [first.result(), *both, found["note"]]

        registry.register(several, name="several")
        run = start_thread("several", 0, thread_id="p").run_id

        assert execute_run(run) == "waiting"
        carried_out()

        thread = Thread.objects.get(pk="p")
        state = async_to_sync(several.with_saver(DjangoSaver()).aget_state)
        assert state(config_of("p")).values == [
            "t done",
            "x done",
            "y done",
            "below done",
        ]
        assert status_of(thread) == ("idle", "success")
        assert sorted(desk.worked) == ["below", "t", "x", "y"]

    def test_one_that_cannot_begin_leaves_nothing_behind(self, desk):
        Thread.objects.create(pk="taken", graph="other")
        desk.more = {"thread_id": "taken"}

        parent = begun()

        assert status_of(parent) == ("error", "error")
        assert "belongs to another thread" in parent.runs.get().error
        assert not ChildRow.objects.exists()
        assert not parent.events.filter(kind="child").exists()

    def test_a_body_whose_run_was_taken_over_starts_nothing(self, desk):
        def stolen(state: State) -> State:
            Run.objects.filter(thread_id="p").update(fence=7)
            return {"note": start_child("work", 1).thread_id}

        graph = StateGraph(State).add_node("stolen", stolen)
        registry.register(graph.set_entry_point("stolen").compile(), name="stolen")

        assert execute_run(start_thread("stolen", {}, thread_id="p").run_id) == "lost"

        assert not Thread.objects.filter(graph="work").exists()
        assert not ChildRow.objects.exists()

    def test_a_rehearsal_starts_nothing(self, desk):
        begun()
        carried_out()
        ChildRow.objects.all().delete()
        before = Run.objects.count()

        replay_check("desk", "parent", history=True)

        assert Run.objects.count() == before

    def test_a_copy_of_the_parent_shares_it(self, desk):
        parent = begun()
        copy_thread("default", "parent", "copy")

        assert carried_out() == ["success"] * 3

        copy = Thread.objects.get(pk="copy")
        assert values_of(parent) == values_of(copy) == {"said": ["a done"]}
        assert desk.worked == ["a"]

    def test_a_fork_starts_another(self, desk):
        begun()
        carried_out()
        graph = desk.graph(checkpointer=DjangoSaver())
        history = graph.get_state_history(config_of("parent"))
        first = next(each for each in history if each.next == ("parent",))

        graph.invoke(None, first.config)

        assert len(children()) == 2
        assert carried_out() == ["success", "success"]
        assert desk.worked == ["a", "a"]


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "error", "says"),
        [
            ({"graph": "nobody"}, UnknownGraphError, "no workflow named 'nobody'"),
            ({"graph": 7}, TypeError, r"start_child\(\): graph is 7; give the name of"),
            ({"on_parent_end": "kill"}, ValueError, "'cancel', 'wait' or 'leave'"),
            ({"thread_id": ""}, ValueError, "thread_id is ''; give the id of a thread"),
            ({"thread_id": 7}, TypeError, "thread_id is 7; give the id of a thread"),
            ({"thread_id": "a/b"}, InvalidAnswer, "no slash"),
            ({"thread_id": "p"}, InvalidAnswer, "this id belongs to another thread"),
            ({"input": object()}, InvalidAnswer, "object"),
        ],
    )
    def test_what_is_none_is_refused(self, desk, given, error, says):
        met = []

        @entrypoint()
        def flow(_: Any) -> Any:
            with pytest.raises(error, match=says) as raised:
                start_child(**{"graph": "work", "input": 1, **given})
            met.append(raised.value)

        registry.register(flow, name="flow")
        run = start_thread("flow", 0, thread_id="p").run_id

        assert execute_run(run) == "success"
        assert met
        assert not ChildRow.objects.exists()

    def test_a_thread_that_has_work_takes_no_other(self, desk):
        start_thread("work", 1, thread_id="busy")
        desk.more = {"thread_id": "busy"}

        parent = begun()

        assert "ThreadBusy" in parent.runs.get().error

    def test_nobody_waits_for_himself(self, desk):
        @entrypoint()
        def flow(given: Any) -> Any:
            return Child("p").result()

        registry.register(flow, name="flow")
        run = start_thread("flow", 0, thread_id="p").run_id

        assert execute_run(run) == "error"
        assert "a task cannot wait for the end of its own" in Run.objects.get().error

    def test_outside_of_a_graph_and_of_this_database(self, desk):
        with pytest.raises(RuntimeError, match=r"start_child\(\)"):
            start_child("work", 1)
        with pytest.raises(RuntimeError, match=r"Child.result\(\)"):
            Child("x").result()
        graph = desk.graph(checkpointer=InMemorySaver())
        with pytest.raises(RuntimeError, match="not kept in the database of this site"):
            graph.invoke({}, config_of("t"))
        with pytest.raises(RuntimeError, match="not kept in the database of this site"):
            desk.graph().invoke({})
