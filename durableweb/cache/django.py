"""The cache on Django's database."""

from workflows.storage.cache import DjangoCache

__all__ = ["DjangoCache"]
