"""Attributes of threads, by which their owners find them."""

from django.db import models


class ThreadAttribute(models.Model):
    """One value of a thread under a name; of a list, one item (`position` counts from 0).

    `kind` says which type it was given as. Numbers stand in `number`, all else in `text`: an instant as ISO text
    in UTC with microseconds, so texts sort as instants do, a bool as "true" or "false", an empty list as
    one row without text. `key` is how a text begins, for the index: PostgreSQL takes no entry as
    long as a text may be. Texts are compared letter by letter, on PostgreSQL by collation "C".
    """

    class Kind(models.TextChoices):
        TEXT = "text"
        INT = "int"
        FLOAT = "float"
        BOOL = "bool"
        INSTANT = "instant"
        LIST = "list"

    KEY_LENGTH = 200

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(
        "workflows.Thread",
        on_delete=models.CASCADE,
        related_name="attributes",
        db_index=False,
    )
    name = models.CharField(max_length=60)
    position = models.SmallIntegerField(default=0)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.TextField(null=True, blank=True)
    key = models.CharField(max_length=KEY_LENGTH, null=True, blank=True)
    number = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["thread", "name", "position"], name="one_attribute_per_name"
            )
        ]
        indexes = [
            models.Index(fields=["name", "kind", "key"], name="attribute_text"),
            models.Index(
                fields=["name", "number"],
                name="attribute_number",
                condition=models.Q(number__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.text if self.number is None else self.number}"
