"""What a reviewer has typed and not sent."""

from django.conf import settings
from django.db import models


class Draft(models.Model):
    """One person's unsent answer to one question.

    `data` is JSON text: the posted fields as names and lists of texts, so that a form shows
    them again exactly. `round` and `version` are those of the question it was typed for.
    """

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="drafts"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    round = models.IntegerField(default=1)
    version = models.IntegerField(default=1)
    data = models.TextField(default="{}")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["interrupt", "person"], name="one_draft_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"draft on #{self.interrupt_id}"
