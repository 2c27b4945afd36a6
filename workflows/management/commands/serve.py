"""`manage.py serve`: the site, its websockets and, on SQLite, its worker in one process.

On PostgreSQL it may be several processes that share the port, each as if it were alone.
"""

import argparse
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

from workflows.defaults import DEFAULTS
from workflows.live.publish import current_publisher, stop_publisher
from workflows.live.server import DrainingServer
from workflows.management.supervising import Supervisor, this_program
from workflows.worker.choosing import embedded_worker

DRAIN_SECONDS = 10
WORKER_STOP_SECONDS = 20
SAME_SIGNAL_SECONDS = 0.5
BACKLOG = 512


class Command(BaseCommand):
    """Runs daphne's server in this process, with everything that belongs to it."""

    help = "Serve the site with its websockets; on SQLite also run the workflows."

    def add_arguments(self, parser: CommandParser) -> None:
        """--host, --port, --with-worker and --processes."""
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
            help="run workflows here on PostgreSQL too (on SQLite always)",
        )
        parser.add_argument(
            "--processes",
            type=int,
            default=1,
            help="how many processes answer on the port (PostgreSQL only); one that ends "
            "is started again, and with --with-worker one more process runs workflows",
        )
        # One of several: it shares the port, and ends when whoever started it is gone.
        parser.add_argument(
            "--is-one-of-many", action="store_true", help=argparse.SUPPRESS
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, bind, serve until a signal, stop in order."""
        if options["processes"] != 1:
            refuse_processes(options["processes"])
        refuse_unmigrated_database()
        if options["processes"] > 1:
            sys.exit(self._serve_by_many(**options))
        settle_memory()
        host, is_one_of_many = options["host"], options["is_one_of_many"]
        listener = bind(host, options["port"], is_shared=is_one_of_many)
        address = address_of(listener, host)
        say_where_it_is(address)
        # Whitenoise hands files over in a plain iterator; Django says so for each file.
        warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume")
        application = import_string(settings.ASGI_APPLICATION.replace(":", "."))
        worker = None
        if options["with_worker"] or connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
            worker = embedded_worker(settings.EMBEDDED_WORKER_THREADS)
        serving = Serving(
            self, application, listener, address, worker, is_one_of_many=is_one_of_many
        )
        serving.run()
        if serving.was_cut_short:
            # Threads cannot be stopped, and the interpreter would wait for them.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def _serve_by_many(self, **options: Any) -> int:
        """Keep the processes alive until a signal; returns the exit code."""
        host = options["host"]
        # A shared port is open to other servers of ours: first see that it is nobody's.
        with bind(host, options["port"]) as alone:
            port = alone.getsockname()[1]
        # Bound and not listening: it keeps the port while a process is away.
        with bind(host, port, is_shared=True, listens=False) as kept:
            me = this_program()
            where = ["--host", host, "--port", str(port)]
            commands = [[*me, "serve", *where, "--is-one-of-many"]] * options[
                "processes"
            ]
            if options["with_worker"]:
                # Of its own, so that every process sees its signs of life.
                hands = str(settings.EMBEDDED_WORKER_THREADS)
                work = [*me, "worker", "--no-supervise", "--concurrency", hands]
                commands = [*commands, work]
            self.stdout.write(
                f"durableweb is at {address_of(kept, host)}/ as soon as one of "
                f"{options['processes']} processes answers (stop them with Ctrl+C)"
            )
            self.stdout.flush()
            return Supervisor(commands).run()


class Serving:
    """One life of the server, from the open port to the last request."""

    def __init__(
        self,
        command: Command,
        application: Any,
        listener: socket.socket,
        address: str,
        worker: Any | None,
        *,
        is_one_of_many: bool = False,
    ) -> None:
        self.command = command
        self.is_one_of_many = is_one_of_many
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
        if self.is_one_of_many:
            loop.add_reader(sys.stdin.fileno(), self._left_alone)
        self._begin_task = loop.create_task(self._begin())

    async def _begin(self) -> None:
        current_publisher()
        if self.worker is not None:
            self.worker.start()
        if self.is_one_of_many:
            self._say(f"process {os.getpid()} answers at {self.address}/")
        else:
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

    def _left_alone(self) -> None:
        """Whoever started this process has ended, and nobody would stop it any more."""
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._asked_to_stop(signal.SIGTERM)

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


def say_where_it_is(address: str) -> None:
    """Make `address` the site's own, where neither environment nor settings say another.

    Only now is the port known; workflows fetch their own server's pages by it.
    """
    if "PUBLIC_URL" in os.environ or DEFAULTS["PUBLIC_URL"] != settings.PUBLIC_URL:
        return
    settings.PUBLIC_URL = address


def address_of(bound: socket.socket, host: str) -> str:
    """The address of the site; only its socket knows the port where any would do."""
    port = bound.getsockname()[1]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def bind(
    host: str, port: int, *, is_shared: bool = False, listens: bool = True
) -> socket.socket:
    """A listening socket; CommandError with a sentence where that cannot be.

    All who share one say so; the system then deals out the connections among those who listen.
    """
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(where)
        if listens:
            listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"cannot listen on {host} port {port}: {error}. "
            "Stop what uses that port, or choose another one with --port."
        ) from error
    listener.setblocking(False)
    return listener


def refuse_processes(number: int) -> None:
    """Raise CommandError where so many processes cannot serve the site."""
    if number < 1:
        raise CommandError("--processes is at least 1")
    if connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
        raise CommandError(
            "--processes needs PostgreSQL (set DATABASE_URL). On SQLite one process serves "
            "the site and carries out its runs: leave --processes out."
        )


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
