"""Stores on PostgreSQL: see `store.django`."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "durableweb.store.django.DjangoStore keeps items in Django's database, "
    "PostgreSQL or SQLite; a registered graph is given it by itself",
    "AsyncPostgresStore",
    "PostgresStore",
)
