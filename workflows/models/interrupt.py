"""A question to a person: the item of the review queue."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def of_pending(name: str, *fields: str, **more: bool) -> models.Index:
    """An index over the questions that wait, in a fixed order; closed ones are not in it."""
    condition = models.Q(status="pending", **more)
    return models.Index(fields=[*fields, "id"], name=name, condition=condition)


def of_set(name: str, field: str) -> models.Index:
    """An index over a key that few rows have: for the day when what it points at is removed."""
    condition = models.Q(**{f"{field}__isnull": False})
    return models.Index(fields=[field], name=name, condition=condition)


class Interrupt(models.Model):
    """One question, kept as one row however often it is asked again at the same place.

    `id` is the number that people see, `interrupt_id` the engine's (32 hex digits), `round`
    counts how often it was asked, `version` every change of the row. `value` and
    `response_schema` are JSON text. `policy` is JSON text too: what the workflow's code asked
    for beside the question. `due_order` is `due_at`, or the end of time, so that one index
    serves the order by due time. `arranged_round` is the round for which the rules were applied.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        DECIDED = "decided"
        RESOLVED = "resolved"
        SUPERSEDED = "superseded"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(  # its unique constraint begins with it
        "workflows.Thread",
        on_delete=models.CASCADE,
        related_name="interrupts",
        db_index=False,
    )
    run = models.ForeignKey(
        "workflows.Run", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    graph = models.CharField(max_length=200, blank=True, default="")
    namespace = models.CharField(max_length=600, blank=True, default="")
    checkpoint = models.CharField(max_length=36)
    interrupt_id = models.CharField(max_length=32)
    task = models.CharField(max_length=36)
    task_path = models.CharField(max_length=600, blank=True, default="")
    node = models.CharField(max_length=200)
    ordinal = models.IntegerField(default=0)
    key = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.PENDING
    )
    version = models.IntegerField(default=1)
    round = models.IntegerField(default=1)
    title = models.CharField(max_length=300, blank=True, default="")
    value = models.TextField()
    response_schema = models.TextField(blank=True, default="")
    digest = models.CharField(max_length=32, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    priority = models.IntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    assigned_group = models.ForeignKey(
        "auth.Group",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    due_order = models.DateTimeField(db_default=Value(END_OF_TIME))
    policy = models.TextField(blank=True, default="", db_default="")
    next_step_at = models.DateTimeField(null=True, blank=True)
    arranged_round = models.IntegerField(default=0, db_default=0)
    asked_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thread", "interrupt_id"], name="one_item_per_interrupt"
            )
        ]
        indexes = [
            of_pending("interrupt_queue", "asked_at"),
            of_pending("interrupt_queue_graph", "graph", "asked_at"),
            of_pending("interrupt_queue_due", "due_order", "asked_at"),
            of_pending("interrupt_queue_priority", "-priority", "asked_at"),
            of_pending("interrupt_queue_assignee", "assignee", "asked_at"),
            of_pending("interrupt_queue_group", "assigned_group", "asked_at"),
            # Few questions have these, so the indexes are small and cost others nothing.
            of_pending(
                "interrupt_next_step", "next_step_at", next_step_at__isnull=False
            ),
            of_pending(
                "interrupt_claimed", "claimed_until", claimed_until__isnull=False
            ),
            of_pending(
                "interrupt_put_off", "snoozed_until", snoozed_until__isnull=False
            ),
            of_set("interrupt_assignee", "assignee"),
            of_set("interrupt_group", "assigned_group"),
            of_set("interrupt_claimant", "claimed_by"),
            # Asked whenever a run ends, of threads with a thousand answered questions, too.
            models.Index(
                fields=["thread"],
                name="interrupt_open_of_thread",
                condition=models.Q(status__in=("pending", "decided")),
            ),
            models.Index(
                fields=["status", "asked_at", "id"], name="interrupt_by_status"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"
