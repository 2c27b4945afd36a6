"""Every table that keeps values tells damage from a value (R10.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.storage.commits import History, asking, task
from workflows.engine.errors import DamagedValueError
from workflows.models import (
    CacheEntry,
    ChannelValue,
    Checkpoint,
    Interrupt,
    Item,
    PendingWrite,
)
from workflows.storage.cache import DjangoCache
from workflows.storage.saver import DjangoSaver
from workflows.storage.store import DjangoStore

pytestmark = [pytest.mark.rule("R10.7"), pytest.mark.django_db]

LONG = "x" * 200
KEY = (("tests", "damage"), "k")


def fill() -> History:
    history = History(DjangoSaver(graph="g"))
    history.commit({"a": LONG, "b": 1}, due=[{"node": "n", "by": [], "send": [1]}])
    ending, _ = asking({"q": LONG})
    history.commit(writes=[task("task-0", a=LONG), ending])
    DjangoStore().put(("u",), "k", {"n": LONG})
    DjangoCache().set({KEY: ([LONG], None)})
    return history


@pytest.mark.parametrize(
    ("rows", "column", "text"),
    [
        (lambda: ChannelValue.objects.filter(channel="a"), "payload", '"y"'),
        (lambda: Checkpoint.objects, "channels", "{}"),
        (lambda: Checkpoint.objects, "due", "[]"),
        (lambda: Checkpoint.objects, "metadata", "{}"),
        (lambda: Checkpoint.objects, "rest", "{}"),
        (
            lambda: PendingWrite.objects.filter(slot="writes"),
            "payload",
            '[["a","other"]]',
        ),
        (lambda: PendingWrite.objects.filter(slot="interrupt"), "payload", "[]"),
    ],
)
@pytest.mark.parametrize("is_forgotten", [True, False])
def test_another_text_under_the_old_digest_is_an_error(
    rows: Callable[[], Any], column: str, text: str, is_forgotten: bool
) -> None:
    history = fill()
    changed = rows().exclude(**{column: text}).update(**{column: text})
    assert changed == 1

    saver = DjangoSaver(graph="g") if is_forgotten else history.saver
    with pytest.raises(DamagedValueError, match="thread 't'"):
        history.read(saver=saver)


def test_an_item_of_the_store_is_an_error() -> None:
    fill()
    Item.objects.update(value='{"n":"other"}')

    with pytest.raises(DamagedValueError, match="'k'"):
        DjangoStore().get(("u",), "k")
    with pytest.raises(DamagedValueError, match="'k'"):
        DjangoStore().search(("u",))


def test_a_cached_result_is_as_good_as_none(caplog: pytest.LogCaptureFixture) -> None:
    fill()
    CacheEntry.objects.update(value='["other"]')

    assert DjangoCache().get([KEY]) == {}
    assert "does not match its digest" in caplog.text


def test_the_thread_of_a_damaged_question_is_not_carried_on() -> None:
    """What the desk shows is a copy; what is answered is the checked row."""
    history = fill()
    Interrupt.objects.update(value='{"q":"other"}')

    question = history.read().pending_writes[-1][2][0]

    assert question.value == {"q": LONG}
