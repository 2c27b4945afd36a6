"""What pages are told of a thread's children and parents, as real runs leave them (RB.5)."""

from __future__ import annotations

import pytest

from tests.services.family import answer, begun, children, desk
from tests.services.napping import boss, status_of
from tests.services.posting import carried_out
from workflows.models import Run, Thread
from workflows.services.access import Rights
from workflows.services.asleep import WaitRecord, sleep_of
from workflows.services.cancel_run import CancelRun
from workflows.services.thread_family import ends_with, family_of, others_of
from workflows.services.thread_history import thread_detail
from workflows.storage.threads import copy_thread

assert boss
assert desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.5")]


def sleep_there(thread: Thread) -> WaitRecord:
    thread.refresh_from_db()
    found = sleep_of(thread)
    assert found is not None
    return found


def test_a_task_that_waits_names_its_child_and_its_node(desk):
    parent = begun()

    (child,) = children()
    waits = sleep_there(parent)

    assert waits.threads == (child.pk,)
    assert [each.node for each in waits.waiters] == ["parent"]
    assert waits.until is None
    assert not waits.is_done


def test_one_whose_work_is_done_is_told_from_one_that_works_on(desk):
    desk.wait, desk.more = None, {"on_parent_end": "wait"}
    desk.inputs = ["a", "ask"]
    parent = begun()

    waits = sleep_there(parent)

    assert waits.is_done
    assert set(waits.threads) == {each.pk for each in children()}
    carried_out()
    waits = sleep_there(parent)
    assert waits.is_done
    assert len(waits.threads) == 1


def test_it_says_nothing_any_more_when_all_has_ended(boss, desk):
    desk.wait, desk.more = None, {"on_parent_end": "wait"}
    desk.inputs = ["a", "ask"]
    parent = begun()
    carried_out()
    answer(boss, "yes")
    carried_out()

    assert status_of(parent) == ("idle", "success")
    assert sleep_of(parent) is None
    assert [each.at_end for each in family_of(parent.pk).children] == ["", ""]


def test_the_pages_of_both_name_the_other(boss, desk):
    parent = begun()
    (child,) = children()

    here, there = thread_detail(boss, parent.pk), thread_detail(boss, child.pk)

    assert [each.id for each in here.family.children] == [child.pk]
    assert here.family.children[0].at_end == "cancel"
    known = here.others[child.pk]
    assert (known.title, known.graph_title) == ("Work", "Work")
    assert (known.status, known.has_ended) == ("pending", False)
    assert there.family.parents == (parent.pk,)
    assert there.others[parent.pk].status == "waiting"


def test_those_whom_nobody_may_see_are_not_asked_for(desk, django_assert_num_queries):
    begun()
    (child,) = children()

    assert others_of([child.pk], Rights(None)) == {}
    with django_assert_num_queries(0):
        assert others_of([], Rights(None)) == {}


@pytest.mark.parametrize(
    ("at_end", "count"), [("cancel", 1), ("wait", 1), ("leave", 0)]
)
def test_as_many_are_cancelled_with_it_as_is_said(boss, desk, at_end, count):
    desk.inputs, desk.more = ["ask", "b"], {"on_parent_end": at_end}
    parent = begun()
    run = Run.objects.exclude(thread=parent).latest("id")
    Run.objects.exclude(thread=parent).exclude(pk=run.pk).update(status="success")

    said = ends_with(parent.pk)
    CancelRun(boss, parent.runs.get().pk).execute()

    assert said == count
    cancelled = Run.objects.filter(status="cancelled").exclude(thread=parent)
    assert cancelled.count() == count
    assert ends_with(parent.pk) == 0


def test_a_copy_shares_the_children_and_ends_none_of_them(boss, desk):
    parent = begun()
    (child,) = children()

    copy_thread("default", parent.pk, "copy")

    assert [each.at_end for each in family_of("copy").children] == [""]
    assert ends_with("copy") == 0
    assert family_of(child.pk).parents == (parent.pk, "copy")
