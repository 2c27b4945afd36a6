"""What `make test` runs on SQLite and not again on PostgreSQL, and why.

A test without a database shows on PostgreSQL what it has shown already. So do the tests
named here, which have one: the same rows come out of either. They get the mark
`one_database`, which the jobs on PostgreSQL leave out; pytest by itself runs them there too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_A_DATABASE = frozenset(
    {
        *("db", "transactional_db", "django_db_setup"),
        *("databases", "processes", "pg_cluster", "pg_url", "db_kind"),
    }
)
# What a page draws of rows, and how its form becomes values. Each address with each of
# its methods is asked for on PostgreSQL by tests/permissions/test_pages.py, the services
# behind them are called by tests/services, and stories of both databases go through them.
DRAWN_AND_READ = (
    *("tests/web/test_approval_link.py", "tests/web/test_deciding_page.py"),
    *("tests/web/test_doctor.py", "tests/web/test_headers.py"),
    "tests/web/test_menu.py",
    *("tests/web/test_permissions.py", "tests/web/test_policy_form.py"),
    *("tests/web/test_preferences.py", "tests/web/test_queue_pane.py"),
    *("tests/web/test_review.py", "tests/web/test_review_answers.py"),
    *("tests/web/test_shapes.py", "tests/web/test_state_editor.py"),
    *("tests/web/test_state_saving.py", "tests/web/test_unknown_types.py"),
    *("tests/web/test_webhooks.py", "tests/web/test_tokens.py"),
    *("tests/web/test_sleeping_threads.py", "tests/web/test_waiting_for_children.py"),
    *("tests/web/test_waiting_for_signals.py", "tests/web/test_waiting_for_events.py"),
    *("tests/web/test_undone_runs.py", "tests/web/test_sending_signals.py"),
    *("tests/web/test_sending_updates.py", "tests/web/test_schedules.py"),
    *("tests/web/test_steps.py", "tests/web/test_started_threads.py"),
    *("tests/web/test_policies.py", "tests/web/test_policy_changes.py"),
    *("tests/web/test_odd_names.py", "tests/web/test_late.py"),
    "tests/permissions/test_every_door_is_listed.py",
    # The operations' own tests are asked on both, and the services of the cells by test_pages.py.
    *("tests/permissions/test_api.py", "tests/api/test_abuse_api.py"),
    *("tests/api/test_door.py", "tests/api/test_pace.py"),
)
# Scripts in a browser. How news reach a page differs between the databases: that a timeline
# follows and that new questions wait are seen on both.
SCRIPTS = (
    # These have a database of SQLite in any case.
    *("tests/live/test_line_js.py", "tests/live/test_queue_js.py"),
    "tests/live/test_live_js.py::test_alike_tasks_fold_as_they_arrive_and_as_the_page_is_drawn",
    "tests/live/test_live_js.py::test_an_old_page_on_its_way_does_not_take_back_what_was_heard_meanwhile",
    "tests/live/test_live_js.py::test_long_names_do_not_make_the_page_wider",
    "tests/live/test_live_js.py::test_who_is_logged_out_is_told",
)
# A pytest in another process, for settings that are another project's.
ANOTHER_PROJECT = ("tests/web/test_host_project.py",)
# They ask the settings which database there is.
OF_THE_SETTINGS = frozenset(
    {"tests/services/test_checks.py", "tests/storage/test_connection_of.py"}
)
NAMED = frozenset({*DRAWN_AND_READ, *SCRIPTS, *ANOTHER_PROJECT})


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that PostgreSQL has nothing to add to."""
    for item in items:
        if is_among(NAMED, item.nodeid) or not has_database(item):
            item.add_marker(pytest.mark.one_database)


def is_among(names: frozenset[str], nodeid: str) -> bool:
    """Whether this test, or its module, is one of those."""
    test = nodeid.partition("[")[0]
    return test in names or test.partition("::")[0] in names


def has_database(item: pytest.Item) -> bool:
    """Whether a database, or a process that may have one, is among what it is given."""
    return (
        not OF_A_DATABASE.isdisjoint(getattr(item, "fixturenames", ()))
        or item.get_closest_marker("django_db") is not None
        or is_among(OF_THE_SETTINGS, item.nodeid)
    )
