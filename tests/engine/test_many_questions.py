"""A task that asks very often is told that it should loop through an edge (R5.8)."""

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.conformance.programs.shapes import S

pytestmark = pytest.mark.rule("R5.8")
CONFIG = {"configurable": {"thread_id": "t"}}


@pytest.mark.parametrize("with_keys", [False, True])
def test_more_than_a_hundred_questions_in_a_task_are_warned_of(with_keys, caplog):
    def ask(state):
        rounds = 0
        while interrupt(rounds, key=str(rounds) if with_keys else None) != "enough":
            rounds += 1
        return {"log": [rounds]}

    graph = StateGraph(S).add_node(ask).add_edge(START, "ask").compile(InMemorySaver())
    ids = {graph.invoke({"log": []}, CONFIG)["__interrupt__"][0].id}
    for _ in range(99):
        out = graph.invoke(Command(resume="more"), CONFIG)
        ids.add(out["__interrupt__"][0].id)
    assert "through an edge" not in caplog.text

    graph.invoke(Command(resume="more"), CONFIG)

    assert "thread 't': 'ask' has asked more than 100 questions" in caplog.text
    assert "through an edge" in caplog.text
    assert len(ids) == 100
    assert graph.invoke(Command(resume="enough"), CONFIG) == {"log": [100]}
