"""Signals to threads and events told to all, and what threads wait for (RB.2, RB.3)."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Signal(models.Model):
    """One message to a thread, which need not exist yet: it names no row.

    `payload` is JSON. `taken_for` is the id of the wait that a run is to hand it to, "" before; it was `handed` over
    once the answer to that wait is saved, in one transaction with it. `key` is the sender's own,
    so that one who sends again sends once.
    """

    id = models.BigAutoField(primary_key=True)
    thread_id = models.CharField(max_length=200)
    topic = models.CharField(max_length=200)
    key = models.CharField(max_length=200, null=True, blank=True)
    payload = models.TextField()
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    sent_at = models.DateTimeField(db_default=Now())
    taken_for = models.CharField(max_length=32, blank=True, default="", db_default="")
    handed = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thread_id", "topic", "key"], name="one_signal_per_key"
            )
        ]
        indexes = [
            models.Index(
                fields=["thread_id", "topic", "id"],
                name="signal_mailbox",
                condition=models.Q(handed=False),
            ),
            models.Index(fields=["sent_at"], name="signal_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} to {self.thread_id}"


class Emitted(models.Model):
    """An event, told to all who wait for it; it never changes. `payload` is JSON (RB.3)."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    key = models.CharField(max_length=200, blank=True, default="", db_default="")
    payload = models.TextField()
    emitted_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["name", "key", "id"], name="event_by_name"),
            models.Index(fields=["emitted_at"], name="event_told"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.key}".strip()


class Awaited(models.Model):
    """What a task of the thread waits for besides an instant, as far as known: who looks sets them anew.

    `wait` is the id of the wait, `kind` "signal", "event" or "child", of which `topic` is the id of the thread whose end is
    waited for. Of an event `since`, `after` and `matching` (JSON, "" for nothing) say which ones count.
    """

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(
        "workflows.Thread",
        on_delete=models.CASCADE,
        related_name="awaited",
        db_index=False,
    )
    wait = models.CharField(max_length=32)
    kind = models.CharField(max_length=10)
    topic = models.CharField(max_length=200)
    key = models.CharField(max_length=200, blank=True, default="")
    since = models.DateTimeField(null=True, blank=True)
    after = models.BigIntegerField(default=0)
    matching = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["thread", "wait"], name="one_row_per_wait")
        ]
        indexes = [
            models.Index(fields=["kind", "topic", "key"], name="awaited_topic"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.topic}"
