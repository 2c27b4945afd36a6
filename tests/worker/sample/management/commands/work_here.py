"""The embedded worker alone in a process, without the server around it."""

import signal
import time

from django.core.management.base import BaseCommand

from workflows.worker.choosing import embedded_worker


class Command(BaseCommand):
    help = "Run the embedded worker until SIGTERM."

    def handle(self, *args, **options):
        # No Event: who waits for one may be interrupted while it holds its lock, and
        # a handler that sets it would then wait for the very thread that it runs in.
        asked: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
        worker = embedded_worker(2)
        worker.start()
        self.stdout.write("at work")
        self.stdout.flush()
        while not asked:
            time.sleep(0.05)
        worker.stop()
