"""The demo's ledger."""

from django.db import models


class LedgerEntry(models.Model):
    """One booked invoice.

    `key` names the thread and the line that it was booked for. Being unique, it makes
    booking the same line twice impossible, whatever is run again.
    """

    key = models.CharField(max_length=300, unique=True)
    thread_id = models.CharField(max_length=255, db_index=True)
    line = models.PositiveIntegerField()
    number = models.CharField(max_length=100)
    vendor = models.CharField(max_length=100)
    date = models.DateField()
    net = models.DecimalField(max_digits=14, decimal_places=2)
    vat = models.DecimalField(max_digits=14, decimal_places=2)
    gross = models.DecimalField(max_digits=14, decimal_places=2)
    note = models.CharField(max_length=500, blank=True, default="")
    booked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "ledger entries"
        indexes = [models.Index(fields=["vendor", "number"])]

    def __str__(self) -> str:
        return f"{self.number} from {self.vendor}"
