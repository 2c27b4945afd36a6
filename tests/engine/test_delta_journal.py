"""What a delta channel hands to its saver, and what is read back from it (R2.8)."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Annotated, Any, TypedDict

import pytest

from workflows.engine.channels import DeltaChannel, delta, unfolded
from workflows.engine.checkpoint.memory import InMemorySaver
from workflows.engine.constants import START
from workflows.engine.errors import GraphChangedError
from workflows.engine.graph.message import add_messages
from workflows.engine.graph.state import StateGraph

pytestmark = pytest.mark.rule("R2.8")
CONFIG: Any = {"configurable": {"thread_id": "t"}}


def merged(value: Any, writes: list[Any]) -> dict[str, Any]:
    return reduce(operator.or_, writes, value or {})


def messages(value: Any, writes: list[Any]) -> list[Any]:
    for write in writes:
        value = add_messages(value or [], write)
    return list(value)


def quiet(typ: Any, saver: InMemorySaver) -> Any:
    """A graph that keeps its input in a key of this type and does nothing."""
    State: Any = TypedDict("State", {"held": typ}, total=False)  # type: ignore[misc]
    graph = StateGraph(State).add_node("quiet", lambda state: None)
    return graph.add_edge(START, "quiet").compile(saver)


def saved(saver: InMemorySaver) -> Any:
    found = saver.get_tuple(CONFIG)
    assert found is not None
    return found.checkpoint["channel_values"]["held"]


def test_writes_follow_a_whole_value():
    saver = InMemorySaver()
    flow = quiet(Annotated[dict, DeltaChannel(merged)], saver)

    for n in range(3):
        flow.invoke({"held": {f"k{n}": n}}, CONFIG)

    whole, *rest = saved(saver)
    assert whole["value"] == {"k0": 0}
    assert rest == [[{"k1": 1}], [{"k2": 2}]]
    assert flow.get_state(CONFIG).values == {"held": {"k0": 0, "k1": 1, "k2": 2}}


def test_what_a_reducer_has_made_up_is_not_made_up_again():
    saver = InMemorySaver()
    flow = quiet(Annotated[list, DeltaChannel(messages)], saver)

    flow.invoke({"held": ["one"]}, CONFIG)
    live = flow.invoke({"held": ["two", ("ai", "three")]}, CONFIG)

    assert len(saved(saver)) == 2  # a whole value, and what came later
    read = flow.get_state(CONFIG).values
    assert [m.id for m in read["held"]] == [m.id for m in live["held"]]
    assert [m.id for m in unfolded(saved(saver))] == [m.id for m in live["held"]]


def test_a_whole_value_is_saved_after_so_many_steps(monkeypatch):
    monkeypatch.setattr(delta, "LONGEST_STEPS", 6)
    saver = InMemorySaver()
    flow = quiet(Annotated[dict, DeltaChannel(merged)], saver)
    lengths = []

    for n in range(5):  # each run is two steps on
        flow.invoke({"held": {f"k{n}": n}}, CONFIG)
        lengths.append(len(saved(saver)))

    assert lengths == [1, 2, 1, 2, 1]
    assert len(flow.get_state(CONFIG).values["held"]) == 5


def test_steps_without_an_update_count(monkeypatch):
    monkeypatch.setattr(delta, "LONGEST_STEPS", 8)
    saver = InMemorySaver()
    flow = quiet(Annotated[dict, DeltaChannel(merged)], saver)
    for n in range(2):
        flow.invoke({"held": {f"k{n}": n}}, CONFIG)
    lengths = []

    for _ in range(3):  # the first whole value is from step 0
        lengths.append(len(saved(saver)))
        flow.invoke({}, CONFIG)

    assert lengths == [2, 2, 1]
    assert saved(saver)[0]["value"] == {"k0": 0, "k1": 1}
    assert flow.get_state(CONFIG).values == {"held": {"k0": 0, "k1": 1}}


def test_the_longest_way_is_five_thousand_steps():
    channel = DeltaChannel(merged, dict).fresh()
    channel.update([{"a": 1}])
    channel.reach(7)
    channel.update([{"b": 1}])
    channel.reach(7 + 4_999)
    before = len(channel.checkpoint())

    channel.reach(7 + 5_000)

    assert (before, len(channel.checkpoint())) == (2, 1)


def test_a_journal_is_not_read_by_a_key_of_another_kind():
    saver = InMemorySaver()
    flow = quiet(Annotated[dict, DeltaChannel(merged)], saver)
    flow.invoke({"held": {"a": 1}}, CONFIG)
    flow.invoke({"held": {"b": 1}}, CONFIG)
    changed = quiet(Annotated[dict, operator.or_], saver)

    with pytest.raises(GraphChangedError, match=r"'t'.*'held'.*Keep the DeltaChannel"):
        changed.invoke({"held": {"c": 1}}, CONFIG)


def test_a_whole_value_is_read_by_a_key_of_another_kind():
    saver = InMemorySaver()
    flow = quiet(Annotated[dict, DeltaChannel(merged)], saver)
    flow.invoke({"held": {"a": 1}}, CONFIG)

    out = quiet(Annotated[dict, operator.or_], saver).invoke({"held": {"b": 1}}, CONFIG)

    assert out == {"held": {"a": 1, "b": 1}}


def test_a_plain_value_is_read_by_a_delta_channel():
    saver = InMemorySaver()
    quiet(Annotated[dict, operator.or_], saver).invoke({"held": {"a": 1}}, CONFIG)

    out = quiet(Annotated[dict, DeltaChannel(merged)], saver).invoke(
        {"held": {"b": 1}}, CONFIG
    )

    assert out == {"held": {"a": 1, "b": 1}}


class Stubborn:
    """Refuses to be copied."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("no")


def test_what_cannot_be_copied_is_saved_whole():
    channel = DeltaChannel(lambda value, writes: [*(value or []), *writes]).fresh()
    one = Stubborn()

    channel.update([one])
    channel.update([2])

    assert channel.checkpoint() == [one, 2]
    assert not channel.appended
