"""Labels beside whoever else writes to the thread: nothing is named that is not there."""

from __future__ import annotations

from functools import partial

import pytest

from tests.storage.chains import Chain
from tests.storage.conftest import real_transactions
from tests.storage.racing import together
from workflows.engine.errors import CheckpointNotFoundError
from workflows.models import Checkpoint, CheckpointLabel, Event
from workflows.storage.prune import prune
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("RA.10")]


def chain(thread: str) -> list:
    made = Chain(DjangoSaver(), thread)
    return [made.put({"n": number}, ["n"]) for number in range(3)]


@pytest.mark.parametrize("number", range(6))
def test_a_label_and_a_pruning_at_once_agree(number):
    old = chain("t")[0]

    label, _ = together(
        [partial(DjangoSaver().set_label, old, "kept"), partial(prune, "t", keep=1)]
    )

    is_there = Checkpoint.objects.filter(id=old["configurable"]["checkpoint_id"])
    if isinstance(label, CheckpointNotFoundError):
        assert not is_there.exists()
        assert not CheckpointLabel.objects.exists()
    else:
        assert label.config == old
        assert is_there.exists()


def test_the_same_label_of_many_at_once_is_one():
    old = chain("t")[0]

    found = together([partial(DjangoSaver().set_label, old, "same") for _ in range(6)])

    assert found == [found[0]] * 6
    assert CheckpointLabel.objects.get().text == "same"
    assert Event.objects.filter(kind="label").count() == 1


def test_a_label_and_a_deletion_at_once_leave_nothing():
    old = chain("t")[0]

    together(
        [
            partial(DjangoSaver().set_label, old, "lost"),
            partial(DjangoSaver().delete_thread, "t"),
        ]
    )

    assert not CheckpointLabel.objects.exists()
    assert not Event.objects.exists()
