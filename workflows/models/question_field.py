"""Fields of a question's payload and of its thread's state, for the queue's filters."""

from django.db import models


class QuestionField(models.Model):
    """One scalar value under a dotted name, as text and, where it is a number, as a number.

    `source` is "payload" or "state". Secret channels are never here.
    """

    id = models.BigAutoField(primary_key=True)
    interrupt = models.ForeignKey(
        "workflows.Interrupt", on_delete=models.CASCADE, related_name="fields"
    )
    source = models.CharField(max_length=8)
    name = models.CharField(max_length=200)
    text = models.CharField(max_length=300, blank=True, default="")
    number = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["interrupt", "source", "name"], name="one_field_per_name"
            )
        ]
        indexes = [
            models.Index(
                fields=["source", "name", "text", "interrupt"], name="field_text"
            ),
            models.Index(
                fields=["source", "name", "number", "interrupt"],
                name="field_number",
                condition=models.Q(number__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.text}"
