"""`manage.py forget_expired`: give back the room of what is not read any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from workflows.services.forget_expired import forget_expired


class Command(BaseCommand):
    """Removes expired items of the store and entries of the cache; run it once a day."""

    help = "Remove items of the store and entries of the cache whose time is over."

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove them once."""
        items, entries = forget_expired()
        self.stdout.write(f"{items} items and {entries} cache entries removed")
