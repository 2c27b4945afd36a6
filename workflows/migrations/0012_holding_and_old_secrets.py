"""How long claims of one person last, and the secret that a webhook had before its present one.

A bulk order may also send questions back, and close them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0011_values_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='preference',
            name='claim_seconds',
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='webhook',
            name='old_secret',
            field=models.CharField(blank=True, db_default='', default='', max_length=400),
        ),
        migrations.AddField(
            model_name='webhook',
            name='old_secret_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='bulkorder',
            name='kind',
            field=models.CharField(choices=[('approve', 'Approve'), ('reject', 'Reject'), ('respond', 'Respond'), ('changes', 'Changes'), ('close', 'Close')], max_length=10),
        ),
    ]
