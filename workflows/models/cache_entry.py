"""Results of nodes and tasks that are used again for equal inputs."""

from django.db import models


class CacheEntry(models.Model):
    """One kept result (R1.38).

    `place` is a digest of namespace and key. `namespace` is a JSON list of labels, `value`
    tagged JSON text with its `digest`; `expires_at` is NULL for ever.
    """

    place = models.CharField(primary_key=True, max_length=32)
    namespace = models.CharField(max_length=600)
    key = models.TextField()
    value = models.TextField()
    digest = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "cache entries"
        indexes = [
            models.Index(fields=["namespace"], name="cache_namespace"),
            models.Index(
                fields=["expires_at"],
                name="cache_expiry",
                condition=models.Q(expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.namespace} {self.key}"
