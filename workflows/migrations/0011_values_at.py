"""Where the values of a task's writes stand, when its step's checkpoint holds the same text."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0010_outbound'),
    ]

    operations = [
        migrations.AddField(
            model_name='pendingwrite',
            name='values_at',
            field=models.CharField(blank=True, db_default='', default='', max_length=36),
        ),
    ]
