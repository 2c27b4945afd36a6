"""How one person wants the product to behave."""

from django.conf import settings
from django.db import models
from django.db.models import Value


class Preference(models.Model):
    """One row a person; whoever has none gets the defaults.

    `undo_seconds` lengthens the time in which decisions can be taken back, and never shortens it;
    `claim_seconds` does the same for the claims of this person.
    `keys` holds the single keys that differ from the first ones (services.desk.keys);
    `keys_off` switches all of them off.
    `mail_kinds` is a JSON list of the kinds of notices that come by mail, None for the usual
    ones; with `mail_links` a mail brings a link by which the question is decided.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    undo_seconds = models.IntegerField(null=True, blank=True)
    claim_seconds = models.IntegerField(null=True, blank=True)
    keys = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    keys_off = models.BooleanField(default=False, db_default=False)
    mail_kinds = models.CharField(max_length=200, null=True, blank=True)
    mail_links = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"preferences of {self.person_id}"
