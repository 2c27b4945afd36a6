"""A link by which one named person may open one question, once."""

from django.conf import settings
from django.db import models


class ReviewLink(models.Model):
    """`token` is the SHA-256 (hex) of the secret in the address, which is kept nowhere.

    It counts for one round of the question, until `expires_at`, and for one decision.
    """

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="links"
    )
    round = models.IntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    token = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"link to #{self.interrupt_id}"
