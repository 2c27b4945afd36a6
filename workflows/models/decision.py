"""What a person decided; written once, never changed."""

from django.conf import settings
from django.db import models


class Decision(models.Model):
    """One answer to one round of one interrupt. `answer` and `edits` are tagged JSON text.

    Until `start_at` its run waits and the decision can be taken back (`Undo`). `sent` is a
    digest of what a program has sent with the `idempotency_key`; "" where none did.
    """

    class Kind(models.TextChoices):
        APPROVE = "approve"
        EDIT = "edit"
        REJECT = "reject"
        RESPOND = "respond"
        CHANGES = "changes"
        CLOSE = "close"
        TIMEOUT = "timeout"

    class Channel(models.TextChoices):
        WEB = "web"
        BULK = "bulk"
        COMMAND = "command"
        TIMEOUT = "timeout"
        LINK = "link"
        API = "api"

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="decisions"
    )
    round = models.IntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    person_name = models.CharField(max_length=200, blank=True, default="")
    channel = models.CharField(
        max_length=8,
        choices=Channel.choices,
        default=Channel.WEB,
        db_default=Channel.WEB,
    )
    start_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    answer = models.TextField()
    original = models.TextField(blank=True, default="")
    edits = models.TextField(blank=True, default="")
    checkpoint = models.CharField(max_length=36, blank=True, default="")
    run = models.ForeignKey(
        "workflows.Run", null=True, on_delete=models.SET_NULL, related_name="decisions"
    )
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    sent = models.CharField(max_length=32, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["interrupt", "round"], name="one_decision_per_round"
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="one_decision_per_idempotency_key",
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="decision_recent")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.person_name}"
