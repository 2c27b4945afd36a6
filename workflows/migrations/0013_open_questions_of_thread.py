"""An index of a thread's open questions, in place of one that the unique constraint repeats."""

import django.db.models.deletion
from django.db import migrations, models

INDEX = "workflows_interrupt_thread_id_13f57390"


class Migration(migrations.Migration):
    dependencies = [("workflows", "0012_holding_and_old_secrets")]

    operations = [
        migrations.SeparateDatabaseAndState(
            # By name: to alter the field would copy the whole table on SQLite.
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{INDEX}"',
                    f'CREATE INDEX "{INDEX}" ON workflows_interrupt (thread_id)',
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="interrupt",
                    name="thread",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="interrupts",
                        to="workflows.thread",
                    ),
                )
            ],
        ),
        migrations.AddIndex(
            model_name="interrupt",
            index=models.Index(
                condition=models.Q(("status__in", ("pending", "decided"))),
                fields=["thread"],
                name="interrupt_open_of_thread",
            ),
        ),
    ]
