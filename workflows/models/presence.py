"""Who has a question open just now."""

from django.conf import settings
from django.db import models


class Presence(models.Model):
    """One person with one question open; gone when `seen_at` is a minute old."""

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="presences"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    is_editing = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["interrupt", "person"], name="one_presence_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id} at #{self.interrupt_id}"
