"""The usual savings on SQLite are one statement each, and save what the several would."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from tests.support.commits import SAVING
from workflows.engine.errors import LeaseLostError
from workflows.models import (
    ChannelValue,
    Checkpoint,
    Event,
    Interrupt,
    PendingWrite,
    Run,
    Thread,
)
from workflows.storage import one_statement, turns
from workflows.storage.events import append_events
from workflows.storage.saver import DjangoSaver

pytestmark = [
    real_transactions,
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="about SQLite"),
]
TIMES = (
    *("created_at", "updated_at", "started_at", "finished_at"),
    *("lease_until", "due_at"),
)
SOON = 60.0
"""Seconds in which a thread that was called must have gone on."""


def opened(thread_id="t") -> History:
    saver = DjangoSaver()
    history = History(saver, thread_id)
    history.place = saver.open(thread_id, None)
    return history


def rows():
    """All that is saved, without times and without the ids that differ from run to run."""
    found = {}
    for model in (Thread, Run, Checkpoint, ChannelValue, PendingWrite, Event):
        names = [f.attname for f in model._meta.concrete_fields]
        names = [n for n in names if n not in TIMES and n != "owner"]
        if model in (Run, Event):
            names.remove("id")
        ordered = model.objects.order_by(*names[:1], "pk").values_list(*names)
        found[model.__name__] = [dict(zip(names, row, strict=True)) for row in ordered]
    return found


def a_run(history):
    """The input, steps with a long value and with a list that grows, a result alone, the end."""
    history.commit({"a": 1, "log": ["y" * 100]}, due=[{"node": "node"}])
    history.commit({"text": "x" * 200}, [task("t1", text="x" * 200)])
    history.commit(
        {"log": [*history.values["log"], "z" * 100]}, [task("t2", log=["z"])]
    )
    history.commit(writes=[task("t3", a=2)])
    history.commit({"a": 2}, ending="success")
    history.saver.close(history.place)


def test_it_saves_what_several_statements_save(monkeypatch):
    from workflows.engine import ids

    def repeat():
        count = iter(range(1, 1000))
        monkeypatch.setattr(ids, "clock", lambda: 1_700_000_000 + next(count))
        monkeypatch.setattr(ids, "entropy", lambda bits: 7)

    with monkeypatch.context() as patched, transaction.atomic():
        patched.setattr(one_statement, "fits", lambda bundle: False)
        repeat()
        a_run(opened())
        expected = rows()
        transaction.set_rollback(True)
    repeat()

    a_run(opened())

    found = rows()
    for of in (expected, found):  # what names the run by its number
        number = of["Event"][0]["run_id"]
        for row in [*of["Checkpoint"], *of["Event"]]:
            assert row.pop("run_id") == number
        for row in of["Event"]:
            row["data"] = row["data"].replace(f'"run":{number},', "")
    assert found == expected
    assert [row["status"] for row in found["Run"]] == ["success"]
    assert len(found["Checkpoint"]) == 4
    assert len(found["PendingWrite"]) == 3


def test_every_saving_of_a_plain_run_is_one(commits):
    history = opened()
    commits.statements.clear()

    a_run(history)

    assert len(commits.statements) == 5
    assert all(line.startswith(SAVING) for line in commits.statements)


@pytest.mark.rule("R9.7")
def test_an_event_of_somebody_else_in_between_keeps_its_number():
    history = opened()
    history.commit({"a": 1})
    with transaction.atomic():
        append_events("default", "t", None, [("label", {"by": "somebody"})])

    history.commit({"a": 2})
    history.commit({"a": 3})

    events = Event.objects.order_by("seq").values_list("seq", "kind")
    kinds = ["run", "step", "label", "step", "step"]
    assert [*events] == [*enumerate(kinds, 1)]
    assert history.read().checkpoint["channel_values"] == {"a": 3}


@pytest.mark.rule("RA.5")
def test_a_run_that_was_taken_over_writes_nothing():
    history = opened()
    history.commit({"a": 1})
    Run.objects.update(fence=2)
    before = rows()

    with pytest.raises(LeaseLostError):
        history.commit({"a": 2}, [task("t1", a=2)])

    assert rows() == before


def test_a_row_that_is_there_already_is_an_error_and_writes_nothing(monkeypatch):
    history = opened()
    history.commit({"a": 1})
    head = Checkpoint.objects.get()
    before = rows()
    again = {
        "id": head.id,
        "channel_values": {"a": 2},
        "channel_versions": {"a": 2},
    }
    monkeypatch.setattr(history, "checkpoint", lambda changes, due: again)
    history.versions = {"a": 2}

    with pytest.raises(IntegrityError, match="UNIQUE"):
        history.commit({"a": 2})

    assert rows() == before


def test_the_end_of_a_run_leaves_a_thread_with_another_question_waiting():
    history = opened()
    asked, _ = asking("Really?")
    history.commit({"a": 1})
    history.commit(writes=[asked])
    assert Interrupt.objects.get().status == "pending"

    history.commit({"a": 2}, ending="success")

    assert Thread.objects.get().status == "interrupted"
    assert Run.objects.get().status == "success"


def test_it_waits_for_a_process_that_writes():
    history = opened()
    history.commit({"a": 1})
    saved = threading.Event()

    def save():
        try:
            history.commit({"a": 2})
            saved.set()
        finally:
            connection.close()

    file = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE workflows_thread SET title = 'theirs'")
        saving = threading.Thread(target=save)
        saving.start()
        assert not saved.wait(0.2)
        other.execute("COMMIT")
        saving.join(SOON)

    assert saved.is_set()
    assert Thread.objects.get().title == "theirs"
    assert Event.objects.count() == 3


def test_those_of_several_threads_are_one_transaction(monkeypatch):
    sizes = []
    together = turns.together

    def noted(driver, wishes):
        sizes.append(len(wishes))
        together(driver, wishes)

    monkeypatch.setattr(turns, "together", noted)
    histories = [opened(name) for name in "uvw"]
    for history in histories:
        history.commit({"a": 1})
    with transaction.atomic():
        append_events("default", "v", None, [("label", {"by": "somebody"})])
    line = turns.turns_of(connection)
    sizes.clear()

    def save(history):
        try:
            history.commit({"a": 2}, [task("t1", a=2)])
        finally:
            connection.close()

    assert line.take()
    savings = [threading.Thread(target=save, args=(each,)) for each in histories]
    for number, saving in enumerate(savings):
        saving.start()
        while len(line._waiting) + line._is_led <= number:
            saving.join(0.005)
    line.give_back()
    for saving in savings:
        saving.join(SOON)

    for history in histories:
        assert history.read().checkpoint["channel_values"] == {"a": 2}
    seqs = dict(Thread.objects.values_list("id", "seq"))
    assert seqs == {"u": 3, "v": 4, "w": 3}
    assert sizes == [3, 1]  # the second is the one that was not as known


def test_the_view_is_made_again_after_it_was_rolled_back():
    history = opened()
    history.commit({"a": 1})
    one_statement.forget()
    driver = connection.connection
    driver.execute("BEGIN")
    driver.execute(one_statement._MAKE_VIEW)
    driver.execute(one_statement._MAKE_TRIGGER)
    driver.execute("ROLLBACK")

    history.commit({"a": 2})

    assert history.read().checkpoint["channel_values"] == {"a": 2}


def test_a_migration_meets_no_trigger_of_it():
    history = opened()
    history.commit({"a": 1})
    driver = connection.connection
    with pytest.raises(sqlite3.OperationalError, match="error in trigger"):
        make_anew(driver, "workflows_event")

    call_command("migrate", verbosity=0)

    make_anew(driver, "workflows_event")
    history.commit({"a": 2})
    assert history.read().checkpoint["channel_values"] == {"a": 2}


def make_anew(driver, table):
    """Change a table as Django's migrations do on SQLite."""
    (sql,) = driver.execute(
        "SELECT sql FROM sqlite_schema WHERE name = ?", (table,)
    ).fetchone()
    driver.execute("BEGIN")
    try:
        driver.execute(sql.replace(table, f"new__{table}", 1))
        driver.execute(f"INSERT INTO new__{table} SELECT * FROM {table}")
        driver.execute(f"DROP TABLE {table}")
        driver.execute(f"ALTER TABLE new__{table} RENAME TO {table}")
    except BaseException:
        driver.execute("ROLLBACK")
        raise
    driver.execute("COMMIT")
