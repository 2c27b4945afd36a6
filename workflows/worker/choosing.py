"""Which delivery fits the database: threads of this process, or the outside queue."""

from __future__ import annotations

from importlib import import_module

from django.apps import apps

from workflows.services.ports import RunQueue
from workflows.worker.embedded import EmbeddedQueue, EmbeddedWorker

QUEUE_APP = "procrastinate.contrib.django"
# Imports Procrastinate, whose models exist only where its app is installed.
_QUEUE_MODULE = "workflows.worker.procrastinate"


def has_outside_queue() -> bool:
    """Whether runs are delivered by Procrastinate."""
    return apps.is_installed(QUEUE_APP)


def run_queue() -> RunQueue:
    """The queue that wakes the workers of this site."""
    if has_outside_queue():
        queue: RunQueue = import_module(_QUEUE_MODULE).ProcrastinateQueue()
        return queue
    return EmbeddedQueue()


def run_queue_worker(concurrency: int) -> None:
    """Work on the jobs of the outside queue until told to stop."""
    import_module(_QUEUE_MODULE).run_worker(concurrency)


def embedded_worker(threads: int) -> EmbeddedWorker:
    """A worker for the server's own process, to be started once it serves."""
    if not has_outside_queue():
        return EmbeddedWorker(threads)
    # Its threads find runs in the table; the jobs that told of them are swept away.
    return EmbeddedWorker(threads, sweep=import_module(_QUEUE_MODULE).sweep)
