"""A delta channel is stored as what was added, with full values in between."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import pytest

from durableweb.channels import DeltaChannel
from durableweb.graph import END, START, StateGraph
from workflows.models import ChannelValue
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.rule("R2.8"), pytest.mark.django_db(transaction=True)]

CONFIG: Any = {"configurable": {"thread_id": "t"}}
STEPS = 40


def folded(value: Any, writes: list[Any]) -> list[Any]:
    found = list(value or [])
    for write in writes:
        found += write
    return found


def in_place(value: Any, writes: list[Any]) -> list[Any]:
    value = [] if value is None else value
    for write in writes:
        value += write
    return value


def kinds(reducer: Any, frequency: int) -> list[str]:
    """How the list was stored at each of the steps that wrote to it."""

    channel = DeltaChannel(reducer, snapshot_frequency=frequency)
    State: Any = TypedDict(  # type: ignore[misc]  # its channel is made here
        "State", {"log": Annotated[list[Any], channel], "n": int}, total=False
    )

    def step(state: Any) -> Any:
        return {"log": [{"n": state["n"], "text": "x" * 200}], "n": state["n"] + 1}

    graph = StateGraph(State).add_node(step).add_edge(START, "step")
    graph.add_conditional_edges(
        "step", lambda state: "step" if state["n"] < STEPS else END
    )
    flow = graph.compile(DjangoSaver())

    flow.invoke({"log": [{"begin": True}], "n": 0}, {**CONFIG, "recursion_limit": 100})

    values = [state.values.get("log", []) for state in flow.get_state_history(CONFIG)]
    assert [len(value) for value in values] == [*range(STEPS + 1, -1, -1)]
    rows = ChannelValue.objects.filter(channel="log").order_by("checkpoint")
    kept = [*rows.values_list("kind", flat=True)]
    saver = DjangoSaver()
    saver.prune(["t"])
    found = saver.get_tuple(CONFIG)
    assert found is not None
    assert found.checkpoint["channel_values"]["log"] == values[0]
    return kept


@pytest.mark.parametrize("reducer", [folded, in_place])
def test_objects_are_stored_once_not_at_every_step(reducer):
    fulls = kinds(reducer, 100).count("full")

    assert fulls < STEPS / 3


def test_a_full_value_is_stored_after_the_given_number_of_updates():
    often = kinds(folded, 4)

    gaps = "".join("F" if kind == "full" else "d" for kind in often).split("F")
    assert max(map(len, gaps)) <= 3
    assert "delta" in often


def test_one_update_may_be_the_number():
    assert set(kinds(folded, 1)) == {"full"}
