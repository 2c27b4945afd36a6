"""Attributes of threads. On PostgreSQL their texts are compared letter by letter, as on SQLite."""

import django.db.models.deletion
from django.db import migrations, models


def compare_by_letter(apps, schema_editor):
    """Django's own option would ask SQLite for a collation that it has not."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            'ALTER TABLE workflows_threadattribute'
            ' ALTER COLUMN text TYPE text COLLATE "C",'
            ' ALTER COLUMN key TYPE varchar(200) COLLATE "C"'
        )


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0017_labels'),
    ]

    operations = [
        migrations.CreateModel(
            name='ThreadAttribute',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('position', models.SmallIntegerField(default=0)),
                ('kind', models.CharField(choices=[('text', 'Text'), ('int', 'Int'), ('float', 'Float'), ('bool', 'Bool'), ('instant', 'Instant'), ('list', 'List')], max_length=8)),
                ('text', models.TextField(blank=True, null=True)),
                ('key', models.CharField(blank=True, max_length=200, null=True)),
                ('number', models.FloatField(blank=True, null=True)),
                ('thread', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attributes', to='workflows.thread')),
            ],
            options={
                'indexes': [models.Index(fields=['name', 'kind', 'key'], name='attribute_text'), models.Index(condition=models.Q(('number__isnull', False)), fields=['name', 'number'], name='attribute_number')],
                'constraints': [models.UniqueConstraint(fields=('thread', 'name', 'position'), name='one_attribute_per_name')],
            },
        ),
        migrations.RunPython(compare_by_letter, migrations.RunPython.noop),
    ]
