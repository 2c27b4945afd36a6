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


def newest(value: Any, writes: list[Any]) -> list[Any]:
    """Keeps the last item of each weekday."""
    found = list(value or [])
    for write in writes:
        for item in write:
            found = [one for one in found if one["n"] % 7 != item["n"] % 7] + [item]
    return found


def by_number(value: Any, writes: list[Any]) -> dict[str, Any]:
    found = dict(value or {})
    for write in writes:
        for item in write:
            found[str(item["n"])] = item
    return found


def in_place_by_number(value: Any, writes: list[Any]) -> dict[str, Any]:
    """Puts items into the very dict that it is given."""
    for write in writes:
        for item in write:
            value[str(item["n"] % 20)] = (item["n"], item["text"])
    return value


def names(value: Any, writes: list[Any]) -> set[str]:
    return set(value or ()) | {f"{i['n']} {i['text']}" for w in writes for i in w}


def text(value: Any, writes: list[Any]) -> str:
    return (value or "") + "".join(f"{i['n']} {i['text']}" for w in writes for i in w)


def kinds(reducer: Any, frequency: int, kind: type = list) -> list[str]:
    """How the value was stored at each of the steps that wrote to it."""
    channel = DeltaChannel(reducer, snapshot_frequency=frequency)
    State: Any = TypedDict(  # type: ignore[misc]  # its channel is made here
        "State",
        {"log": Annotated[kind, channel], "n": int},  # type: ignore[valid-type]
        total=False,
    )

    def step(state: Any) -> Any:
        return {"log": [{"n": state["n"], "text": "x" * 200}], "n": state["n"] + 1}

    graph = StateGraph(State).add_node(step).add_edge(START, "step")
    graph.add_conditional_edges(
        "step", lambda state: "step" if state["n"] < STEPS else END
    )
    flow = graph.compile(DjangoSaver())

    out = flow.invoke({"n": 0}, {**CONFIG, "recursion_limit": 100})

    read = flow.get_state_history(CONFIG)
    sizes = [len(state.values.get("log", ())) for state in read]
    assert sizes[0] == len(out["log"])
    assert sizes == sorted(sizes, reverse=True)
    rows = ChannelValue.objects.filter(channel="log").order_by("checkpoint")
    kept = [*rows.values_list("kind", flat=True)]
    DjangoSaver().prune(["t"])
    assert flow.get_state(CONFIG).values == out
    return kept


@pytest.mark.parametrize(
    ("reducer", "kind"),
    [
        (folded, list),
        (in_place, list),
        (newest, list),
        (by_number, dict),
        (in_place_by_number, dict),
        (names, set),
        (text, str),
    ],
)
def test_what_was_written_is_stored_once_not_at_every_step(reducer, kind):
    fulls = kinds(reducer, 100, kind).count("full")

    assert fulls < STEPS / 3


@pytest.mark.parametrize(("reducer", "kind"), [(folded, list), (by_number, dict)])
def test_a_full_value_is_stored_after_the_given_number_of_updates(reducer, kind):
    often = kinds(reducer, 4, kind)

    gaps = "".join("F" if each == "full" else "d" for each in often).split("F")
    assert max(map(len, gaps)) <= 3
    assert "delta" in often


def test_one_update_may_be_the_number():
    assert set(kinds(folded, 1)) == {"full"}


def test_runs_are_counted_together():
    """Each run reads the thread anew; that is no reason for a whole value, nor for none."""
    flow = _one_update_a_run(frequency=5)

    for n in range(20):
        flow.invoke({"log": {f"k{n}": "x" * 200}}, CONFIG)

    rows = ChannelValue.objects.filter(channel="log").order_by("checkpoint")
    kept = [*rows.values_list("kind", flat=True)]
    assert kept == ["full", *["delta"] * 4] * 4
    assert len(flow.get_state(CONFIG).values["log"]) == 20


def _one_update_a_run(frequency: int) -> Any:
    channel = DeltaChannel(merged, snapshot_frequency=frequency)
    State: Any = TypedDict(  # type: ignore[misc]
        "State", {"log": Annotated[dict[str, str], channel]}, total=False
    )
    graph = StateGraph(State).add_node("quiet", lambda state: None)
    return graph.add_edge(START, "quiet").compile(DjangoSaver())


def merged(value: Any, writes: list[Any]) -> dict[str, Any]:
    found = dict(value or {})
    for write in writes:
        found |= write
    return found
