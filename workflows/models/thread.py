"""A thread: one instance of a workflow, with the pointer to its newest checkpoint."""

from django.conf import settings
from django.db import models


class Thread(models.Model):
    """One history of checkpoints under one id.

    `head` is the newest checkpoint of the root namespace ("" before the first one); `seq` is
    the number of the last event, raised in the transaction that writes the event.
    `updated_at` moves with the status, not with each step: it is indexed, and a superstep
    that moved it would rewrite every index entry of the row. `pruned_at` is when retention
    looked at the thread last. `wake_at` is when the first of its tasks wakes that sleep (RB.1), as
    far as known: who looks takes it away, and sets it anew from what sleeps still.
    """

    class Status(models.TextChoices):
        IDLE = "idle"
        BUSY = "busy"
        INTERRUPTED = "interrupted"
        WAITING = "waiting"
        ERROR = "error"

    id = models.CharField(primary_key=True, max_length=200)
    graph = models.CharField(max_length=200, blank=True, default="", db_index=True)
    title = models.CharField(max_length=300, blank=True, default="")
    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.IDLE
    )
    head = models.CharField(max_length=36, blank=True, default="")
    seq = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    pruned_at = models.DateTimeField(null=True, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-updated_at"], name="thread_recent"),
            models.Index(
                fields=["status", "-updated_at", "-id"], name="thread_by_status"
            ),
            models.Index(
                fields=["wake_at"],
                name="thread_wakes",
                condition=models.Q(wake_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.id
