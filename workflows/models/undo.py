"""A decision that was taken back before the engine had picked it up."""

from django.conf import settings
from django.db import models


class Undo(models.Model):
    """Takes one decision back; the question is then open again, in its next round."""

    id = models.BigAutoField(primary_key=True)
    decision = models.OneToOneField(
        "workflows.Decision", on_delete=models.CASCADE, related_name="undo"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    person_name = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"undo of {self.decision_id}"
