"""What was appended to a list names its snapshot no more: the map that leads to it does."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("workflows", "0015_reopening")]

    operations = [migrations.RemoveField("channelvalue", "snapshot")]
