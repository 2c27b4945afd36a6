"""A start with a `dedup_key` is refused while an equal one has not ended (RB.9)."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError

from tests.services.lining import Post, answer, carried, post, row, started
from tests.services.napping import boss
from tests.storage.racing import together
from workflows.engine.start_errors import DuplicateRunError
from workflows.models import Run, Thread
from workflows.services import registry, start_run, undoing
from workflows.services.action import InvalidAnswer
from workflows.services.cancel_run import cancel_thread
from workflows.services.queueing import queue_run
from workflows.services.start_run import Started, StartRun, start_thread

assert boss
assert post

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rule("RB.9", "C.DuplicateRunError"),
]


def test_an_equal_one_is_refused_until_the_first_has_ended(post):
    run = started("a", queue="", dedup_key="k")

    with pytest.raises(DuplicateRunError, match="on thread 'a' that has not") as no:
        started("b", queue="", dedup_key="k")
    assert (no.value.key, no.value.graph, no.value.thread_id) == ("k", "mail", "a")
    assert not Thread.objects.filter(pk="b").exists()
    assert started("c", queue="", dedup_key="other")

    assert carried(run) == "success"
    assert started("b", queue="", dedup_key="k").status == "pending"


def test_so_it_is_while_the_first_is_paused_and_while_it_goes_on(post, boss):
    run = started("a", asks=True, queue="", dedup_key="k")
    assert carried(run) == "interrupted"
    again = partial(started, "b", queue="", dedup_key="k")

    with pytest.raises(DuplicateRunError):
        again()
    resumed = answer(boss, run)
    with pytest.raises(DuplicateRunError):
        again()

    assert carried(resumed) == "success"
    assert again().status == "pending"


def test_a_start_on_the_thread_that_is_paused_replaces_it(post):
    run = started("a", asks=True, queue="", dedup_key="k")
    assert carried(run) == "interrupted"

    assert started("a", queue="", dedup_key="k").status == "pending"
    assert row(run).dedup_key is None


@pytest.mark.parametrize("more", [{"asks": True}, {"fails": True}, {}])
def test_what_was_cancelled_or_failed_keeps_nobody_out(post, more):
    run = started("a", queue="", dedup_key="k", **more)
    if more:
        carried(run)
    cancel_thread("a")

    assert started("b", queue="", dedup_key="k").status == "pending"


def test_a_repeated_idempotency_key_gives_the_first_run_again(post):
    keys = {"queue": "", "dedup_key": "k", "idempotency_key": "i"}
    run = started("a", **keys)

    assert started("a", **keys).pk == run.pk


def test_another_workflow_has_keys_of_its_own(post):
    registry.register(Post().graph(), name="other")
    started("a", queue="", dedup_key="k")

    assert start_thread("other", {"to": "a"}, dedup_key="k").run_id


def test_of_two_at_once_one_is_refused(post):
    starts = [
        partial(start_thread, "mail", {"to": name}, dedup_key="k") for name in "abcd"
    ]

    found = together(starts)

    assert sum(isinstance(each, Started) for each in found) == 1
    assert sum(isinstance(each, DuplicateRunError) for each in found) == 3
    assert Thread.objects.count() == 1


def test_a_person_is_told_that_the_thread_has_work(post, boss):
    StartRun(boss, "mail", {"to": "a"}, dedup_key="k").execute()

    with pytest.raises(Exception, match="has not ended, on thread") as refused:
        StartRun(boss, "mail", {"to": "a"}, dedup_key="k").execute()
    assert type(refused.value).__name__ == "Duplicate"


def test_one_that_undoes_what_it_has_done_leaves_the_key_to_who_has_it(
    post, monkeypatch
):
    run = started("a", queue="", fails=True, dedup_key="k")
    carried(run)
    other = started("b", queue="", dedup_key="k")
    found = SimpleNamespace(problem="", on_record=True, begun=False)
    monkeypatch.setattr(undoing, "to_undo", lambda *where: found)

    cancel_thread("a")

    assert (row(run).status, row(run).dedup_key) == ("pending", None)
    assert row(other).dedup_key == "k"


def test_one_that_has_ended_as_it_was_looked_for_keeps_nobody_out(post, monkeypatch):
    refused = [IntegrityError("one_live_run_per_dedup_key")]

    def make(*args: Any, **more: Any) -> Run:
        if refused:
            raise refused.pop()
        return queue_run(*args, **more)

    monkeypatch.setattr(start_run, "queue_run", make)

    assert started("a", queue="", dedup_key="k").status == "pending"


@pytest.mark.parametrize("name", ["dedup_key", "idempotency_key"])
@pytest.mark.parametrize("key", ["", 5, "a\nb", "k" * 201])
def test_what_is_no_key_starts_nothing(post, name, key):
    with pytest.raises(InvalidAnswer, match="1 to 200 printable characters"):
        started("a", queue="", **{name: key})

    assert not Run.objects.exists()
