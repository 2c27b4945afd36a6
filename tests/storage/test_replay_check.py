"""A check of a record in the database: what it tells, and that it leaves no trace (RA.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections

from durableweb.config import get_config, get_store
from durableweb.durable import areplay_check, label, replay_check
from durableweb.errors import NonDeterminismError
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.engine.support.changed_bodies import DEPLOYS, Deploy, Tasks
from tests.engine.support.checked import CheckedStory
from tests.engine.support.checked_graphs import CONFIG, State
from tests.programs import all_samples
from tests.storage.conftest import real_transactions
from tests.storage.test_programs import StoredStory
from workflows.engine.drivers import threads
from workflows.services.binding import bound
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("RA.4", "RB.13")]

NAMES = [
    "several_in_a_node",
    "questions_of_sent_tasks",
    "question_of_an_error_handler",
    "tasks_that_ask",
    "the_first_of_calls_side_by_side_fails",
    "a_failure_the_body_went_on_from",
    "three_deep",
    "two_calls_of_a_subgraph",
    "cached_tasks",
    "renamed_nodes",
]
SAMPLES = [all_samples()[name] for name in NAMES]
CASES = [(sample, driver) for sample in SAMPLES for driver in sample.drivers]


def all_rows() -> dict[str, Any]:
    """Every row of every table of ours, as the database gives it."""
    found = {}
    with connection.cursor() as cursor:
        for each in apps.get_app_config("workflows").get_models():
            cursor.execute(f'SELECT * FROM "{each._meta.db_table}"')
            found[each.__name__] = sorted(map(repr, cursor.fetchall()))
    return found


class CheckedStoredStory(CheckedStory, StoredStory):
    """A story on the tables, checked after each call."""

    def rows(self) -> Any:
        return all_rows()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sync_to_async(connections.close_all)())


@pytest.mark.parametrize(
    ("sample", "driver"), CASES, ids=[f"{s.name}-{d}" for s, d in CASES]
)
def test_an_unchanged_program_never_differs(sample, driver, loop):
    story = CheckedStoredStory(sample, driver, loop)

    story.live()

    assert any(report.bodies for report in story.checks)


@pytest.mark.parametrize("driver", ["blocking", "async"])
@pytest.mark.parametrize("deploy", DEPLOYS, ids=lambda deploy: deploy.name)
def test_the_first_difference_is_told(deploy: Deploy, driver: str, loop) -> None:
    began = Tasks().flow(deploy.before, DjangoSaver())
    began.invoke(1, CONFIG)
    for _ in range(deploy.answered):
        began.invoke(Command(resume="yes"), CONFIG)
    before = all_rows()
    now = Tasks()
    flow = now.flow(deploy.after, None)  # the database's saver is what it is given

    def check() -> Any:
        if driver == "blocking":
            return replay_check(flow, "t")
        return loop.run(areplay_check(flow, "t"))

    if deploy.differs:
        with pytest.raises(NonDeterminismError, match=deploy.differs):
            check()
    else:
        (body,) = check().bodies
        assert (body.ended, body.past_record) == (deploy.ended, deploy.past)
    assert now.made == {}
    assert all_rows() == before


def test_a_thread_that_is_kept_as_a_fixture_can_be_checked(tmp_path: Path) -> None:
    tables = ("thread", "checkpoint", "channelvalue", "pendingwrite")
    kept = str(tmp_path / "threads.json")
    deploy = next(each for each in DEPLOYS if each.name == "left out")
    Tasks().flow(deploy.before, DjangoSaver()).invoke(1, CONFIG)
    call_command("dumpdata", *[f"workflows.{each}" for each in tables], output=kept)
    DjangoSaver().delete_thread("t")
    call_command("loaddata", kept, verbosity=0)

    assert replay_check(Tasks().flow(deploy.before, None), "t").bodies[0].calls == 2
    with pytest.raises(NonDeterminismError, match=deploy.differs):
        replay_check(Tasks().flow(deploy.after, None), "t")


def test_a_body_leaves_no_heartbeat_no_item_and_no_label() -> None:
    lives: list[int] = []

    def ask(state: State, runtime: Any) -> Any:
        lives.append(1)
        label(f"begun {len(lives)}")
        label(get_config(), f"by the config {len(lives)}", graph=DjangoSaver())
        runtime.heartbeat({"n": len(lives)})
        get_store().put(("a",), "key", {"n": 1})
        return {"log": [interrupt("q")]}

    graph = StateGraph(State).add_node(ask).add_edge(START, "ask").compile()

    bound(graph, DjangoSaver()).invoke({"log": []}, CONFIG)
    before = all_rows()
    assert before["Item"]
    assert len(before["CheckpointLabel"]) == 2

    (body,) = replay_check(graph, "t").bodies

    assert body.ended == "asked"
    assert len(lives) == 2
    assert all_rows() == before
