"""A body that waits for a `@task` is let go when its run ends without the answer."""

import threading
from typing import TypedDict

import pytest

from durableweb.func import task
from durableweb.graph import END, START, StateGraph
from workflows.engine.drivers import faults


class State(TypedDict, total=False):
    text: str


@pytest.fixture
def gate():
    opened = threading.Event()
    yield opened
    opened.set()


def test_a_waiting_body_is_let_go_when_the_run_is_cut_short(gate):
    asked, heard = threading.Event(), []
    over = threading.Event()

    @task
    def slow() -> str:
        gate.wait(60)
        return "late"

    def waits(state: State) -> State:
        answer = slow()
        asked.set()
        try:
            answer.result(60)
        except RuntimeError as error:
            heard.append(str(error))
        try:
            slow().result(60)
        except RuntimeError as error:
            heard.append(str(error))
        over.set()
        return {}

    def ends(state: State) -> State:
        asked.wait(60)
        raise faults.Killed

    builder = StateGraph(State)
    for node in (waits, ends):
        builder.add_node(node.__name__, node)
        builder.add_edge(START, node.__name__)
        builder.add_edge(node.__name__, END)

    with pytest.raises(faults.Killed):
        builder.compile().invoke({"text": ""})

    assert over.wait(60)
    assert len(heard) == 2
    assert "the run has ended" in heard[0]
