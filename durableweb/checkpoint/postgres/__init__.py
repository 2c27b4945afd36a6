"""Savers on PostgreSQL: see `checkpoint.django`."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "durableweb.checkpoint.django.DjangoSaver keeps threads in Django's "
    "database, PostgreSQL or SQLite; a registered graph is given it by itself, "
    "so compile without a checkpointer",
    "PostgresSaver",
    "ShallowPostgresSaver",
)
