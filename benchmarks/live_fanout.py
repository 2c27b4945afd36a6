"""From the commit of an event to the frame in every browser: one table of latencies.

Serves in this process as `manage.py serve` does, writes from a worker's thread, and watches
from another process. `python -m benchmarks.live_fanout --sockets 200 --events 40`; it uses
the database of DATABASE_URL, or a temporary SQLite file.
"""

# ruff: noqa: E402 - Django is set up before its models can be imported.

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib import import_module

import django

_folder = tempfile.TemporaryDirectory()
os.environ.setdefault("DATABASE_URL", f"sqlite:///{_folder.name}/bench.sqlite3")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections, transaction
from django.utils.module_loading import import_string

from workflows.live import consumers
from workflows.management.commands.serve import Command, Serving, bind
from workflows.models import Thread
from workflows.storage.events import append_events


def arguments() -> argparse.Namespace:
    """How many of what."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--events", type=int, default=40)
    parser.add_argument("--per-second", type=float, default=4)
    return parser.parse_args()


def prepare() -> str:
    """A thread and somebody who may see it; returns their session."""
    call_command("migrate", verbosity=0)
    Thread.objects.filter(id="bench").delete()
    Thread.objects.create(id="bench")
    people = get_user_model().objects
    person = people.filter(username="bench").first()
    person = person or people.create_superuser("bench", password=None)
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["_auth_user_id"] = str(person.pk)
    store["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
    store["_auth_user_hash"] = person.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def write_and_report(given: argparse.Namespace, address: str, session: str) -> None:
    """The worker's thread: write at a steady pace, then print what the browsers saw."""
    words = [address, session, str(given.sockets), str(given.events)]
    browsers = subprocess.Popen(
        [sys.executable, "-m", "benchmarks._browsers", *words],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert browsers.stdout is not None
    assert browsers.stdout.readline().strip() == "ready"
    committed = {}
    for number in range(given.events):
        told = {"task": "t", "node": f"node {number}", "status": "done"}
        with transaction.atomic():
            seq = append_events("default", "bench", None, [("task", told)])
        committed[seq] = time.monotonic()
        time.sleep(1 / given.per_second)
    got = json.loads(browsers.stdout.readline())
    browsers.wait()
    delays = sorted((at - committed[seq]) * 1000 for seq, at in got)
    centiles = statistics.quantiles(delays, n=100)
    print("database    sockets  events  frames   p50 ms   p95 ms   p99 ms   max ms")
    print(
        f"{connections['default'].vendor:<11} {given.sockets:>7} {given.events:>7}"
        f" {len(delays):>7} {centiles[49]:>8.1f} {centiles[94]:>8.1f}"
        f" {centiles[98]:>8.1f} {delays[-1]:>8.1f}"
    )


def main() -> None:
    """Serve, measure, stop."""
    given = arguments()
    consumers.SOCKETS_PER_PERSON = given.sockets
    session = prepare()
    connections.close_all()
    listener = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings.PUBLIC_URL = address
    application = import_string(settings.ASGI_APPLICATION)
    serving = Serving(Command(), application, listener, address, worker=None)

    def work() -> None:
        try:
            write_and_report(given, address, session)
        finally:
            connections.close_all()
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Timer(1.0, work).start()
    serving.run()


if __name__ == "__main__":
    main()
