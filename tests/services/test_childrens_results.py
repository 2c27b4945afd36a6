"""What a child has returned: waited for without holding anything, the same however often it is asked for (RB.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypedDict

import pytest
from django.utils import timezone

from tests.services.family import (
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
from workflows.engine.channels import LastValue
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.node_builder import NodeBuilder
from workflows.engine.pregel import Pregel
from workflows.engine.runtime import interrupt
from workflows.engine.types import Command
from workflows.engine.wait_errors import ChildFailed, WaitTimeout
from workflows.models import Run
from workflows.services import registry
from workflows.services.cancel_run import cancel_thread
from workflows.services.children import start_child
from workflows.services.continue_run import ContinueRun
from workflows.services.execute_run import execute_run
from workflows.services.sleepers import wake
from workflows.services.start_run import start_thread
from workflows.services.sweep import sweep
from workflows.storage.saver import DjangoSaver
from workflows.storage.threads import delete_thread

assert boss
assert desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.5")]


class TestResults:
    def test_of_a_graph_it_is_what_invoke_returns(self, desk):
        class Out(TypedDict):
            note: str

        graph = StateGraph(State, output_schema=Out)
        graph.add_node("n", lambda state: {"note": "n", "said": [1]})
        registry.register(graph.set_entry_point("n").compile(), name="narrow")

        @entrypoint()
        def flow(given: Any) -> Any:
            return start_child("narrow", {}).result()

        registry.register(flow, name="flow")
        execute_run(start_thread("flow", 0, thread_id="p").run_id)
        carried_out()

        found = flow.with_saver(DjangoSaver()).get_state(config_of("p")).values
        assert found == {"note": "n"}

    @pytest.mark.rule("R1.49")
    def test_of_a_graph_of_subscriptions_it_is_the_output_channel(self, desk):
        shout = NodeBuilder().subscribe_only("a").do(str.upper).write_to("b")
        channels = {"a": LastValue(str), "b": LastValue(str)}
        for name, gives in (("bare", "b"), ("listed", ["b"])):
            graph = Pregel(
                nodes={"shout": shout},
                channels=channels,
                input_channels="a",
                output_channels=gives,
                name=name,
            )
            registry.register(graph)

        @entrypoint()
        def flow(given: Any) -> Any:
            return [start_child(each, given).result() for each in ("bare", "listed")]

        registry.register(flow, name="flow")
        execute_run(start_thread("flow", "hey", thread_id="p").run_id)
        carried_out()

        found = flow.with_saver(DjangoSaver()).get_state(config_of("p")).values
        assert found == ["HEY", {"b": "HEY"}]

    def test_it_waits_as_long_as_the_child_asks(self, boss, desk):
        desk.inputs = ["ask"]
        parent = begun()
        assert carried_out() == ["interrupted"]
        assert sweep() == 0
        assert status_of(parent) == ("waiting", "waiting")

        answer(boss, "yes")

        assert carried_out() == ["success", "success"]
        assert values_of(parent) == {"said": ["yes"]}

    @pytest.mark.rule("C.ChildFailed")
    def test_a_failure_is_raised(self, desk):
        desk.inputs = ["fail"]
        parent = begun()

        assert carried_out() == ["error", "error"]

        run = parent.runs.get(kind="wake")
        (child,) = children()
        assert run.error.startswith(f"ChildFailed: thread '{child.pk}' has no result: ")
        assert "ValueError: broken" in run.error
        assert run.error_node == "parent"

    @pytest.mark.parametrize("in_a_task", [False, True])
    def test_a_parent_that_is_continued_asks_a_mended_child_again(
        self, boss, desk, in_a_task
    ):
        @task
        def part(given: Any) -> Any:
            return start_child("work", given).result()

        @entrypoint()
        def flow(given: Any) -> Any:
            if in_a_task:
                return [part("a").result(), part("fail").result()]
            found = [start_child("work", each) for each in ("a", "fail")]
            return [each.result() for each in found]

        registry.register(flow, name="flow")
        execute_run(start_thread("flow", 0, thread_id="p").run_id)
        assert carried_out()[-1] == "error"

        ContinueRun(boss, "p").execute()
        assert carried_out() == ["waiting", "error"]  # it has failed still
        (child,) = [
            each.pk for each in children() if each.status == "error" and each.pk != "p"
        ]
        desk.mended = True
        ContinueRun(boss, child).execute()
        assert carried_out() == ["success"]
        ContinueRun(boss, "p").execute()

        assert carried_out() == ["waiting", "success"]
        found = flow.with_saver(DjangoSaver()).get_state(config_of("p")).values
        assert found == ["a done", "fail done"]
        assert desk.worked == ["a", "fail", "fail"]

    def test_a_failure_can_be_caught_and_stays_what_it_was(self, boss, desk):
        met = []

        @task
        def failing() -> Any:
            return start_child("work", "fail").result()

        @entrypoint()
        def careful(given: Any) -> Any:
            for wait in (start_child("work", "fail").result, failing().result):
                try:
                    wait()
                except ChildFailed as error:
                    met.append((error.thread_id, error.error))
            return interrupt("go on?")["value"]

        registry.register(careful, name="careful")
        execute_run(start_thread("careful", 0, thread_id="p").run_id)
        carried_out()
        answer(boss, "yes")
        assert carried_out() == ["success"]

        assert len(set(met)) == 2
        assert met[-2:] == met[-4:-2]
        assert {error for _, error in met} == {"ValueError: broken"}

    def test_one_that_is_cancelled_deleted_or_unknown(self, desk):
        desk.inputs = ["ask"]
        for end, says in [
            (
                lambda child: cancel_thread(child, reason="no need"),
                "cancelled: no need",
            ),
            (lambda child: delete_thread("default", child), "there is no such thread"),
        ]:
            begun()
            carried_out()
            (child,) = [each for each in children() if each.status == "interrupted"]

            end(child.pk)
            swept()
            carried_out()

            assert says in Run.objects.latest("id").error
            delete_thread("default", "parent")

    def test_its_time_may_run_out_while_the_child_works_on(self, desk):
        desk.inputs, desk.wait = ["ask"], {"timeout": 3600, "default": "late"}
        parent = begun()
        carried_out()
        assert parent.wake_at is not None
        assert parent.wake_at > timezone.now() + timedelta(minutes=50)

        assert wake("parent")

        assert carried_out() == ["success"]
        assert values_of(parent) == {"said": ["late"]}

    def test_without_a_default_that_is_an_error(self, desk):
        met = []

        @entrypoint()
        def strict(given: Any) -> Any:
            try:
                start_child("work", "ask", thread_id="slow").result(timeout=3600)
            except WaitTimeout as error:
                met.append(str(error))

        registry.register(strict, name="strict")
        execute_run(start_thread("strict", 0, thread_id="p").run_id)
        carried_out()
        wake("p")
        carried_out()

        assert met == [
            "thread 'slow' has not ended in 3600 seconds, where 'strict' of thread 'p' waited for it; "
            "look what it waits for, wait longer, or give result() a default"
        ]

    def test_who_answers_the_wait_by_hand_says_what_it_returns(self, desk):
        graph = desk.graph(checkpointer=DjangoSaver())
        graph.invoke({}, config_of("t"))
        (wait,) = graph.get_state(config_of("t")).tasks[0].waits

        assert wait.kind == "child"
        assert graph.invoke(Command(resume={wait.id: 7}), config_of("t")) == {
            "said": [7]
        }
