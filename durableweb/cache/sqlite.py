"""Caches on SQLite: see `cache.django`."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "durableweb.cache.django.DjangoCache keeps results in Django's database; "
    "a registered graph is given it by itself",
    "SqliteCache",
)
