"""A run: one piece of work on a thread, with its claim, lease and fencing number."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Run(models.Model):
    """One start, answer or continuation of a thread, or the waking of what sleeps there.

    The row is the truth about who may write: `fence` grows with every claim, and a durable
    write names the number it was claimed with. A run stays `pending` until `due_at`.
    `payload` is the tagged JSON text of what the engine is given (input, or a Command).

    A pending run that no worker has begun is given up at `start_by`; a running one is asked to end at `deadline`, which
    its first claim sets `run_timeout` seconds ahead. `cancel_mode` says how a run that
    `cancel_requested_at` names is to end; "undo" says that the run was cancelled and undoes
    what its thread has done, before it ends as that. `heartbeat` is JSON text, what its tasks said last.

    In the line of `queue` and `partition` ("" in none) it stands by `priority`, then by `queued_at`: that of
    the start, also in the runs that go on with it. `admitted_at` is when it was let in first, which is what a
    rate counts (RB.9). Of the starts with one `dedup_key` at most one has not ended; what the row says of a paused one
    is settled by who starts the next (services/duplicates.py).
    """

    class CancelMode(models.TextChoices):
        STEP = "step"
        NOW = "now"
        ROLLBACK = "rollback"
        UNDO = "undo"

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        SUCCESS = "success"
        ERROR = "error"
        INTERRUPTED = "interrupted"
        WAITING = "waiting"
        TIMEOUT = "timeout"
        CANCELLED = "cancelled"

    class Kind(models.TextChoices):
        START = "start"
        RESUME = "resume"
        CONTINUE = "continue"
        WAKE = "wake"
        DIRECT = "direct"
        EDIT = "edit"
        UPDATE = "update"

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(
        "workflows.Thread", on_delete=models.CASCADE, related_name="runs"
    )
    graph = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.PENDING
    )
    reason = models.CharField(max_length=40, blank=True, default="")
    payload = models.TextField(blank=True, default="")
    priority = models.IntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    fence = models.BigIntegerField(default=0)
    owner = models.CharField(max_length=200, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    recoveries = models.IntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # With defaults of the database: what inserts rows by hand, or is older, knows them not.
    cancel_mode = models.CharField(
        max_length=8, choices=CancelMode.choices, blank=True, default="", db_default=""
    )
    cancel_reason = models.TextField(blank=True, default="", db_default="")
    start_by = models.DateTimeField(null=True, blank=True)
    run_timeout = models.FloatField(null=True, blank=True)
    deadline = models.DateTimeField(null=True, blank=True)
    heartbeat = models.TextField(blank=True, default="", db_default="")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    queue = models.CharField(max_length=100, blank=True, default="", db_default="")
    partition = models.CharField(max_length=200, blank=True, default="", db_default="")
    queued_at = models.DateTimeField(null=True, blank=True)
    admitted_at = models.DateTimeField(null=True, blank=True)
    dedup_key = models.CharField(max_length=200, null=True, blank=True)
    error = models.TextField(blank=True, default="")
    error_node = models.CharField(max_length=200, blank=True, default="")
    error_attempt = models.IntegerField(null=True, blank=True)
    traceback = models.TextField(blank=True, default="")
    warnings = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thread"],
                condition=models.Q(status="running"),
                name="one_running_run_per_thread",
            ),
            models.UniqueConstraint(
                fields=["graph", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="one_run_per_idempotency_key",
            ),
            models.UniqueConstraint(
                fields=["graph", "dedup_key"],
                condition=models.Q(
                    dedup_key__isnull=False,
                    status__in=["pending", "running", "waiting", "interrupted"],
                ),
                name="one_live_run_per_dedup_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "due_at", "id"],
                name="run_due",
                condition=models.Q(status="pending"),
            ),
            models.Index(
                fields=["lease_until"],
                name="run_leases",
                condition=models.Q(status="running"),
            ),
            models.Index(fields=["status", "-id"], name="run_by_status"),
            # By another column than those it has: SQLite would search a range of `queue > ''`, not one queue.
            models.Index(
                fields=["queue", "partition", "priority", "queued_at", "id"],
                name="run_line",
                condition=models.Q(status="pending", queued_at__isnull=False),
            ),
            models.Index(
                fields=["queue", "partition"],
                name="run_let_in",
                condition=models.Q(status="running", queued_at__isnull=False),
            ),
            models.Index(
                fields=["queue", "partition", "admitted_at"],
                name="run_begun",
                condition=models.Q(admitted_at__isnull=False),
            ),
            models.Index(
                fields=["created_by"],
                name="run_by_starter",
                condition=models.Q(created_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.kind}, {self.status})"


BESIDE = (Run.Kind.EDIT, Run.Kind.UPDATE)
"""Kinds of runs that change the state of a thread and carry on none of its work."""
