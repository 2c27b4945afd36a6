"""Who calls again with an idempotency key, and what has failed, asked, slept or was killed meanwhile (RB.6)."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.durable import compensate, sleep
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.conformance.savers import file, memory
from tests.engine.support.keyed import State, chain, first, nothing_ran, ran, second
from workflows.engine.drivers import faults

pytestmark = pytest.mark.rule("RB.6")


assert nothing_ran


@pytest.mark.parametrize("new_saver", [memory, file])
def test_what_failed_goes_on(new_saver: Any) -> None:
    fails = [True]

    def weak(state: State) -> State:
        ran.append("weak")
        if fails.pop() if fails else False:
            raise ConnectionError("away")
        return {"log": ["weak"]}

    app = chain(new_saver(), first, weak)
    with pytest.raises(ConnectionError, match="away"):
        app.invoke({"log": []}, idempotency_key="k")

    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["first", "weak"]}
    assert ran == ["first", "weak", "weak"]


def put_back(what: str) -> None:
    ran.append(f"put back {what}")


def test_what_was_undone_stays_so_and_fails_with_what_it_failed_with() -> None:
    def take(state: State) -> State:
        compensate(put_back, "it")
        return {}

    def breaks(state: State) -> State:
        ran.append("breaks")
        raise ValueError("no")

    app = chain(memory(), take, breaks)

    for _ in range(3):
        with pytest.raises(Exception, match="no"):
            app.invoke({"log": []}, idempotency_key="k")

    assert ran == ["breaks", "put back it"]


@pytest.mark.parametrize("new_saver", [memory, file])
def test_a_question_is_not_asked_again(new_saver: Any) -> None:
    def ask(state: State) -> State:
        ran.append("ask")
        return {"log": [interrupt("fine?")]}

    def beside(state: State) -> State:
        return {"log": ["beside"]}

    graph = StateGraph(State).add_node("ask", ask).add_node("beside", beside)
    graph.add_edge(START, "ask").add_edge(START, "beside")
    app = graph.compile(checkpointer=new_saver())
    thread = {"configurable": {"thread_id": "t"}}

    once = app.invoke({"log": []}, thread, idempotency_key="k")
    again = app.invoke({"log": []}, thread, idempotency_key="k")
    shown = [*app.stream({"log": []}, thread, idempotency_key="k")]

    assert again == once
    assert once["log"] == ["beside"]
    assert [each.value for each in again["__interrupt__"]] == ["fine?"]
    assert shown == [{"__interrupt__": tuple(once["__interrupt__"])}]
    assert ran == ["ask"]
    app.invoke(Command(resume="yes"), thread)
    end = {"log": ["yes", "beside"]}
    assert app.invoke({"log": []}, thread, idempotency_key="k") == end
    assert ran == ["ask", "ask"]


def test_an_entrypoint_at_its_question() -> None:
    @task
    def work() -> str:
        ran.append("work")
        return "done"

    @entrypoint(checkpointer=memory())
    def flow(n: int) -> list[Any]:
        ran.append("flow")
        return [n, work().result(), interrupt("fine?")]

    thread = {"configurable": {"thread_id": "t"}}
    once = flow.invoke(1, thread, idempotency_key="k")
    assert flow.invoke(1, thread, idempotency_key="k") == once
    assert ran == ["flow", "work"]

    flow.invoke(Command(resume="yes"), thread)

    assert flow.invoke(1, thread, idempotency_key="k") == [1, "done", "yes"]
    assert ran == ["flow", "work", "flow"]


@pytest.mark.parametrize("side", ["interrupt_before", "interrupt_after"])
def test_a_breakpoint_holds_who_calls_again(side: str) -> None:
    stop: dict[str, Any] = {side: ["second" if side == "interrupt_before" else "first"]}
    app = chain(memory(), first, second, **stop)
    thread = {"configurable": {"thread_id": "t"}}

    assert app.invoke({"log": []}, thread, idempotency_key="k") == {"log": ["first"]}
    assert app.invoke({"log": []}, thread, idempotency_key="k") == {"log": ["first"]}
    assert ran == ["first"]

    app.invoke(None, thread)
    done = app.invoke({"log": []}, thread, idempotency_key="k")
    assert done == {"log": ["first", "second"]}
    assert ran == ["first", "second"]


def test_a_breakpoint_below_holds_who_calls_again() -> None:
    below = chain(None, second, interrupt_before=["second"])
    graph = StateGraph(State).add_node("below", below).add_edge(START, "below")
    app = graph.compile(checkpointer=memory())

    app.invoke({"log": []}, idempotency_key="k")
    app.invoke({"log": []}, idempotency_key="k")

    assert ran == []


def test_what_sleeps_sleeps_on() -> None:
    def rest(state: State) -> State:
        sleep(3600)
        return {"log": ["rested"]}

    app = chain(memory(), first, rest, second)

    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["first"]}
    assert app.invoke({"log": []}, idempotency_key="k") == {"log": ["first"]}
    assert ran == ["first"]


def test_a_call_that_was_killed_goes_on_where_it_was() -> None:
    for k in range(1, 100):
        ran.clear()
        saver = InMemorySaver()
        app = chain(saver, first, second)
        killed = False
        with faults.kill_before(k):
            try:
                app.invoke({"log": []}, idempotency_key="k")
            except faults.Killed:
                killed = True
        if not killed:
            break
        saver.__dict__.get("_live", {}).clear()

        end = app.invoke({"log": []}, idempotency_key="k")

        assert end == {"log": ["first", "second"]}, f"killed before request {k}"
        assert ran.count("first") + ran.count("second") <= 3
        app.invoke({"log": []}, idempotency_key="k")
        assert ran.count("second") <= 2
    assert k > 5
