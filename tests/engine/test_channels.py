"""Channels that somebody has derived from ours are read as they answer."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import pytest

from durableweb import channels
from durableweb.channels import (
    BinaryOperatorAggregate,
    EphemeralValue,
    LastValue,
    Topic,
)
from durableweb.channels.base import MISSING
from durableweb.errors import EmptyChannelError, FeatureNotBuiltError
from workflows.engine.constants import START
from workflows.engine.graph.state import StateGraph


class Doubled(LastValue):
    def get(self) -> Any:
        return 2 * super().get()


class Shy(LastValue):
    def is_available(self) -> bool:
        return super().is_available() and self.value != "secret"


class State(TypedDict, total=False):
    n: Annotated[int, Doubled]
    word: Annotated[str, Shy]


def test_a_channel_that_overrides_get_or_is_available_is_read_through_it() -> None:
    seen: list[dict[str, Any]] = []
    flow = StateGraph(State).add_node("n", lambda state: seen.append(dict(state)))
    graph = flow.add_edge(START, "n").compile()

    graph.invoke({"n": 2, "word": "secret"})
    graph.invoke({"n": 3, "word": "open"})

    assert seen == [{"n": 4}, {"n": 6, "word": "open"}]


@pytest.mark.rule("C.EmptyChannelError")
@pytest.mark.parametrize(
    "channel",
    [
        channels.AnyValue(int),
        BinaryOperatorAggregate(int, max),
        EphemeralValue(int),
        LastValue(int),
        channels.NamedBarrierValue(str, {"a"}),
        Topic(int),
        channels.UntrackedValue(int),
    ],
    ids=lambda channel: type(channel).__name__,
)
def test_a_channel_without_a_value_says_so_when_it_is_read(channel: Any) -> None:
    empty = channel.fresh()
    if empty.is_available():  # a reducer may begin with a value of its type
        assert empty.get() == 0
        return

    with pytest.raises(EmptyChannelError):
        empty.get()


@pytest.mark.rule("R2.7")
def test_a_built_channel_is_made_otherwise_by_load() -> None:
    with pytest.raises(FeatureNotBuiltError, match="override load"):

        class Halved(LastValue):
            def from_checkpoint(self, saved: Any) -> Any:
                return super().from_checkpoint(saved // 2)


@pytest.mark.rule("R2.7")
def test_a_channel_that_becomes_another_keeps_nothing_of_its_own() -> None:
    class Noted(channels.BaseChannel):
        __slots__ = ("__dict__", "value")

        def update(self, values: Any) -> bool:
            for each in values:
                self.value = each
                self.seen = each
            return bool(values)

        def get(self) -> Any:
            if not hasattr(self, "value"):
                raise EmptyChannelError
            return self.value

        def from_checkpoint(self, saved: Any) -> Any:
            new = Noted(self.typ, self.key)
            if saved is not MISSING:
                new.value = saved
            return new

    channel = Noted(int, "key")
    channel.update([1])
    twin = channel.twin()
    channel.clear()

    assert (twin.get(), twin.is_available()) == (1, True)
    assert not hasattr(twin, "seen")
    assert not channel.is_available()
    assert not hasattr(channel, "seen")
    assert channel.key == "key"
    assert channel.checkpoint() is MISSING
