"""`manage.py worker`: carry out runs on PostgreSQL, as many processes as one likes."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from workflows.management.supervising import Supervisor, this_program
from workflows.worker.choosing import run_queue_worker


class Command(BaseCommand):
    """Runs a worker and starts it again when it ends unasked."""

    help = "Carry out runs (PostgreSQL only); ends on SIGTERM after the present steps."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many runs at once, and whether a process watches over the worker."""
        parser.add_argument("--concurrency", type=int, default=4)
        parser.add_argument(
            "--no-supervise",
            action="store_true",
            help="work in this very process; end when the queue cannot go on",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until told to stop."""
        if connection.vendor != "postgresql":
            raise CommandError(
                "manage.py worker needs PostgreSQL (set DATABASE_URL). On SQLite the worker "
                "lives in the server's process: manage.py serve starts it."
            )
        concurrency = options["concurrency"]
        if concurrency < 1:
            raise CommandError("--concurrency is at least 1")
        if options["no_supervise"]:
            self.stdout.write(f"worker {os.getpid()}: {concurrency} runs at once")
            self.stdout.flush()
            run_queue_worker(concurrency)
            return
        # The queue's worker ends where it meets what it does not expect.
        work = [*this_program(), "worker", "--no-supervise"]
        command = [*work, "--concurrency", str(concurrency)]
        sys.exit(Supervisor([command]).run())
