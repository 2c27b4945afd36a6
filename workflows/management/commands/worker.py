"""`manage.py worker`: carry out runs on PostgreSQL, as many processes as one likes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from workflows.worker.choosing import run_queue_worker

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
STOP_SECONDS = 30.0


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
        sys.exit(_Supervisor(concurrency).run())


class _Supervisor:
    """Keeps one worker process alive: the queue's worker ends when its database was away."""

    def __init__(self, concurrency: int) -> None:
        self._command = [
            sys.executable,
            str(settings.BASE_DIR / "manage.py"),
            "worker",
            "--no-supervise",
            "--concurrency",
            str(concurrency),
        ]
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> int:
        """Start the worker, again and again, until a signal; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping:
            started = time.monotonic()
            self._child = subprocess.Popen(self._command)  # noqa: S603 - our own command
            code = self._child.wait()
            if self._stopping:
                return 0 if code in (0, -signal.SIGTERM) else 1
            if time.monotonic() - started > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.warning("the worker ended with %s; again in %s s", code, pause)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return 0

    def _stop(self, *_: object) -> None:
        self._stopping = True
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
