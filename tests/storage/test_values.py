"""Every value comes back equal on both databases, or is refused with its place."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from workflows.engine.errors import SerializationError
from workflows.models import Checkpoint, Interrupt, PendingWrite
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

VALUES = {
    "nul": "a\0b",
    "surrogate": "a\ud800b",
    "nul key": {"a\0b": 1, "\udfff": 2},
    "not finite": [math.inf, -math.inf],
    "float": [1e308, -0.0, 5e-324, 0.1],
    "big int": [2**53 + 1, 2**64, -(10**60)],
    "tuple": (1, (2, [3])),
    "set": {1, 2, 3},
    "int keys": {1: "a", (1, 2): "b", None: "c"},
    "bytes": b"\x00\xff",
    "typed": [Decimal("1.10"), UUID(int=7), datetime(2026, 1, 2, tzinfo=UTC)],
    "quotes": "a\"b\\c'd{e}%s%%f\\u0000",
    "emoji": "\N{GRINNING FACE} \N{RIGHT-TO-LEFT OVERRIDE}x",
    "dollar": {"$t": "not a tag"},
    "empty": ["", [], {}, None, False, 0],
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_equal_everywhere(name):
    value = VALUES[name]
    saver = DjangoSaver()
    saver.open("t", None)
    history = History(saver)
    ending, _ = asking(value, task_id="t2")

    history.commit({"a": value, "log": [value]}, due=[{"node": "n", "send": value}])
    history.commit({"log": [value, value]})
    history.commit(writes=[task("t1", a=value), ending])
    found = history.read(saver=DjangoSaver())

    assert found.checkpoint["channel_values"] == {"a": value, "log": [value, value]}
    assert found.pending_writes[0] == ("t1", "a", value)
    assert found.pending_writes[1][2][0].value == value
    [parent] = DjangoSaver().list(None, limit=1, before=found.config)
    assert parent.checkpoint["due"] == [{"node": "n", "send": value}]


def test_nan_survives():
    history = History(DjangoSaver())
    history.commit({"a": [math.nan]})

    assert math.isnan(history.read().checkpoint["channel_values"]["a"][0])


def test_ten_megabytes_come_back():
    saver = DjangoSaver()
    history = History(saver)
    value = "0123456789" * 1_000_000
    history.commit({"a": value})

    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"]["a"] == value


def test_what_cannot_be_stored_is_refused_with_its_place_and_nothing_is_written():
    history = History(DjangoSaver())
    history.commit({"a": 1})

    with pytest.raises(SerializationError) as refused:
        history.commit({"a": 2, "bad": {"x": [object()]}})
    assert "bad" in refused.value.path
    with pytest.raises(SerializationError) as refused:
        history.commit(writes=[task(a=1, worse=object())])
    assert "worse" in refused.value.path

    assert Checkpoint.objects.count() == 1
    assert not PendingWrite.objects.exists()


@pytest.mark.parametrize(
    "thread_id",
    ["", "x" * 201, "a\0b", "a\ud800"],
    ids=["empty", "long", "nul", "half"],
)
def test_a_thread_id_that_one_database_cannot_hold_is_refused_on_both(thread_id):
    with pytest.raises(ValueError, match="thread id"):
        History(DjangoSaver(), thread_id).commit({"a": 1})
    with pytest.raises(ValueError, match="thread id"):
        DjangoSaver().open(thread_id, None)


def test_a_channel_name_that_one_database_cannot_hold_is_refused_on_both():
    with pytest.raises(ValueError, match="channel"):
        History(DjangoSaver()).commit({"a\0b": 1})


def test_the_text_of_a_task_and_a_question_may_be_anything():
    saver = DjangoSaver()
    saver.open("t", None)
    history = History(saver)
    history.commit({"a": 1})
    ending, _ = asking("a\0b\ud800", name="n\0\ud800")
    ending.error = "failed\0\ud800"

    history.commit(writes=[ending])

    assert Interrupt.objects.get().title == "a\ufffdb?"
