"""The saver on Django's database."""

from workflows.storage.saver import DjangoSaver

__all__ = ["DjangoSaver"]
