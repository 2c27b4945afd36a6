"""Who may decide what, by when and what happens otherwise: versions of a policy."""

from django.conf import settings
from django.db import models


class Policy(models.Model):
    """One version of the rules for a workflow's questions, or for those of one node.

    `node` empty means every node of `graph`; `graph` empty means every workflow. Rows are
    written once: a change is a new row with the next `version`, and the greatest active one
    holds. `body` is JSON text in the form that `workflows/services/desk/policy.py` reads.
    """

    id = models.BigAutoField(primary_key=True)
    graph = models.CharField(max_length=200, blank=True, default="")
    node = models.CharField(max_length=200, blank=True, default="")
    version = models.IntegerField(default=1)
    body = models.TextField(default="{}")
    is_active = models.BooleanField(default=True)
    reason = models.TextField(blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["graph", "node", "version"], name="one_policy_per_version"
            )
        ]
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return f"{self.graph or '*'}/{self.node or '*'} v{self.version}"
