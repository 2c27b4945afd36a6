"""An address elsewhere that is called when something happens here."""

from django.conf import settings
from django.db import models


class Webhook(models.Model):
    """One endpoint. `events` and `graphs` are JSON lists of names; no graphs means all.

    `secret` signs the calls (`whsec_` and base64); where values are encrypted, so is it.
    Until `old_secret_until` calls are signed with `old_secret` too.
    `version` counts the changes by people. `failures` are those in a row, and until
    `paused_until` nothing is sent there, so that one dead endpoint holds up nobody else.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    secret = models.CharField(max_length=400, blank=True, default="")
    old_secret = models.CharField(max_length=400, blank=True, default="", db_default="")
    old_secret_until = models.DateTimeField(null=True, blank=True)
    events = models.TextField(default="[]")
    graphs = models.TextField(default="[]")
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    failures = models.IntegerField(default=0)
    paused_until = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    last_status = models.IntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
