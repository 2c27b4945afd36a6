"""A decision whose question was asked again on a fork of its thread."""

from django.conf import settings
from django.db import models


class Reopening(models.Model):
    """Joins a decision to the fork on which its question is asked again.

    `checkpoint` is where the fork begins, `run` goes on from there. `last_question` is the
    greatest number that a question of the thread had before: the one that is asked again
    has a greater one, and stands at the same place of the workflow.
    """

    id = models.BigAutoField(primary_key=True)
    decision = models.ForeignKey(
        "workflows.Decision", on_delete=models.CASCADE, related_name="reopenings"
    )
    run = models.ForeignKey(
        "workflows.Run",
        null=True,
        on_delete=models.SET_NULL,
        related_name="reopenings",
    )
    checkpoint = models.CharField(max_length=36)
    last_question = models.BigIntegerField()
    reason = models.TextField(blank=True, default="")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    person_name = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"reopening of {self.decision_id}"
