"""`manage.py fork_failed`: begin a new thread for each that has failed, or only tell which (RB.14)."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.services.fork_failed import PLACES, failed_to_fork, fork_failed
from workflows.services.fork_thread import Forked
from workflows.services.where import WhereError


class Command(BaseCommand):
    """Run with the code that mends what they failed of."""

    help = (
        "Begin a new thread for each that has failed and has no fork from there yet; what had worked "
        "stands. The failed ones stay as they are; --dry-run only tells what would be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which threads, and from where they go on."""
        parser.add_argument(
            "--where",
            default="",
            help="which, by attributes and fields: \"customer = 'c7'\"; without it, all",
        )
        parser.add_argument(
            "--at",
            choices=PLACES,
            default="failed_node",
            help="failed_step: the nodes and tasks that worked in the step run anew, too",
        )
        parser.add_argument(
            "--limit", type=int, default=100, help="so many forks at most (100)"
        )
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fork thread by thread, and say what became of each."""
        if options["limit"] < 1:
            raise CommandError("limit: give a number above 0")
        try:
            if options["dry_run"]:
                self._tell(options["where"], options["limit"])
            else:
                self._fork(options["where"], options["at"], options["limit"])
        except WhereError as error:
            raise CommandError(f"where: {error}") from error

    def _fork(self, where: str, at: Any, limit: int) -> None:
        made, left = 0, 0
        for thread_id, outcome in fork_failed(where, at=at, limit=limit):
            if isinstance(outcome, Forked):
                made += 1
                self.stdout.write(f"{thread_id}: forked as {outcome.thread_id}")
            else:
                left += 1
                self.stdout.write(f"{thread_id}: left alone, {outcome}")
        self.stdout.write(f"forked {made} threads, left {left} alone")

    def _tell(self, where: str, limit: int) -> None:
        found = list(failed_to_fork(where))
        for thread_id, refusal in found:
            if refusal:
                self.stdout.write(f"{thread_id}: would be left alone, {refusal}")
        forkable = [thread_id for thread_id, refusal in found if not refusal]
        for thread_id in islice(forkable, limit):
            self.stdout.write(f"{thread_id}: would be forked")
        left = len(found) - len(forkable)
        self.stdout.write(
            f"would fork {min(limit, len(forkable))} threads, leave {left} alone"
        )
