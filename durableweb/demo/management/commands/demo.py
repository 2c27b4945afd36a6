"""`manage.py demo`: sample people and runs, and on request the server.

May be repeated: what is there is kept, and nothing is made twice.
"""

import os
import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from durableweb.demo.management import people
from durableweb.demo.management.sample_runs import SampleRun, sample_runs
from workflows.models import Run
from workflows.services.action import Refused
from workflows.services.start_run import StartRun

IDEMPOTENCY_KEY = "demo"


class Command(BaseCommand):
    """Prepares the demo and says what it does while it does it."""

    help = "Make sample people and runs; with --serve, go on with the server."

    def add_arguments(self, parser: CommandParser) -> None:
        """--serve, --host, --port."""
        parser.add_argument(
            "--serve", action="store_true", help="serve the site afterwards"
        )
        parser.add_argument("--host", default="127.0.0.1", help="address to serve on")
        parser.add_argument("--port", type=int, default=8000, help="port to serve on")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, make people, start runs, serve."""
        host, port = options["host"], options["port"]
        if "PUBLIC_URL" not in os.environ:
            settings.PUBLIC_URL = address_of(host, port)
        if options["serve"]:
            # The runs are to fetch pages from this port: better no run than a wrong one.
            refuse_taken_port(host, port)

        self._say("Preparing the database")
        call_command("migrate", verbosity=0)
        self._say("Making people")
        self._make_people()
        self._say("Starting runs")
        for sample in sample_runs(settings.PUBLIC_URL):
            self._start(sample)

        if not options["serve"]:
            self._tell_what_is_next()
            return
        # The sample runs fetch pages from this very server, which is a private address.
        if "DEMO_ALLOW_PRIVATE_ADDRESSES" not in os.environ:
            settings.DEMO_ALLOW_PRIVATE_ADDRESSES = True
        self._say(f"Serving on {settings.PUBLIC_URL} (Ctrl-C stops, the data stays)")
        call_command("serve", host=host, port=port, with_worker=True)

    def _make_people(self) -> None:
        kept = []
        for sample in people.SAMPLES:
            password = people.make(sample)
            if password is None:
                kept.append(sample.name)
            else:
                self._line(f"{sample.name:<10} password {password}   {sample.purpose}")
        if kept:
            self._line(f"{', '.join(kept)}: kept as they are, with their passwords.")
            self._line(f"To set a new one: manage.py changepassword {kept[0]}")

    def _start(self, sample: SampleRun) -> None:
        if sample.obstacle:
            self._line(f"{sample.graph:<16} left out: {sample.obstacle}")
            return
        before = Run.objects.filter(
            graph=sample.graph, idempotency_key=IDEMPOTENCY_KEY
        ).first()
        if before is not None:
            self._line(f"{sample.graph:<16} kept: run {before.pk}, {before.status}")
            return
        start = StartRun(
            people.find("demo"),
            sample.graph,
            sample.input,
            title=sample.title,
            idempotency_key=IDEMPOTENCY_KEY,
        )
        try:
            run = start.execute()
        except Refused as refusal:
            self._line(f"{sample.graph:<16} left out: {refusal}")
        else:
            self._line(f"{sample.graph:<16} run {run.pk}: {sample.title}")

    def _tell_what_is_next(self) -> None:
        self._say("Ready. The runs begin as soon as there is a server")
        allowed = settings.DEMO_ALLOW_PRIVATE_ADDRESSES
        prefix = "" if allowed else "DEMO_ALLOW_PRIVATE_ADDRESSES=1 "
        self._line(f"{prefix}python manage.py serve")
        self._line(f"then log in as demo at {settings.PUBLIC_URL}")

    def _say(self, text: str) -> None:
        self.stdout.write(f"== {text}")
        self.stdout.flush()

    def _line(self, text: str) -> None:
        self.stdout.write(f"   {text}")
        self.stdout.flush()


def address_of(host: str, port: int) -> str:
    """The address at which this machine reaches a server that listens there."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def refuse_taken_port(host: str, port: int) -> None:
    """Raise CommandError where the server could not listen."""
    if not 0 < port < 65536:
        raise CommandError(f"--port is between 1 and 65535, not {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            pass
    except OSError as error:
        raise CommandError(
            f"cannot listen on {host} port {port}: {error}. Stop what uses that port, or "
            "choose another one: make demo PORT=8001, or manage.py demo --serve --port 8001"
        ) from error
