"""What people say to each other about a question."""

from django.conf import settings
from django.db import models


class Comment(models.Model):
    """One remark on a question; `mentioned` are those whom it names with @."""

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="comments"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    person_name = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField()
    mentioned = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.person_name}: {self.text[:40]}"
