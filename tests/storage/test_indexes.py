"""Indexes that hold only the rows which have the key, and are found all the same."""

from __future__ import annotations

import pytest
from django.db import connection


def plan_of(sql):
    """How the database would do it, were its tables large."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return str(cursor.fetchall())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "column", "index"),
    [
        ("interrupt", "assignee_id", "interrupt_assignee"),
        ("interrupt", "assigned_group_id", "interrupt_group"),
        ("interrupt", "claimed_by_id", "interrupt_claimant"),
        ("run", "created_by_id", "run_by_starter"),
    ],
)
@pytest.mark.parametrize("term", ["= 7", "IN (7, 8)"])
def test_rows_of_someone_who_is_removed_are_found_by_an_index(
    table, column, index, term
):
    plan = plan_of(f"SELECT id FROM workflows_{table} WHERE {column} {term}")

    assert index in plan


@pytest.mark.django_db
def test_threads_of_one_status_need_one_index_only():
    plan = plan_of(
        "SELECT id FROM workflows_thread WHERE status = 'interrupted'"
        " ORDER BY updated_at DESC, id DESC LIMIT 20"
    )

    assert "thread_by_status" in plan
    assert "sort" not in plan.lower()
    assert "b-tree" not in plan.lower()


@pytest.mark.rule("RB.9")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (
            "SELECT id FROM workflows_run WHERE status = 'pending' AND queue = 'q' AND partition = 'p'"
            " AND queued_at IS NOT NULL ORDER BY priority, queued_at, id LIMIT 1",
            "run_line",
        ),
        (
            "SELECT min(partition) FROM workflows_run WHERE status = 'pending' AND queue = 'q'"
            " AND queued_at IS NOT NULL AND partition > 'p'",
            "run_line",
        ),
        (
            "SELECT count(*) FROM workflows_run WHERE status = 'running' AND queue = 'q'"
            " AND partition = 'p' AND queued_at IS NOT NULL",
            "run_let_in",
        ),
        (
            "SELECT admitted_at FROM workflows_run WHERE queue = 'q' AND partition = 'p'"
            " AND admitted_at IS NOT NULL ORDER BY admitted_at DESC LIMIT 1",
            "run_begun",
        ),
    ],
)
def test_a_line_is_read_from_its_index_however_many_wait(ask, index):
    plan = plan_of(ask)

    assert index in plan
    assert "temp b-tree" not in plan.lower()
