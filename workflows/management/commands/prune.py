"""`manage.py prune`: apply retention by hand, or only tell what it would do."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import Thread
from workflows.services.retention import Retention, due_threads, prune_each


class Command(BaseCommand):
    """Does at once what workers do every hour, for all threads or for some."""

    help = (
        "Forget old checkpoints and stream events, as the settings RETENTION_... or these "
        "options say; --dry-run only tells what would go."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The threads, and the policy where it differs from the settings."""
        parser.add_argument(
            "threads", nargs="*", help="thread ids; without any, all that are due"
        )
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument("--keep", type=int, help="checkpoints that a thread keeps")
        parser.add_argument(
            "--finished-days",
            type=float,
            help="days after which a finished thread keeps its head and decisions only",
        )
        parser.add_argument(
            "--chunk-days", type=float, help="days that stream events are kept"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prune thread by thread, and say what went."""
        policy = _policy(options)
        rows = due_threads(policy)
        if options["threads"]:
            rows = Thread.objects.filter(pk__in=options["threads"])
            missing = set(options["threads"]) - set(rows.values_list("pk", flat=True))
            if missing:
                raise CommandError(f"there is no thread {', '.join(sorted(missing))}")
        dry_run = options["dry_run"]
        threads, checkpoints, events = 0, 0, 0
        for found in prune_each(rows.order_by("pk"), policy, dry_run=dry_run):
            if found.busy:
                self.stdout.write(
                    f"{found.thread_id}: left alone, run {found.busy} is at work"
                )
            if not found.pruned:
                continue
            threads += 1
            checkpoints += found.pruned.checkpoints
            events += found.pruned.events
            self.stdout.write(
                f"{found.thread_id}: {found.pruned.checkpoints} checkpoints, "
                f"{found.pruned.events} events"
            )
        verb = "would remove" if dry_run else "removed"
        self.stdout.write(
            f"{verb} {checkpoints} checkpoints and {events} events of {threads} threads"
        )


def _policy(options: dict[str, Any]) -> Retention:
    policy = Retention.of_settings()
    given = {
        "checkpoints": options["keep"],
        "finished_days": options["finished_days"],
        "chunk_days": options["chunk_days"],
    }
    for name, value in given.items():
        if value is not None and value <= 0:
            raise CommandError(f"{name.replace('_', ' ')}: give a number above 0")
    kept = {name: value for name, value in given.items() if value is not None}
    return Retention(**{**policy.__dict__, **kept})
