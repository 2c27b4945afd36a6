"""A connection that PostgreSQL has ended while coroutines save together."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import OperationalError, connection, connections

from tests.storage.at_once import MANY, all_at_once, config, graph
from tests.storage.conftest import real_transactions
from workflows.models import Event
from workflows.storage import postgresql
from workflows.storage.saver import DjangoSaver

pytestmark = [
    real_transactions,
    pytest.mark.rule("RA.15"),
    pytest.mark.skipif(not settings.IS_POSTGRESQL, reason="about a server"),
]


def end_connection(pid: int) -> None:
    other = connections["default"].copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


@pytest.mark.parametrize(("durability", "lost"), [("sync", 0), ("async", 1)])
def test_a_connection_that_ends_costs_a_group_as_little_as_one(
    monkeypatch, durability, lost
):
    """Before they are committed together each is tried alone, on a new one; without, it is one's own."""
    write_all = postgresql.write_all
    ended: list[int] = []

    def ended_first(wrapper: Any, wishes: Any) -> None:
        if len(wishes) > 3 and not ended:
            ended.append(wrapper.connection.info.backend_pid)
            end_connection(*ended)
        write_all(wrapper, wishes)

    monkeypatch.setattr(postgresql, "write_all", ended_first)

    told = async_to_sync(all_at_once)(graph(DjangoSaver()), durability=durability)

    failed = [each for each in told if isinstance(each, Exception)]
    assert [type(each) for each in failed] == [OperationalError] * lost
    whole = [each["n"] % 10 for each in told if isinstance(each, dict)]
    assert whole == [3] * (MANY - lost)
    assert ended
    assert connection.connection.info.backend_pid not in ended


def test_a_group_of_which_nobody_knows_whether_it_was_committed_is_not_tried_again(
    monkeypatch,
):
    """It was, here: written again, its events would be told twice."""
    write_all = postgresql.write_all
    groups: list[int] = []

    def ended_last(wrapper: Any, wishes: Any) -> None:
        commit = wrapper.commit

        def commit_and_end() -> None:
            commit()
            wrapper.connection.close()
            raise OperationalError("server closed the connection unexpectedly")

        if len(wishes) > 3 and not groups:
            groups.append(len(wishes))
            with monkeypatch.context() as patch:
                patch.setattr(wrapper, "commit", commit_and_end)
                write_all(wrapper, wishes)
        else:
            write_all(wrapper, wishes)

    monkeypatch.setattr(postgresql, "write_all", ended_last)
    compiled = graph(DjangoSaver())

    told = async_to_sync(all_at_once)(compiled)

    failed = [number for number, each in enumerate(told) if isinstance(each, Exception)]
    assert [len(failed)] == groups
    assert {type(told[number]) for number in failed} == {OperationalError}
    for number in failed:
        again = async_to_sync(compiled.ainvoke)(None, config(number))
        assert again["n"] == 10 * number + 3
    for number in range(MANY):
        history = [*compiled.get_state_history(config(number))]
        assert len(history) == 5
        steps = Event.objects.filter(thread_id=f"t{number}", kind="step")
        assert steps.count() == 5
