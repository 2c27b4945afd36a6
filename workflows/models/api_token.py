"""What a program shows in place of a log-in."""

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """One token of one person. Its text is told once; `digest` (SHA-256, hex) finds it again.

    `start` is how the text begins, so that people tell their tokens apart. `scopes` are words
    with blanks between: what the token may do of what its owner may. `last_used_at` is noted
    once a minute at most.
    """

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    name = models.CharField(max_length=80)
    start = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return self.name
