"""The store on Django's database."""

from workflows.storage.store import DjangoStore

__all__ = ["DjangoStore"]
