"""The record of who did what: only ever added to, each entry sealed with the one before."""

from django.db import models


class AuditEntry(models.Model):
    """One act of a person or of the system.

    `seal` is the SHA-256 (hex) over `previous` and the entry's own fields, as
    `workflows/services/desk/audit.py` computes it; `verify_audit` computes it again. The
    database refuses updates and deletes by triggers. There are no foreign keys: an entry
    outlives what it tells of.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    person = models.CharField(max_length=64, blank=True, default="")
    person_name = models.CharField(max_length=200, blank=True, default="")
    channel = models.CharField(max_length=12, blank=True, default="web")
    action = models.CharField(max_length=40)
    graph = models.CharField(max_length=200, blank=True, default="")
    thread = models.CharField(max_length=200, blank=True, default="")
    subject = models.CharField(max_length=60, blank=True, default="")
    data = models.TextField(default="{}")
    previous = models.CharField(max_length=64, blank=True, default="")
    seal = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["previous"], name="one_entry_follows")
        ]
        indexes = [
            models.Index(fields=["thread", "id"], name="audit_thread"),
            models.Index(fields=["person", "-id"], name="audit_person"),
            models.Index(fields=["action", "-id"], name="audit_action"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} by {self.person_name}"
