"""Who has a question open on the screen just now."""

from django.conf import settings
from django.db import models


class Presence(models.Model):
    """One person at one question; it fades when it is not renewed.

    `edited_at` is when they last typed something there, None where they only look.
    """

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="present"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    seen_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["interrupt", "person"], name="one_presence_per_person"
            )
        ]
        indexes = [models.Index(fields=["seen_at"], name="presence_faded")]

    def __str__(self) -> str:
        return f"somebody at #{self.interrupt_id}"
