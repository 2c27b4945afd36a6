"""Savers on PostgreSQL: see `checkpoint.django`."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "durableweb.checkpoint.django.DjangoSaver keeps threads in Django's "
    "database and has the async methods too; a registered graph is given it "
    "by itself, so compile without a checkpointer",
    "AsyncPostgresSaver",
    "AsyncShallowPostgresSaver",
)
