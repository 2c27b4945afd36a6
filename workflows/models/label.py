"""Names of checkpoints: set by people and by workflows, and kept as long as the checkpoint."""

from django.db import models
from django.db.models.functions import Now


class CheckpointLabel(models.Model):
    """One label of one checkpoint. `by` is the name of whoever set it, "" for a program.

    No step reads or writes this table. What removes a checkpoint removes its labels
    (`storage/labels.py`), so that none names what is not there.
    """

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(
        "workflows.Thread",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="labels",
    )
    namespace = models.CharField(max_length=600, blank=True, default="")
    checkpoint = models.CharField(max_length=36)
    text = models.CharField(max_length=100)
    by = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "workflows_label"
        constraints = [
            models.UniqueConstraint(
                fields=["thread", "checkpoint", "text", "namespace"],
                name="label_once_a_checkpoint",
            )
        ]

    def __str__(self) -> str:
        return f"{self.text}: {self.checkpoint}"
