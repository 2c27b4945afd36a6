"""The saver keeps what it is given, whole or not at all."""

from __future__ import annotations

import json

import pytest

from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from workflows.engine.errors import DamagedValueError, StaleResumeError, ThreadBusyError
from workflows.engine.ids import digest
from workflows.models import ChannelValue, Checkpoint, Event, Run, Thread
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

LONG = "x" * 100


def test_a_checkpoint_comes_back_as_it_was_saved():
    saver = DjangoSaver()
    history = History(saver)
    history.commit({"a": 1, "log": ["x"]}, due=[{"node": "n", "by": ["a"]}])

    for reader in (saver, DjangoSaver()):
        found = history.read(saver=reader)

        assert found.checkpoint["channel_values"] == {"a": 1, "log": ["x"]}
        assert found.checkpoint["channel_versions"] == {"a": 1, "log": 1}
        assert found.checkpoint["due"] == [{"node": "n", "by": ["a"]}]
        assert found.checkpoint["updated_channels"] == ["a", "log"]
        assert found.metadata == {"source": "input", "step": -1, "parents": {}}
        assert found.parent_config is None
        assert found.pending_writes == []


def test_only_changed_channels_are_written():
    history = History(DjangoSaver())
    history.commit({"a": LONG, "b": LONG})
    history.commit({"a": LONG + "!"})

    assert ChannelValue.objects.filter(channel="b").count() == 1
    assert ChannelValue.objects.filter(channel="a").count() == 2
    assert history.read().checkpoint["channel_values"] == {"a": LONG + "!", "b": LONG}


@pytest.mark.parametrize("value", [1, "x" * 62, [], ["x"], {"k": None}, (1, 2)])
def test_a_short_value_stands_in_the_checkpoint_and_needs_no_row(value):
    history = History(DjangoSaver())
    first = history.commit({"a": value, "b": LONG})
    history.commit({"b": 2})

    assert not ChannelValue.objects.filter(channel="a").exists()
    assert history.read().checkpoint["channel_values"] == {"a": value, "b": 2}
    assert history.read(first).checkpoint["channel_values"] == {"a": value, "b": LONG}


@pytest.mark.rule("R10.7")
def test_a_damaged_short_value_is_an_error():
    history = History(DjangoSaver())
    history.commit({"a": 1})
    row = Checkpoint.objects.get()
    Checkpoint.objects.update(channels=row.channels.replace('"1"', '"2"'))

    with pytest.raises(DamagedValueError):
        history.read()


@pytest.mark.rule("R10.7")
@pytest.mark.parametrize("text", ["", "[", "{}x"])
def test_a_channel_map_that_is_no_json_is_an_error(text):
    history = History(DjangoSaver())
    history.commit({"a": LONG})
    Checkpoint.objects.update(channels=text)

    with pytest.raises(DamagedValueError, match="restore the row"):
        history.read()


@pytest.mark.parametrize("name", ["=", "", "0", "a b", "é"])
def test_a_channel_of_any_name_finds_its_value(name):
    history = History(DjangoSaver())
    first = history.commit({name: LONG, "b": 1})
    history.commit({"b": 2})

    assert history.read(first).checkpoint["channel_values"] == {name: LONG, "b": 1}
    assert history.read().checkpoint["channel_values"] == {name: LONG, "b": 2}


def test_checkpoints_of_format_1_are_read():
    history = History(DjangoSaver())
    head = history.commit({"a": LONG, "log": [LONG]})
    row = Checkpoint.objects.get()
    old = json.dumps({"a": [1, head, ""], "log": [1, head, ""], "none": [3, "", ""]})
    text = digest("\n".join((old, row.due, row.metadata, row.rest)))
    Checkpoint.objects.update(format=1, channels=old, digest=text)

    found = history.read(saver=DjangoSaver()).checkpoint

    assert found["channel_values"] == {"a": LONG, "log": [LONG]}
    assert found["channel_versions"] == {"a": 1, "log": 1, "none": 3}


def test_a_channel_that_was_emptied_has_no_value_but_a_version():
    history = History(DjangoSaver())
    history.commit({"a": 1, "once": 2})
    history.values.pop("once")
    history.versions["once"] = 2
    history.commit({"a": 2})

    checkpoint = history.read().checkpoint

    assert checkpoint["channel_values"] == {"a": 2}
    assert checkpoint["channel_versions"] == {"a": 2, "once": 2}


def test_writes_are_read_back_in_order_of_path_and_task():
    history = History(DjangoSaver())
    history.commit({"a": 1})
    history.commit(writes=[task("t2", "b", x=1, y=2)])
    history.commit(writes=[task("t1", "a", x=3)])

    pending = history.read().pending_writes

    assert pending == [("t1", "x", 3), ("t2", "x", 1), ("t2", "y", 2)]


def test_a_run_is_a_row_with_a_lease_and_the_thread_is_busy_meanwhile():
    saver = DjangoSaver(graph="g")

    place = saver.open("t", None)
    run, thread = Run.objects.get(), Thread.objects.get()

    assert (run.kind, run.status, run.fence, run.graph) == ("direct", "running", 1, "g")
    assert run.lease_until is not None
    assert run.started_at is not None
    assert thread.status == "busy"

    saver.close(place)
    run.refresh_from_db()
    thread.refresh_from_db()

    assert (run.status, run.lease_until) == ("success", None)
    assert thread.status == "idle"


def test_a_second_run_is_refused_while_one_holds_the_thread():
    saver = DjangoSaver()
    place = saver.open("t", None)

    with pytest.raises(ThreadBusyError) as refused:
        DjangoSaver().open("t", None)

    assert refused.value.run_id == place.run_id
    assert refused.value.since is not None


def test_a_run_on_a_head_that_moved_is_refused():
    saver = DjangoSaver()
    history = History(saver)
    first = history.commit({"a": 1})
    second = history.commit({"a": 2})

    with pytest.raises(StaleResumeError) as refused:
        saver.open("t", first)

    assert refused.value.winner_checkpoint_id == second
    assert not Run.objects.exists()
    assert saver.head("t") == second


def test_an_unclaimed_write_is_refused_while_a_run_holds_the_thread():
    saver = DjangoSaver()
    history = History(saver)
    history.commit({"a": 1})
    saver.open("t", None)
    stranger = History(DjangoSaver())

    with pytest.raises(ThreadBusyError):
        stranger.commit({"a": 5})


@pytest.mark.rule("C.DamagedValueError", "R10.7")
def test_a_damaged_value_is_an_error_and_not_a_value():
    history = History(DjangoSaver())
    history.commit({"a": LONG})
    ChannelValue.objects.update(payload="2")

    with pytest.raises(DamagedValueError, match="'a'") as caught:
        history.read()

    assert "thread 't'" in str(caught.value)
    assert "restore the row" in str(caught.value)


def test_damaged_metadata_is_an_error():
    history = History(DjangoSaver())
    history.commit({"a": 1})
    Checkpoint.objects.update(due="[]x")

    with pytest.raises(DamagedValueError):
        history.read()


def test_events_tell_the_run_and_the_step_with_what_is_done():
    saver = DjangoSaver()
    place = saver.open("t", None)
    history = History(saver)
    history.commit({"a": 1}, writes=[task(a=1)], due=[{"node": "n", "by": []}])
    saver.close(place)

    events = Event.objects.filter(thread_id="t").order_by("seq")

    assert [event.kind for event in events] == ["run", "step", "run"]
    assert [event.seq for event in events] == [1, 2, 3]
    assert json.loads(events[1].data)["done"] == [{"node": "node", "count": 1}]


def test_tasks_of_one_name_are_one_line_of_the_step_and_an_early_one_has_its_own():
    saver = DjangoSaver()
    saver.open("t", None)
    history = History(saver)
    history.commit({"a": 1})
    history.commit(writes=[task("t1", a=1)])
    history.commit({"a": 2}, writes=[task("t2", a=2), task("t3", a=3)])

    events = Event.objects.filter(thread_id="t", seq__gt=2).order_by("seq")

    assert [event.kind for event in events] == ["task", "step"]
    assert json.loads(events[1].data)["done"] == [{"node": "node", "count": 2}]


def test_a_question_is_a_row_in_the_transaction_of_its_task():
    saver = DjangoSaver(graph="g")
    saver.open("t", None)
    history = History(saver)
    history.commit({"a": 1})
    ending, question_id = asking({"title": "Approve?", "amount": 3})
    history.commit(writes=[ending])

    thread = Thread.objects.get()
    item = thread.interrupts.get()

    assert item.interrupt_id == question_id
    assert (item.title, item.status, item.round, item.graph) == (
        "Approve?",
        "pending",
        1,
        "g",
    )
    assert Event.objects.filter(kind="interrupt").count() == 1
