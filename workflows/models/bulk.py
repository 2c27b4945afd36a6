"""Many questions decided by one order: the order, and a row for each of its questions."""

from django.conf import settings
from django.db import models


class BulkOrder(models.Model):
    """What one person decided about many questions at once.

    `kind` is a kind of `Decision`; with `field`, the person changed that field of some of
    them. `response` (an answer in words) is JSON text. A bulk run carries the order out;
    `run` is the newest one, `thread` the thread of all of them. While `stopped_at` is set, no
    further question is decided.
    """

    class Kind(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"
        RESPOND = "respond"
        CHANGES = "changes"
        CLOSE = "close"

    id = models.BigAutoField(primary_key=True)
    graph = models.CharField(max_length=200)
    node = models.CharField(max_length=200, blank=True, default="")
    action = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.TextField(blank=True, default="")
    response = models.TextField(blank=True, default="")
    field = models.CharField(max_length=200, blank=True, default="")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    person_name = models.CharField(max_length=200, blank=True, default="")
    thread = models.CharField(max_length=200)
    run = models.ForeignKey(
        "workflows.Run", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.CharField(max_length=200, blank=True, default="")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="one_bulk_order_per_idempotency_key",
            )
        ]
        indexes = [models.Index(fields=["person", "-id"], name="bulk_of_person")]

    def __str__(self) -> str:
        return f"bulk {self.pk} ({self.kind}) by {self.person_name}"


class BulkItem(models.Model):
    """One question of an order, in the version and round that the person was shown.

    `edit` is tagged JSON text of the value that the order's field gets here, "" for the
    proposed one. `why` tells what stands in the way of a refused or failed one.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        VOTED = "voted"
        REFUSED = "refused"
        FAILED = "failed"
        UNDOING = "undoing"
        UNDONE = "undone"

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(BulkOrder, on_delete=models.CASCADE, related_name="items")
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="+"
    )
    version = models.IntegerField()
    round = models.IntegerField()
    edit = models.TextField(blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    why = models.TextField(blank=True, default="")
    decision = models.ForeignKey(
        "workflows.Decision", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "interrupt"], name="one_bulk_item_per_question"
            )
        ]
        indexes = [models.Index(fields=["order", "state", "id"], name="bulk_state")]

    def __str__(self) -> str:
        return f"question {self.interrupt_id} of bulk {self.order_id}: {self.state}"
