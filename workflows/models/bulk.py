"""One decision on many questions, with a result for each."""

from django.conf import settings
from django.db import models


class BulkJob(models.Model):
    """What is to be done to its items; a durable workflow works through them.

    `answer` is tagged JSON text, `query` the queue's query string it was chosen by.
    """

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    person_name = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=10)
    answer = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="")
    query = models.CharField(max_length=2000, blank=True, default="")
    status = models.CharField(
        max_length=8, choices=Status.choices, default=Status.RUNNING
    )
    thread = models.ForeignKey(
        "workflows.Thread", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} by {self.person_name}"


class BulkItem(models.Model):
    """One question of a job, in the version and round that was chosen."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"
        UNDONE = "undone"

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="items")
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="+"
    )
    version = models.IntegerField()
    round = models.IntegerField()
    status = models.CharField(
        max_length=8, choices=Status.choices, default=Status.WAITING
    )
    text = models.CharField(max_length=300, blank=True, default="")
    decision = models.ForeignKey(
        "workflows.Decision", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "interrupt"], name="one_item_per_question"
            )
        ]
        indexes = [
            models.Index(
                fields=["job", "id"],
                name="bulk_waiting",
                condition=models.Q(status="waiting"),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.interrupt_id}: {self.status}"
