"""What one of several people decided, where a question needs more than one."""

from django.conf import settings
from django.db import models


class Vote(models.Model):
    """One person's decision on one round of a question that has a quorum.

    The vote that completes the quorum makes the `Decision`. `answer` is tagged JSON text;
    `digest` tells equal answers from different ones.
    """

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="votes"
    )
    round = models.IntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    person_name = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=10)
    answer = models.TextField()
    digest = models.CharField(max_length=32, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["interrupt", "round", "person"], name="one_vote_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.person_name}"
