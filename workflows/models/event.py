"""What happened on a thread, in order; the source of everything that is shown live."""

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """One thing that happened, numbered without gaps per thread by `seq`."""

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(
        "workflows.Thread",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="events",
    )
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    run = models.ForeignKey(
        "workflows.Run",
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    data = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thread", "seq"], name="event_seq_is_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.thread_id} {self.seq} {self.kind}"
