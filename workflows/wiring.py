"""What `apps.py` installs once the tables are known: ports, signals, checks, workflows."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig, apps
from django.core.checks import register as register_check
from django.db import connections
from django.db.models.signals import post_migrate

from workflows import checks
from workflows.engine.drivers.threads import on_thread_end
from workflows.services import access, ports, registry
from workflows.storage import events
from workflows.worker.embedded import EmbeddedQueue, EmbeddedWorker

# Imports Procrastinate, whose models exist only where its app is installed.
_QUEUE_MODULE = "workflows.worker.procrastinate"


def install(app: AppConfig) -> None:
    """Join the storeys; touches no database."""
    ports.install(run_queue=_run_queue())
    events.set_announcer(_announce)
    on_thread_end.append(connections.close_all)
    post_migrate.connect(
        access.ensure_groups, sender=app, dispatch_uid="workflows.ensure_groups"
    )
    register_check(checks.check_workflows)
    register_check(checks.check_databases)
    registry.autodiscover()


def run_queue_worker(concurrency: int) -> None:
    """Work on the jobs of the outside queue until told to stop."""
    import_module(_QUEUE_MODULE).run_worker(concurrency)


def embedded_worker(threads: int) -> EmbeddedWorker:
    """A worker for the server's own process, to be started once it serves."""
    if not apps.is_installed(checks.QUEUE_APP):
        return EmbeddedWorker(threads)
    # Its threads find runs in the table; the jobs that told of them are swept away.
    return EmbeddedWorker(threads, sweep=import_module(_QUEUE_MODULE).sweep)


def _run_queue() -> ports.RunQueue:
    if apps.is_installed(checks.QUEUE_APP):
        queue: ports.RunQueue = import_module(_QUEUE_MODULE).ProcrastinateQueue()
        return queue
    return EmbeddedQueue()


def _announce(thread_id: str, seq: int) -> None:
    ports.announcer().announce(thread_id, seq)
