"""How one person wants the product to behave."""

from django.conf import settings
from django.db import models
from django.db.models import Value


class Preference(models.Model):
    """One row a person; whoever has none gets the defaults.

    `undo_seconds` lengthens the time in which decisions can be taken back, and never shortens it.
    `keys` holds the single keys that differ from the first ones (services.desk.keys);
    `keys_off` switches all of them off.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    undo_seconds = models.IntegerField(null=True, blank=True)
    keys = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    keys_off = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"preferences of {self.person_id}"
