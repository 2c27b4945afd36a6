"""Limits of time, cancelling and heartbeats of runs; when a thread was pruned; two indexes."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0002_store_and_cache'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='cancel_mode',
            field=models.CharField(blank=True, choices=[('step', 'Step'), ('now', 'Now'), ('rollback', 'Rollback')], db_default='', default='', max_length=8),
        ),
        migrations.AddField(
            model_name='run',
            name='cancel_reason',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='run',
            name='deadline',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='heartbeat',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='run',
            name='run_timeout',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='start_by',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='thread',
            name='pruned_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='interrupt',
            index=models.Index(fields=['status', 'asked_at', 'id'], name='interrupt_by_status'),
        ),
        migrations.AddIndex(
            model_name='thread',
            index=models.Index(fields=['status', '-updated_at', '-id'], name='thread_by_status'),
        ),
    ]
