"""Which savings of a run's beginning wait for the disk: never the one that another follows."""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

import pytest
from django.conf import settings

from durableweb.func import entrypoint
from durableweb.graph import START, StateGraph
from tests.storage.conftest import real_transactions
from workflows.models import Checkpoint
from workflows.storage.saver import DjangoSaver

pytestmark = [
    real_transactions,
    pytest.mark.rule("R4.1"),
    pytest.mark.skipif(settings.IS_POSTGRESQL, reason="about SQLite"),
]
CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    said: Annotated[list[str], operator.add]


@pytest.fixture
def log(commits):
    """The levels of all commits, in their order; nodes add their names."""
    return commits.levels


def built(log, *, branch=False):
    def say(state):
        log.append("node")
        return {"said": ["yes"]}

    builder = StateGraph(State).add_node("say", say)
    if branch:
        builder.add_conditional_edges(START, lambda state: "say", ["say"])
    else:
        builder.add_edge(START, "say")
    return builder.compile(checkpointer=DjangoSaver())


def test_the_input_goes_to_the_disk_with_the_checkpoint_that_it_makes(log):
    built(log).invoke({"said": []}, CONFIG, durability="sync")

    # Taking the thread; the input; the state before the first node; the node's step.
    assert log == ["NORMAL", "NORMAL", "FULL", "node", "FULL"]
    assert Checkpoint.objects.count() == 3


def test_the_input_waits_where_the_authors_branch_follows(log):
    built(log, branch=True).invoke({"said": []}, CONFIG, durability="sync")

    assert log[:4] == ["NORMAL", "FULL", "FULL", "node"]


def test_the_input_waits_where_somebody_is_shown_its_checkpoint(log):
    graph = built(log)

    [*graph.stream({"said": []}, CONFIG, durability="sync", stream_mode="checkpoints")]

    assert log[:4] == ["NORMAL", "FULL", "FULL", "node"]


def test_the_input_of_a_body_waits(log):
    @entrypoint(checkpointer=DjangoSaver())
    def body(given):
        log.append("body")
        return given

    body.invoke(1, CONFIG, durability="sync")

    assert log[:3] == ["NORMAL", "FULL", "body"]


def test_a_whole_run_kept_for_its_end_waits(log):
    built(log).invoke({"said": []}, CONFIG, durability="exit")

    assert log[-1] == "FULL"
    assert log.count("FULL") >= 1
    assert log.index("node") < log.index("FULL")


def test_what_failed_at_the_input_is_on_the_disk_before_the_caller_hears_of_it(log):
    class Strict(TypedDict, total=False):
        said: Annotated[list[str], refuse]

    def say(state):
        raise AssertionError("the step never begins")

    graph = StateGraph(Strict).add_node("say", say).add_edge(START, "say")
    with pytest.raises(ValueError, match="not that"):
        graph.compile(checkpointer=DjangoSaver()).invoke(
            {"said": ["no"]}, CONFIG, durability="sync"
        )

    assert log[:2] == ["NORMAL", "NORMAL"]
    assert log[-1] == "FULL"


def refuse(left, right):
    """A reducer that takes nothing."""
    raise ValueError("not that")
