"""What is to leave the house: mails and calls of webhooks that wait, and how they went."""

import uuid

from django.conf import settings
from django.db import models


class Delivery(models.Model):
    """One mail to one person, or one call of one webhook.

    Written in the transaction of what it tells. `message_id` stays the same over all tries,
    so that the other side can tell a repetition. `body` is the JSON text of a webhook's call;
    a mail is written when it is sent, from its notice. Whoever takes a row moves `next_at`
    ahead first: if they die, it is taken again then.
    """

    class Channel(models.TextChoices):
        MAIL = "mail"
        WEBHOOK = "webhook"

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        # Tried often enough.
        DEAD = "dead"
        # There was no reason left to send it.
        DROPPED = "dropped"

    id = models.BigAutoField(primary_key=True)
    message_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    status = models.CharField(
        max_length=8, choices=Status.choices, default=Status.PENDING
    )
    kind = models.CharField(max_length=40)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    notice = models.ForeignKey(
        "workflows.Notice",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    webhook = models.ForeignKey(
        "workflows.Webhook",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="deliveries",
    )
    decision = models.ForeignKey(
        "workflows.Decision",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    body = models.TextField(blank=True, default="")
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    last_status = models.IntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    channel="mail", person__isnull=False, webhook__isnull=True
                )
                | models.Q(
                    channel="webhook", webhook__isnull=False, person__isnull=True
                ),
                name="delivery_has_one_receiver",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_at", "id"],
                name="delivery_due",
                condition=models.Q(status="pending"),
            ),
            models.Index(fields=["ended_at"], name="delivery_ended"),
        ]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.channel} {self.kind} {self.status}"
