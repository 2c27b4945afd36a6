"""Schedules, and what became of their instants (RB.10)."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Schedule(models.Model):
    """Where a schedule of the code stands: its next instant, and whether somebody has paused it.

    `graph`, `cron` and `tz` are those by which `next_at` was found: the code may say others by now, or none. A run is
    started at `due_at`, which is `next_at` and its part of the jitter.
    """

    name = models.CharField(primary_key=True, max_length=150)
    graph = models.CharField(max_length=200)
    cron = models.CharField(max_length=200)
    tz = models.CharField(max_length=100)
    next_at = models.DateTimeField()
    due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Tick(models.Model):
    """An instant of a schedule that has come, or that somebody has asked for, and what became of it.

    A missed one stands for `count` that were passed over, of which it is the first. `text` says why one was refused or
    skipped. Thread and run are named and not held: who deletes a thread need not know of ticks. `person` has asked for it; nobody has where it came by the clock. `key` is that of a form by which somebody
    has started it beside the clock, so that a form that is sent twice starts one.
    """

    class Status(models.TextChoices):
        STARTED = "started"
        QUEUED = "queued"
        SKIPPED = "skipped"
        MISSED = "missed"
        REFUSED = "refused"

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="ticks", db_index=False
    )
    at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices)
    count = models.IntegerField(default=1)
    text = models.TextField(blank=True, default="")
    thread_id = models.CharField(max_length=200, blank=True, default="")
    run_id = models.BigIntegerField(null=True, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    key = models.CharField(max_length=200, null=True, blank=True)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "at"],
                condition=models.Q(status__in=["started", "queued"]),
                name="one_start_per_instant",
            ),
            models.UniqueConstraint(
                fields=["schedule", "key"], name="one_start_per_form"
            ),
        ]
        indexes = [
            models.Index(fields=["schedule", "-id"], name="tick_newest"),
            models.Index(fields=["made_at"], name="tick_made"),
            models.Index(
                fields=["schedule", "id"],
                name="tick_queued",
                condition=models.Q(status="queued"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.at} ({self.status})"
