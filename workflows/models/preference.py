"""How one person wants the product to behave."""

from django.conf import settings
from django.db import models


class Preference(models.Model):
    """One row a person; whoever has none gets the defaults.

    `keys` is JSON text, command -> key, for those that were changed.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    single_keys = models.BooleanField(default=True)
    keys = models.TextField(default="{}")
    undo_seconds = models.IntegerField(null=True, blank=True)
    mail = models.BooleanField(default=True)
    browser_notices = models.BooleanField(default=False)
    auto_advance = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"preferences of {self.person_id}"
