"""`manage.py recover`: one sweep by hand for runs that nobody works on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from workflows.services.recover_runs import recover_runs


class Command(BaseCommand):
    """Does what every worker does by itself each second or two."""

    help = "Release the claims of dead workers and wake the living for overdue runs."

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep once."""
        self.stdout.write(f"{recover_runs()} runs woken")
