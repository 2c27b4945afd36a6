"""The processes that carry out runs, as they tell of themselves."""

from django.db import models
from django.db.models.functions import Now


class Worker(models.Model):
    """One process that takes runs: how many at once, and the code of each workflow that it has.

    `name` is the owner of its leases: host, process and when that was started. It tells of itself
    every few seconds (`seen_at`) and takes its row away as it ends; a row that is left behind
    is of one that was killed.
    """

    name = models.CharField(max_length=200, primary_key=True)
    hands = models.PositiveIntegerField()
    version = models.CharField(max_length=50, blank=True, default="")
    code = models.JSONField(default=dict)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
