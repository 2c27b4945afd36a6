"""A run that went down with its workers: its last attempt is made in a process of its own (RA.15).

When a worker dies, each run that was in it counts the death, whichever of them did it. Before one
is given up for the number of its deaths it is carried out where nothing else runs: what dies then
has done it itself, and takes nobody along.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from django.conf import settings

from workflows.models import Run
from workflows.services.execute_run import execute_run, give_back_all
from workflows.storage.owners import process_owner

log = logging.getLogger(__name__)

COMMAND = "work_alone"
STOP_SECONDS = 20.0
_LOOK_SECONDS = 0.2


def execute(
    run_id: int, *, owner: str, should_stop: Callable[[], bool] = lambda: False
) -> str:
    """Carry out the run here, or where this is its last attempt, in a process of its own."""
    ended = execute_run(run_id, owner=owner, should_stop=should_stop, in_company=True)
    if ended != Run.Status.PENDING or should_stop() or not _is_last_attempt(run_id):
        return ended
    fence = _row(run_id).fence
    _in_a_process(run_id, should_stop)
    row = _row(run_id)
    if row.fence > fence or should_stop():
        return row.status
    log.warning("run %s could not be carried out in a process of its own", run_id)
    return execute_run(run_id, owner=owner, should_stop=should_stop)


def _is_last_attempt(run_id: int) -> bool:
    return _row(run_id).recoveries >= max(1, settings.MAX_RECOVERIES)


def _row(run_id: int) -> Run:
    found = Run.objects.only("status", "fence", "recoveries").filter(pk=run_id).first()
    return found or Run(fence=0, recoveries=0, status="")


def _in_a_process(run_id: int, should_stop: Callable[[], bool]) -> None:
    """Start a process for the run, ask it to stop where this one is asked to, and wait for it."""
    if not settings.SETTINGS_MODULE:
        return
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-m", "django", COMMAND, str(run_id), str(os.getpid())]
    log.warning("run %s is carried out alone: its workers have died", run_id)
    try:
        process = subprocess.Popen(command, env=environment)  # noqa: S603 - our own
    except OSError as error:
        log.warning("no process could be started for run %s: %s", run_id, error)
        return
    is_told = False
    while True:
        try:
            process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if should_stop() and not is_told:
                is_told = True
                process.terminate()
        else:
            return


def work_alone(run_id: int, parent: int) -> str:
    """What such a process does: carry out this run, as long as its parent lives."""
    stopping = threading.Event()

    def stop(*_: object) -> None:
        if not stopping.is_set():
            stopping.set()
            leaving = threading.Timer(STOP_SECONDS, _leave)
            leaving.daemon = True
            leaving.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return execute_run(
        run_id,
        owner=process_owner(),
        should_stop=lambda: stopping.is_set() or os.getppid() != parent,
    )


def _leave() -> None:
    """End the process whatever its node does."""
    try:
        give_back_all()
    finally:
        logging.shutdown()
        os._exit(0)
