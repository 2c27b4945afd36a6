"""Indexes of keys that most rows leave empty hold only the rows that have them; one is gone.

`thread_waiting` repeated `thread_by_status`, and on PostgreSQL 0013 had left the second index of
a field whose first it dropped. An empty key cost an entry in every row, and a page
of the log in every transaction that made one.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# table, field, what it points at, the index that Django gave it
KEYS = [
    ("interrupt", "assignee", settings.AUTH_USER_MODEL, "0acd7050"),
    ("interrupt", "assigned_group", "auth.group", "3cc3db5e"),
    ("interrupt", "claimed_by", settings.AUTH_USER_MODEL, "49100b54"),
    ("run", "created_by", settings.AUTH_USER_MODEL, "5b91e581"),
]


def without_index(table, field, target, number):
    index = f"workflows_{table}_{field}_id_{number}"
    return migrations.SeparateDatabaseAndState(
        # By name: to alter the field would copy the whole table on SQLite.
        database_operations=[
            migrations.RunSQL(
                f'DROP INDEX IF EXISTS "{index}"',
                f'CREATE INDEX "{index}" ON workflows_{table} ({field}_id)',
            )
        ],
        state_operations=[
            migrations.AlterField(
                model_name=table,
                name=field,
                field=models.ForeignKey(
                    blank=True,
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=target,
                ),
            )
        ],
    )


def of_set(table, field, name):
    return migrations.AddIndex(
        model_name=table,
        index=models.Index(
            condition=models.Q((f"{field}__isnull", False)), fields=[field], name=name
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("workflows", "0013_open_questions_of_thread")]

    operations = [
        # The new ones first: nobody is removed while no index tells where they stand.
        of_set("interrupt", "assignee", "interrupt_assignee"),
        of_set("interrupt", "assigned_group", "interrupt_group"),
        of_set("interrupt", "claimed_by", "interrupt_claimant"),
        of_set("run", "created_by", "run_by_starter"),
        *[without_index(*key) for key in KEYS],
        migrations.RemoveIndex(model_name="thread", name="thread_waiting"),
        migrations.RunSQL(
            'DROP INDEX IF EXISTS "workflows_interrupt_thread_id_13f57390_like"',
            migrations.RunSQL.noop,
        ),
    ]
