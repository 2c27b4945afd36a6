"""What threads share: the items of the store."""

from django.db import models


class Item(models.Model):
    """A value in a namespace, under a key (R11.1).

    `id` keeps the order of insertion. `namespace` is the labels joined by periods, which no
    label contains. `value` is tagged JSON text of a dict with its `digest`. `vectors` are what
    it is found by in a search by meaning (R11.8), NULL for none. `ttl_minutes` says by how much a
    reading that refreshes moves `expires_at`; both are NULL for ever.
    """

    id = models.BigAutoField(primary_key=True)
    namespace = models.CharField(max_length=300)
    key = models.CharField(max_length=300, blank=True)
    value = models.TextField()
    digest = models.CharField(max_length=32)
    vectors = models.TextField(null=True)
    ttl_minutes = models.FloatField(null=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "key"], name="one_item_per_place"
            )
        ]
        indexes = [
            # On PostgreSQL a prefix is found through an index of this class alone.
            models.Index(
                fields=["namespace"],
                name="item_below",
                opclasses=["varchar_pattern_ops"],
            ),
            models.Index(
                fields=["expires_at"],
                name="item_expiry",
                condition=models.Q(expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.namespace}: {self.key}"
