"""`manage.py serve`: the site, its websockets and, on SQLite, its worker in one process."""

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import time
import warnings
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from workflows.live.publish import current_publisher, stop_publisher
from workflows.live.server import DrainingServer
from workflows.worker.choosing import embedded_worker

DRAIN_SECONDS = 10
WORKER_STOP_SECONDS = 20
SAME_SIGNAL_SECONDS = 0.5
BACKLOG = 512


class Command(BaseCommand):
    """Runs daphne's server in this process, with everything that belongs to it."""

    help = "Serve the site with its websockets; on SQLite also run the workflows."

    def add_arguments(self, parser: CommandParser) -> None:
        """--host, --port and --with-worker."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            help="port to listen on; 0 takes a free one",
        )
        parser.add_argument(
            "--with-worker",
            action="store_true",
            help="run workflows in this process on PostgreSQL too (on SQLite always)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, bind, serve until a signal, stop in order."""
        settle_memory()
        refuse_unmigrated_database()
        host = options["host"]
        listener = bind(host, options["port"])
        port = listener.getsockname()[1]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if "PUBLIC_URL" not in os.environ:
            # Only now is the port known; workflows fetch their own server's pages by it.
            settings.PUBLIC_URL = address
        # Whitenoise hands files over in a plain iterator; Django says so for each file.
        warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume")
        application = import_string(settings.ASGI_APPLICATION.replace(":", "."))
        worker = None
        if options["with_worker"] or connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
            worker = embedded_worker(settings.EMBEDDED_WORKER_THREADS)
        serving = Serving(self, application, listener, address, worker)
        serving.run()
        if serving.was_cut_short:
            # Threads cannot be stopped, and the interpreter would wait for them.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


class Serving:
    """One life of the server, from the open port to the last request."""

    def __init__(
        self,
        command: Command,
        application: Any,
        listener: socket.socket,
        address: str,
        worker: Any | None,
    ) -> None:
        self.command = command
        self.address = address
        self.worker = worker
        self.was_cut_short = False
        self._stopping_since: float | None = None
        self._server = DrainingServer(
            application,
            listener.detach(),
            body_limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
            on_ready=self._ready,
        )

    def run(self) -> None:
        """Serve until a signal asks to stop."""
        self._server.run()

    def _ready(self) -> None:
        loop = asyncio.get_event_loop()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._asked_to_stop, number)
        self._begin_task = loop.create_task(self._begin())

    async def _begin(self) -> None:
        current_publisher()
        if self.worker is not None:
            self.worker.start()
        self._say(f"durableweb is at {self.address}/ (stop it with Ctrl+C)")

    def _asked_to_stop(self, number: signal.Signals) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
            self._say(
                "Stopping: finishing what is under way (Ctrl+C stops at once) ..."
            )
            self._end_task = asyncio.get_running_loop().create_task(self._end())
        elif (
            number == signal.SIGINT
            and time.monotonic() - self._stopping_since > SAME_SIGNAL_SECONDS
        ):
            # A supervisor may send its request twice; a person presses twice on purpose.
            self._say("Stopped at once; unfinished runs go on at the next start.")
            os._exit(1)

    async def _end(self) -> None:
        try:
            stopped, drained = await asyncio.gather(
                self._stop_worker(), self._server.drain(DRAIN_SECONDS)
            )
            await stop_publisher()
            self.was_cut_short = not (stopped and drained)
            if not stopped:
                self._say("A run is still in a step; it goes on at the next start.")
        finally:
            self._server.stop()

    async def _stop_worker(self) -> bool:
        if self.worker is None:
            return True
        return await asyncio.to_thread(self.worker.stop, WORKER_STOP_SECONDS)

    def _say(self, text: str) -> None:
        self.command.stdout.write(text)
        self.command.stdout.flush()


def settle_memory() -> None:
    """Let the collector leave alone what has been loaded, and look less often.

    A page makes many short-lived objects and few circles; with Python's own figures a tenth
    of its time went into looking through all modules and classes again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; CommandError with a sentence where that cannot be."""
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"cannot listen on {host} port {port}: {error}. "
            "Stop what uses that port, or choose another one with --port."
        ) from error
    listener.setblocking(False)
    return listener


def refuse_unmigrated_database() -> None:
    """Raise CommandError where the tables are missing or older than this code."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        raise CommandError(
            f"the database does not answer: {error}. Check DATABASE_URL."
        ) from error
    finally:
        connection.close()
    if missing:
        raise CommandError(
            f"the database lacks {len(missing)} migrations of this version; "
            "run: python manage.py migrate"
        )
