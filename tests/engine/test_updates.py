"""Updates with an answer: what a handler is given, what its caller is told, and what stays as it was (RB.16)."""

from __future__ import annotations

import asyncio
import operator
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    UnknownUpdateError,
    UpdateFailed,
    UpdateRefused,
)
from durableweb.graph import START, StateGraph
from durableweb.types import Command, Update, interrupt, sleep, wait_signal
from tests.engine.support.limits import (
    BOTH_SAVERS,
    CONFIG,
    State,
    asking,
    asks,
    limited,
    works,
)
from workflows.engine.drivers import faults

pytestmark = pytest.mark.rule(
    "RB.16",
    "C.UpdateRefused",
    "C.UnknownUpdateError",
    "C.UpdateFailed",
    "C.UpdateTimeout",
)


class TestWhileAQuestionIsOpen:
    @BOTH_SAVERS
    def test_it_is_carried_out_at_once_and_its_result_returned(
        self, saver: Any
    ) -> None:
        graph = asking(saver())

        result = graph.send_update(CONFIG, "set_limit", {"limit": 9, "why": "asked"})

        assert result == {"was": 5, "why": "asked"}
        assert graph.get_state(CONFIG).values["limit"] == 9

    @BOTH_SAVERS
    def test_the_question_stays_open_and_its_node_sees_the_new_state(
        self, saver: Any
    ) -> None:
        graph = asking(saver())
        (asked,) = graph.get_state(CONFIG).interrupts

        graph.send_update(CONFIG, "set_limit", {"limit": 9})
        after = graph.get_state(CONFIG)
        out = graph.invoke(Command(resume={asked.id: "yes"}), CONFIG)

        assert (after.next, after.interrupts) == (("asks",), (asked,))
        assert out["log"] == ["works to 5", "yes to 9"]

    def test_the_async_twin_does_the_same(self) -> None:
        graph = asking()

        result = asyncio.run(graph.asend_update(CONFIG, "note", {"text": "hm"}))

        assert result is None
        assert graph.get_state(CONFIG).values["log"] == ["works to 5", "hm"]

    def test_what_has_finished_beside_it_counts_and_is_not_run_again(self) -> None:
        ran: list[str] = []

        def beside(state: State) -> Any:
            ran.append("beside")
            return {"log": ["beside"]}

        built = limited(asks=asks).add_node("beside", beside)
        built.add_edge(START, "beside")
        graph = built.compile(InMemorySaver())
        graph.invoke({"limit": 5}, CONFIG)

        graph.send_update(CONFIG, "set_limit", {"limit": 9})
        out = graph.invoke(Command(resume="yes"), CONFIG)

        assert out["log"] == ["beside", "yes to 9"]
        assert ran == ["beside"]

    def test_the_history_tells_of_it(self) -> None:
        graph = asking()

        graph.send_update(CONFIG, "set_limit", {"limit": 9}, by="anna")
        newest, before, *_ = graph.get_state_history(CONFIG)
        told = newest.metadata["sent_update"]

        assert newest.metadata["source"] == "update"
        assert (told["name"], told["by"], told["args"]) == (
            "set_limit",
            "anna",
            {"limit": 9},
        )
        assert (before.values["limit"], newest.values["limit"]) == (5, 9)


class TestWhileAThreadWaitsOtherwise:
    @pytest.mark.parametrize(
        "wait",
        [lambda: sleep(3600), lambda: wait_signal("paid")],
        ids=["sleep", "signal"],
    )
    def test_it_goes_on_waiting(self, wait: Any) -> None:
        def waits(state: State) -> Any:
            wait()
            return {}

        graph = limited(waits=waits).compile(InMemorySaver())
        graph.invoke({"limit": 5}, CONFIG)
        (before,) = graph.get_state(CONFIG).tasks

        graph.send_update(CONFIG, "set_limit", {"limit": 9})
        (task,) = graph.get_state(CONFIG).tasks

        assert (task.sleeps, task.waits) == (before.sleeps, before.waits)
        assert task.sleeps or task.waits

    @pytest.mark.parametrize("at", ["interrupt_before", "interrupt_after"])
    def test_a_breakpoint_is_passed_as_without_it(self, at: str) -> None:
        stops: Any = {at: ["two"] if at == "interrupt_before" else ["one"]}
        graph = limited(one=works, two=works).compile(InMemorySaver(), **stops)
        graph.invoke({"limit": 5}, CONFIG)

        graph.send_update(CONFIG, "set_limit", {"limit": 9})
        held = graph.get_state(CONFIG).next
        out = graph.invoke(None, CONFIG)

        assert held == ("two",)
        assert out["log"] == ["works to 5", "works to 9"]

    def test_one_that_has_failed_takes_it_and_can_go_on(self) -> None:
        def picky(state: State) -> Any:
            if state["limit"] < 9:
                raise OSError("too little")
            return {"log": ["enough"]}

        graph = limited(picky=picky).compile(InMemorySaver())
        with pytest.raises(OSError, match="too little"):
            graph.invoke({"limit": 5}, CONFIG)

        graph.send_update(CONFIG, "set_limit", {"limit": 9})

        assert graph.invoke(None, CONFIG)["log"] == ["enough"]


class TestWhatIsRefused:
    def test_what_its_handler_will_not_do_and_nothing_is_written(self) -> None:
        graph = asking()
        before = graph.get_state(CONFIG)

        with pytest.raises(UpdateRefused, match="1 are spent already") as refused:
            graph.send_update(CONFIG, "set_limit", {"limit": 0})

        assert refused.value.reason == "1 are spent already"
        assert graph.get_state(CONFIG) == before

    @pytest.mark.parametrize(
        ("args", "errors"),
        [
            ({"limit": "much"}, {"limit": "Expected `int`, got `str`"}),
            ({}, {"limit": "is needed"}),
            ({"limit": 1, "who": 2}, {"who": "is no argument"}),
        ],
    )
    def test_arguments_that_do_not_fit_by_name(self, args: Any, errors: Any) -> None:
        with pytest.raises(UpdateRefused) as refused:
            asking().send_update(CONFIG, "set_limit", args)

        assert refused.value.errors == errors

    def test_a_name_that_is_none_and_which_there_are(self) -> None:
        with pytest.raises(UnknownUpdateError, match="it has set_limit, break, note"):
            asking().send_update(CONFIG, "set_limits")

    def test_a_thread_that_has_not_begun(self) -> None:
        graph = limited(works=works).compile(InMemorySaver())

        with pytest.raises(UpdateRefused, match="has not begun"):
            graph.send_update(CONFIG, "set_limit", {"limit": 9})

    def test_a_thread_that_has_ended(self) -> None:
        graph = asking()
        graph.invoke(Command(resume="yes"), CONFIG)

        with pytest.raises(UpdateRefused, match="has ended"):
            graph.send_update(CONFIG, "set_limit", {"limit": 9})

    @pytest.mark.parametrize(
        ("what", "why"),
        [
            ("raise", "OSError: no such thing"),
            ("object", "cannot be stored"),
            ("nokey", "'nokey', which is no key of the state; it has limit, log"),
        ],
    )
    @BOTH_SAVERS
    def test_what_its_handler_cannot_do_fails_and_nothing_is_written(
        self, what: str, why: str, saver: Any
    ) -> None:
        graph = asking(saver())
        before = graph.get_state(CONFIG)

        with pytest.raises(UpdateFailed, match=why):
            graph.send_update(CONFIG, "break", {"what": what})

        assert graph.get_state(CONFIG) == before
        assert graph.invoke(Command(resume="yes"), CONFIG)["log"][-1] == "yes to 5"

    @pytest.mark.parametrize(
        ("more", "error"),
        [
            ({"timeout": float("nan")}, ValueError),
            ({"timeout": "3"}, TypeError),
            ({"by": None}, TypeError),
            ({"idempotency_key": 7}, TypeError),
            ({"idempotency_key": "a\0b"}, ValueError),
            ({"idempotency_key": "k" * 201}, ValueError),
        ],
    )
    def test_what_no_database_could_keep(self, more: Any, error: Any) -> None:
        with pytest.raises(error, match=f"{next(iter(more))} is "):
            asking().send_update(CONFIG, "set_limit", {"limit": 9}, **more)

    def test_a_config_that_names_a_checkpoint(self) -> None:
        graph = asking()
        past = graph.get_state(CONFIG).config

        with pytest.raises(ValueError, match="names a thread and nothing of its past"):
            graph.send_update(past, "set_limit", {"limit": 9})

    def test_a_task_of_the_very_thread(self) -> None:
        def sends(state: State) -> Any:
            return graph.send_update(CONFIG, "set_limit", {"limit": 9})

        graph: Any = limited(sends=sends).compile(InMemorySaver())

        with pytest.raises(RuntimeError, match="its own thread"):
            graph.invoke({"limit": 5}, CONFIG)

    def test_a_handler_of_the_very_thread(self) -> None:
        """It would wait for itself, and whatever else waits for the thread with it."""
        built = limited(asks=asks)

        @built.update("again")
        def again(state: State) -> Any:
            return graph.send_update(CONFIG, "set_limit", {"limit": 9})

        @built.update("again_later")
        async def again_later(state: State) -> Any:
            return await graph.asend_update(CONFIG, "set_limit", {"limit": 9})

        graph: Any = built.compile(InMemorySaver())
        graph.invoke({"limit": 5}, CONFIG)

        with pytest.raises(UpdateFailed, match="its own thread"):
            graph.send_update(CONFIG, "again")
        with pytest.raises(UpdateFailed, match="its own thread"):
            asyncio.run(graph.asend_update(CONFIG, "again_later"))


class InTheFormOfOthers(InMemorySaver):
    """A saver whose author has written `put` anew, as one for LangGraph would be."""

    def put(self, config: Any, checkpoint: Any, metadata: Any, versions: Any) -> Any:
        return super().put(config, checkpoint, metadata, versions)


def test_a_saver_in_the_form_of_others_will_do() -> None:
    graph = asking(InTheFormOfOthers())

    assert graph.send_update(CONFIG, "set_limit", {"limit": 9})["was"] == 5
    assert graph.get_state(CONFIG).values["limit"] == 9
    assert not graph.checkpointer.waiting_updates("t")


@dataclass
class Account:
    limit: int = 5
    log: Annotated[list[Any], operator.add] = field(default_factory=list)


class TestOtherStates:
    def test_a_dataclass_is_given_as_one(self) -> None:
        built = StateGraph(Account)
        built.add_node("asks", lambda state: {"log": [interrupt("well?")]})
        built.add_edge(START, "asks")

        @built.update()
        def double(state: Account) -> Any:
            return Update({"limit": 2 * state.limit}, state.limit)

        graph = built.compile(InMemorySaver())
        graph.invoke(Account(), CONFIG)

        assert graph.send_update(CONFIG, "double") == 5
        assert graph.get_state(CONFIG).values["limit"] == 10

    def test_a_state_that_is_one_value(self) -> None:
        built = StateGraph(Annotated[list[Any], operator.add])
        built.add_node("asks", lambda state: [interrupt("well?")])
        built.add_edge(START, "asks")
        built.update("say")(lambda state, what: Update([what], len(state)))
        graph = built.compile(InMemorySaver())
        graph.invoke(["in"], CONFIG)

        assert graph.send_update(CONFIG, "say", {"what": "hm"}) == 1
        assert graph.invoke(Command(resume="yes"), CONFIG) == ["in", "hm", "yes"]


class TestDeclaring:
    def test_its_arguments_are_described_as_a_form_needs_them(self) -> None:
        schema = limited(works=works).compile().program.updates["set_limit"].schema()

        assert schema["properties"] == {
            "limit": {"type": "integer"},
            "why": {"enum": ["asked", ""], "default": ""},
        }
        assert (schema["required"], schema["description"]) == (
            ["limit"],
            "Set the limit.",
        )

    def test_the_name_is_the_functions_own_where_none_is_given(self) -> None:
        graph = StateGraph(State)

        @graph.update()
        def close(state: State) -> None: ...

        assert [*graph.updates] == ["close"]

    @pytest.mark.parametrize(
        ("fn", "why"),
        [
            (lambda: None, "takes no state"),
            (lambda state, *rest: None, "takes any number of arguments"),
            (lambda state, **rest: None, "takes arguments of any name"),
        ],
    )
    def test_what_cannot_be_a_handler_is_refused(self, fn: Any, why: str) -> None:
        with pytest.raises(TypeError, match=why):
            StateGraph(State).update("x")(fn)

    def test_a_name_that_is_taken_is_refused(self) -> None:
        with pytest.raises(ValueError, match="already an update 'note'"):
            limited(works=works).update("note")(lambda state: None)


def test_where_nothing_is_declared_nothing_is_asked() -> None:
    asked = []
    for declared in (False, True):
        graph = limited(works=works)
        if not declared:
            graph.updates.clear()
        with faults.counting() as counted:
            graph.compile(InMemorySaver()).invoke({"limit": 5}, CONFIG)
        asked.append("Updates" in counted.kinds)

    assert asked == [False, True]
