"""The embedded worker alone in a process, without the server around it."""

import signal
import threading

from django.core.management.base import BaseCommand

from workflows.worker.choosing import embedded_worker


class Command(BaseCommand):
    help = "Run the embedded worker until SIGTERM."

    def handle(self, *args, **options):
        asked = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: asked.set())
        worker = embedded_worker(2)
        worker.start()
        self.stdout.write("at work")
        self.stdout.flush()
        asked.wait()
        worker.stop()
