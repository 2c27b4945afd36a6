"""Updates that were sent to threads, and what became of them (RB.16)."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class SentUpdate(models.Model):
    """One update of a living thread, which is named, not pointed to.

    `token` is its own, made by whoever sends it, or of a key, so that one who sends again sends once. `args` and `answer` are
    JSON, `by` is the name of whoever sent it, `sent_by` the person, if one did. It waits until a run, or its sender, carries it out: that is saved with what it did, in one transaction.
    After `until` nobody carries it out any more.
    """

    class Status(models.TextChoices):
        """What has become of it."""

        WAITING = "waiting", "waits"
        DONE = "done", "done"
        REFUSED = "refused", "refused"
        FAILED = "failed", "failed"
        WITHDRAWN = "withdrawn", "taken back"

    id = models.BigAutoField(primary_key=True)
    thread_id = models.CharField(max_length=200)
    token = models.CharField(max_length=210)
    name = models.CharField(max_length=100)
    args = models.TextField()
    status = models.CharField(
        max_length=10, choices=Status.choices, db_default=Status.WAITING
    )
    answer = models.TextField(blank=True, default="", db_default="")
    by = models.CharField(max_length=200, blank=True, default="", db_default="")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    sent_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thread_id", "token"], name="one_update_per_token"
            )
        ]
        indexes = [
            models.Index(
                fields=["thread_id", "id"],
                name="update_mailbox",
                condition=models.Q(status="waiting"),
            ),
            models.Index(fields=["sent_at"], name="update_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.name} to {self.thread_id}"
