"""Filters of the queue that somebody gave a name."""

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """A query string of the queue; a shared one is offered to everyone."""

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True, default="")
    is_shared = models.BooleanField(default=False)
    position = models.IntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "name"], name="one_view_per_name")
        ]
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name
