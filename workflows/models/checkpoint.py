"""What the engine saved: checkpoints, the values of their channels, the writes of tasks.

Only `storage/saver.py` reads or writes these rows. They are appended, never changed. The
thread column carries no database constraint here: the run's fencing number guards every
write, and the check of a foreign key on each row would cost a look-up a row.
"""

from django.db import models
from django.db.models.functions import Now


class Checkpoint(models.Model):
    """The state after one superstep.

    `id` sorts by time of creation. `channels` maps each channel to [version, id of the
    checkpoint that wrote its present value, id of the snapshot where that row is a delta, the
    value itself where it is short] (see `ChannelValue` and `storage/channels.py`); `rest` holds what else LangGraph's checkpoint carries. `due`,
    `channels`, `metadata` and `rest` are JSON text, `digest` covers them all.
    """

    pk = models.CompositePrimaryKey("thread_id", "namespace", "id")
    thread = models.ForeignKey(
        "workflows.Thread",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="checkpoints",
    )
    namespace = models.CharField(max_length=600, blank=True, default="")
    id = models.CharField(max_length=36)
    parent = models.CharField(max_length=36, blank=True, default="")
    step = models.IntegerField()
    source = models.CharField(max_length=10)
    run = models.ForeignKey(
        "workflows.Run",
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="checkpoints",
        db_index=False,
    )
    format = models.SmallIntegerField(default=1)
    channels = models.TextField()
    due = models.TextField()
    metadata = models.TextField()
    rest = models.TextField()
    digest = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.thread_id} {self.namespace} step {self.step}"


class ChannelValue(models.Model):
    """One value of one channel, full or as what was appended since `base`.

    The row is found by (thread, namespace, channel, checkpoint id that wrote it). A delta
    names in `base` the row right before it; the map that leads to it names the last full one.
    """

    class Kind(models.TextChoices):
        FULL = "full"
        DELTA = "delta"

    pk = models.CompositePrimaryKey("thread_id", "namespace", "channel", "checkpoint")
    thread = models.ForeignKey(
        "workflows.Thread",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    namespace = models.CharField(max_length=600, blank=True, default="")
    channel = models.CharField(max_length=300)
    checkpoint = models.CharField(max_length=36)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    base = models.CharField(max_length=36, blank=True, default="")
    digest = models.CharField(max_length=32, blank=True, default="")
    payload = models.TextField()

    def __str__(self) -> str:
        return f"{self.channel} at {self.checkpoint}"


class PendingWrite(models.Model):
    """What one task of the step after `checkpoint` has produced.

    `slot` tells apart the task's channel writes ("writes") from its "interrupt", "resume",
    "error", "return" and "runs"; `payload` is a tagged JSON list of [channel, value] pairs. A
    pair without a value says that it stands in the channel's row by checkpoint `values_at`.
    """

    pk = models.CompositePrimaryKey(
        "thread_id", "namespace", "checkpoint", "task", "slot"
    )
    thread = models.ForeignKey(
        "workflows.Thread",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    namespace = models.CharField(max_length=600, blank=True, default="")
    checkpoint = models.CharField(max_length=36)
    task = models.CharField(max_length=36)
    slot = models.CharField(max_length=10)
    path = models.CharField(max_length=600, blank=True, default="")
    digest = models.CharField(max_length=32, blank=True, default="")
    payload = models.TextField()
    values_at = models.CharField(max_length=36, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.slot} of {self.task}"
