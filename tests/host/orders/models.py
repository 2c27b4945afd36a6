"""What the shop knows of an order."""

from django.db import models


class Order(models.Model):
    """An order, perhaps with a refund that somebody has to approve."""

    customer = models.CharField(max_length=100)
    amount = models.IntegerField(help_text="in cents")
    refunded = models.IntegerField(default=0, help_text="in cents")

    objects: models.Manager["Order"] = models.Manager()

    def __str__(self) -> str:
        return f"Order {self.pk} of {self.customer}"

    @property
    def refund_thread(self) -> str:
        """The thread of this order's refund."""
        return f"refund-{self.pk}"
