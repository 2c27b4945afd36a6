"""`manage.py work_alone`: carry out one run whose workers have died; workers start it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from workflows.worker.alone import work_alone


class Command(BaseCommand):
    """Carries out a run that may kill its process, where it takes no other along."""

    help = "Carry out one run in this process; a worker starts this for a run's last attempt."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which run, and the process that waits for it."""
        parser.add_argument("run", type=int)
        parser.add_argument("parent", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until the run has ended."""
        work_alone(options["run"], options["parent"])
