"""An address by which one named person may decide one question, once."""

from django.conf import settings
from django.db import models


class ApprovalLink(models.Model):
    """Bound to a person, a question, and the version and round that it was made for.

    `digest` is the SHA-256 (hex) of a random part of the token; the token itself is kept
    nowhere. Of several uses at once one wins: `used_at` is set by a conditional update.
    """

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=64)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="links"
    )
    version = models.IntegerField()
    round = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_kind = models.CharField(max_length=10, blank=True, default="")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_because = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["expires_at"],
                name="approval_link_open",
                condition=models.Q(used_at__isnull=True, revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"link of {self.person_id} to #{self.interrupt_id}"
