"""Updates that were sent to threads, with their answers, and the runs that carry them out (RB.16)."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0026_worker'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='run',
            name='kind',
            field=models.CharField(choices=[('start', 'Start'), ('resume', 'Resume'), ('continue', 'Continue'), ('wake', 'Wake'), ('direct', 'Direct'), ('edit', 'Edit'), ('update', 'Update')], max_length=10),
        ),
        migrations.CreateModel(
            name='SentUpdate',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('thread_id', models.CharField(max_length=200)),
                ('token', models.CharField(max_length=210)),
                ('name', models.CharField(max_length=100)),
                ('args', models.TextField()),
                ('status', models.CharField(choices=[('waiting', 'waits'), ('done', 'done'), ('refused', 'refused'), ('failed', 'failed'), ('withdrawn', 'taken back')], db_default='waiting', max_length=10)),
                ('answer', models.TextField(blank=True, db_default='', default='')),
                ('by', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('sent_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('sent_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['thread_id', 'id'], name='update_mailbox'), models.Index(fields=['sent_at'], name='update_sent')],
                'constraints': [models.UniqueConstraint(fields=('thread_id', 'token'), name='one_update_per_token')],
            },
        ),
    ]
