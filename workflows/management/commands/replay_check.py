"""`manage.py replay_check`: does this code repeat what the threads that wait have on record (RA.4)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import Thread
from workflows.services import registry
from workflows.services.replay import check_each, threads_that_go_on


class Command(BaseCommand):
    """Run with the new code, before it is rolled out; nothing is written."""

    help = (
        "Check the code of this process against the record of threads: of those named, or of "
        "all that wait, work or have failed. Ends with 1 and a line for each that differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which threads, and how much of them."""
        parser.add_argument("threads", nargs="*", help="thread ids; without any, all")
        parser.add_argument("--graph", help="threads of this registered workflow only")
        parser.add_argument(
            "--history", action="store_true", help="steps that have finished, too"
        )
        parser.add_argument(
            "--strict",
            action="store_true",
            help="a request that is not on record, before recorded ones, is a difference",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check thread by thread."""
        checked, differing = 0, 0
        loud = options["verbosity"] > 1
        each = check_each(
            _rows(options), history=options["history"], strict=options["strict"]
        )
        for found in each:
            checked += 1
            if found.problem:
                differing += 1
                self.stdout.write(f"{found.thread_id}: {found.problem}")
            elif loud:
                self.stdout.write(
                    f"{found.thread_id}: fits, bodies checked: {found.bodies}"
                )
            for text in found.warnings:
                self.stdout.write(f"{found.thread_id}: warning: {text}")
        if differing:
            raise CommandError(f"threads that differ: {differing} of {checked}")
        self.stdout.write(f"threads checked: {checked}, none differs")


def _rows(options: dict[str, Any]) -> Any:
    graph, named = options["graph"], options["threads"]
    if graph is not None and registry.find(graph) is None:
        known = ", ".join(sorted(registry.names())) or "none"
        raise CommandError(f"there is no workflow {graph!r} (registered: {known})")
    if not named:
        return threads_that_go_on(graph)
    rows = Thread.objects.filter(pk__in=named).order_by("pk")
    if graph is not None:
        rows = rows.filter(graph=graph)
    missing = set(named) - set(rows.values_list("pk", flat=True))
    if missing:
        raise CommandError(f"there is no thread {', '.join(sorted(missing))}")
    return rows
