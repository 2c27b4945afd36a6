"""Rows for the queue's benchmark: many open questions, as a busy site has them.

Everything is spread by the row's number, so that each run meets the same rows: fourteen
workflows (two of them hidden), half of the questions given to somebody, most of them due,
three fields each, and half as many that are decided already.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction

from workflows.services import registry

WORKFLOWS = 14
HIDDEN = 2
PEOPLE = 40
GROUPS = 5

# `n` is the number of the row; written so that both databases understand it.
_THREADS = """
INSERT INTO workflows_thread (id, graph, title, status, head, seq, created_at, updated_at)
SELECT 'bench-' || n, 'flow_' || (n * 7919 % 1009 % 14), 'Case ' || n, 'interrupted', '', 0,
       {asked}, {asked}
FROM {numbers}
"""
_QUESTIONS = """
INSERT INTO workflows_interrupt (
    thread_id, graph, namespace, checkpoint, interrupt_id, task, task_path, node, ordinal,
    key, status, version, round, title, value, response_schema, digest, reason, priority,
    due_at, due_order, assignee_id, assigned_group_id, claimed_by_id, claimed_until,
    snoozed_until, policy, arranged_round, asked_at)
SELECT 'bench-' || n, 'flow_' || (n * 7919 % 1009 % 14), '', 'c', 'i' || n, 't', '',
       'step_' || (n * 104729 % 1013 % 5), 0, '',
       CASE WHEN n <= {pending} THEN 'pending' ELSE 'resolved' END, 1, 1,
       CASE n * 15485863 % 1019 % 4 WHEN 0 THEN 'Refund ' WHEN 1 THEN 'Pay invoice ' WHEN 2 THEN 'Publish '
            ELSE 'Delete account ' END || (n * 7919 % 1000003) || ' of customer ' || (n % 997),
       '"Do it?"', '', '', '', CASE WHEN n * 31337 % 1021 < 50 THEN n % 3 ELSE 0 END,
       CASE WHEN n * 65537 % 1031 < 600 THEN {due} END,
       CASE WHEN n * 65537 % 1031 < 600 THEN {due} ELSE {never} END,
       CASE WHEN n * 99991 % 1033 < 400 THEN (SELECT min(id) FROM auth_user WHERE username LIKE 'bench%')
            + n * 48611 % 1039 % {people} END,
       CASE WHEN n * 99991 % 1033 >= 930 THEN (SELECT min(id) FROM auth_group WHERE name LIKE 'bench%')
            + n * 48611 % 1039 % {groups} END,
       CASE WHEN n * 27644437 % 1049 < 10 THEN (SELECT min(id) FROM auth_user WHERE username LIKE 'bench%') END,
       CASE WHEN n * 27644437 % 1049 < 10 THEN {soon} END,
       CASE WHEN n * 39916801 % 1051 < 25 THEN {soon} END, '', 1, {asked}
FROM {numbers}
"""
_FIELDS = """
INSERT INTO workflows_questionfield (interrupt_id, source, name, text, number)
SELECT id, 'payload', 'amount', CAST(id * 7919 % 10007 AS text), id * 7919 % 10007
FROM workflows_interrupt WHERE status = 'pending'
UNION ALL
SELECT id, 'payload', 'vendor', 'Vendor ' || (id * 6700417 % 1061 % 500), NULL
FROM workflows_interrupt WHERE status = 'pending'
UNION ALL
SELECT id, 'state', 'city',
       CASE id * 999983 % 1063 % 6 WHEN 0 THEN 'Rome' WHEN 1 THEN 'Oslo' WHEN 2 THEN 'Lima' WHEN 3 THEN 'Bonn'
            WHEN 4 THEN 'Kyoto' ELSE 'Quito' END, NULL
FROM workflows_interrupt WHERE status = 'pending'
"""
_TABLES = "('workflows_thread', 'workflows_interrupt', 'workflows_questionfield')"
# Name, and the statement that makes it.
_INDEXES = {
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes"
    f" WHERE tablename IN {_TABLES} AND NOT EXISTS"
    " (SELECT FROM pg_constraint WHERE conname = indexname)",
    "sqlite": "SELECT name, sql FROM sqlite_master"
    f" WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {_TABLES}",
}
_DIALECT = {
    "postgresql": {
        "numbers": "generate_series(1::bigint, {all}) AS n",
        "asked": "now() - (n * 7919 % 7776000) * interval '1 second'",
        "due": "now() + (n * 104729 % 2592000 - 432000) * interval '1 second'",
        "soon": "now() + interval '1 hour'",
        "never": "'9999-01-01T00:00Z'::timestamptz",
    },
    "sqlite": {
        "numbers": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
        "WHERE n < {all}) SELECT n FROM c)",
        "asked": "strftime('%Y-%m-%d %H:%M:%f', 'now', "
        "'-' || (n * 7919 % 7776000) || ' seconds')",
        "due": "strftime('%Y-%m-%d %H:%M:%f', 'now', "
        "(n * 104729 % 2592000 - 432000) || ' seconds')",
        "soon": "strftime('%Y-%m-%d %H:%M:%f', 'now', '3600 seconds')",
        "never": "'9999-01-01 00:00:00'",
    },
}


def register_workflows() -> None:
    """The workflows that the rows name; the last ones are open to another group only."""
    for number in range(WORKFLOWS):
        name = f"flow_{number}"
        groups = ["board"] if number >= WORKFLOWS - HIDDEN else None
        registry.register(
            SimpleNamespace(name=name),
            name=name,
            title=f"Flow {number}",
            start_groups=groups,
            decide_groups=groups,
        )


def make_people() -> None:
    """Reviewers with consecutive ids, and groups; `bench0` is in the first two groups."""
    users = get_user_model().objects
    reviewer = Group.objects.get(name="reviewer")
    made = [users.create_user(f"bench{number}") for number in range(PEOPLE)]
    groups = [Group.objects.create(name=f"bench{number}") for number in range(GROUPS)]
    for user in made:
        user.groups.add(reviewer)
    made[0].groups.add(*groups[:2])


@contextmanager
def _indexes_last(cursor: Any) -> Iterator[None]:
    """Drop the indexes of the tables that are filled, and build them at once at the end.

    Those that hold a constraint stay. Foreign keys are not looked up row by row.
    """
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute(_INDEXES[connection.vendor])
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _, made in found:
        cursor.execute(made)


def fill(pending: int) -> None:
    """So many open questions, and half as many closed ones; then let the database count."""
    dialect = _DIALECT[connection.vendor]
    every = pending + pending // 2
    words = {
        **dialect,
        "numbers": dialect["numbers"].format(all=every),
        "pending": pending,
        "people": PEOPLE,
        "groups": GROUPS,
    }
    with transaction.atomic(), connection.cursor() as cursor, _indexes_last(cursor):
        for statement in (_THREADS, _QUESTIONS, _FIELDS):
            # No parameters: a percent sign is the remainder.
            cursor.execute(statement.format(**words))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor != "sqlite" else "ANALYZE")
