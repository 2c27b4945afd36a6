"""A thread that a task of another has started (RB.5)."""

from django.db import models
from django.db.models.functions import Now


class Child(models.Model):
    """That `thread_id` has started `child_id`, by the call at `place`: once, however often the body runs.

    Neither names a row: a thread that is deleted is not started again, and the children of one that is gone are
    still to be seen to. It is `settled` when nothing is to be done with the child at its parent's end any more.
    """

    class AtEnd(models.TextChoices):
        CANCEL = "cancel"
        WAIT = "wait"
        LEAVE = "leave"

    id = models.BigAutoField(primary_key=True)
    thread_id = models.CharField(max_length=200)
    place = models.CharField(max_length=32)
    child_id = models.CharField(max_length=200)
    on_parent_end = models.CharField(max_length=6, choices=AtEnd.choices)
    settled = models.BooleanField(default=False, db_default=False)
    started_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thread_id", "place"], name="one_child_per_call"
            )
        ]
        indexes = [
            models.Index(fields=["child_id"], name="child_parents"),
            models.Index(
                fields=["thread_id"],
                name="child_unsettled",
                condition=models.Q(settled=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.child_id} of {self.thread_id}"
