"""Where a run goes on that was stopped by an exception, a question, a sleep, a signal, an event, a child or a killed process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.starting_points import PLACES, WAYS

pytestmark = pytest.mark.rule("D.4", "R4.10", "R4.19")

# What each of the two lives calls, in order, and the log of the whole.
EXPECTED = {
    "node_of_a_graph": (
        ["before", "beside", "node", "node's task"],
        ["node", "branch", "after"],
        ["before", "beside", "node's task", "node", "after"],
    ),
    "subgraph_called_in_a_node": (
        ["before", "parent", "first", "second", "second's task"],
        ["parent", "second", "after"],
        ["before", "first", "second's task", "second", "after"],
    ),
    "subgraph_added_as_a_node": (
        ["before", "first", "second", "second's task"],
        ["second", "after"],
        # The appending reducer doubles what went in and comes out again (R7.1).
        ["before", "before", "first", "second's task", "second", "after"],
    ),
    "body_of_an_entrypoint": (
        ["body", "one"],
        ["body", "two"],
        ["one", "two"],
    ),
    "task_of_an_entrypoint": (
        ["body", "beside", "stopping"],
        ["body", "stopping"],
        ["beside", "stopped"],
    ),
    "branch_of_a_node": (
        ["before", "node", "branch"],
        ["node", "branch", "after"],
        ["before", "node", "after"],
    ),
}
ENDS = {
    "exception": "raised",
    "kill": "killed",
    "question": "asked",
    "sleep": "slept",
    "signal": "waited",
    "event": "waited",
    "child": "waited",
}


@pytest.fixture(scope="module")
def lived(
    databases: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What every case has called, told by one process and its forks."""
    folder: Path = tmp_path_factory.mktemp("calls")
    command = [sys.executable, "-m", "tests.acceptance.starting_points", str(folder)]
    environment = {
        **os.environ,
        "DATABASE_URL": databases.new("sqlite"),
        "DJANGO_SETTINGS_MODULE": "durableweb.settings",
    }
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=480
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", [place.__name__ for place in PLACES])
def test_only_what_was_not_finished_runs_again(
    lived: dict[str, dict[str, Any]], place: str, way: str
) -> None:
    first, second, log = EXPECTED[place]
    case = lived[f"{place} {way}"]

    assert case["first ends"] == ENDS[way]
    assert case["first"] == first
    assert case["second"] == second
    assert case["second ends"] == {"log": log}


def test_nothing_runs_again_after_a_static_breakpoint(
    lived: dict[str, dict[str, Any]],
) -> None:
    case = lived["static_breakpoint stop"]

    assert (case["first"], case["second"]) == (["before"], ["after"])
    assert case["second ends"] == {"log": ["before", "after"]}
