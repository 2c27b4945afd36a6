"""Which queue a run stands in and where, when it was let in, and a key that refuses a second start (RB.9)."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0024_undone_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='admitted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='dedup_key',
            field=models.CharField(blank=True, max_length=200, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='partition',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='run',
            name='queue',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AddField(
            model_name='run',
            name='queued_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('queued_at__isnull', False), ('status', 'pending')), fields=['queue', 'partition', 'priority', 'queued_at', 'id'], name='run_line'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('queued_at__isnull', False), ('status', 'running')), fields=['queue', 'partition'], name='run_let_in'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('admitted_at__isnull', False)), fields=['queue', 'partition', 'admitted_at'], name='run_begun'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('dedup_key__isnull', False), ('status__in', ['pending', 'running', 'waiting', 'interrupted'])), fields=('graph', 'dedup_key'), name='one_live_run_per_dedup_key'),
        ),
    ]
