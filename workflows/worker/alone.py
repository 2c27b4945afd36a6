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
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future

from django.conf import settings
from django.db import connections

from workflows.models import Run
from workflows.services.execute_run import execute_run, give_back_all
from workflows.services.lines import may_begin
from workflows.storage.owners import process_owner

log = logging.getLogger(__name__)

COMMAND = "work_alone"
# Less than what the worker itself is given: it waits for the end of this process.
STOP_SECONDS = 15.0
KILL_SECONDS = STOP_SECONDS + 3.0
_LOOK_SECONDS = 0.2


def execute(
    run_id: int, *, owner: str, should_stop: Callable[[], bool] = lambda: False
) -> str:
    """Carry out the run here, or where this is its last attempt, in a process of its own."""
    ended = execute_run(run_id, owner=owner, should_stop=should_stop, in_company=True)
    if ended != Run.Status.PENDING or should_stop() or not _is_last_attempt(run_id):
        return ended
    if not may_begin(run_id):  # its queue is full
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
    told_at: float | None = None
    while True:
        try:
            process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            if told_at is None and should_stop():
                told_at = now
                process.terminate()
            elif told_at is not None and now - told_at > KILL_SECONDS:
                log.warning("killing process %s, which did not stop", process.pid)
                process.kill()
        else:
            return


def work_alone(run_id: int, parent: int) -> str:
    """What such a process does: carry out this run, as long as its parent lives.

    The run has a thread of its own: a function of C in the first one would let no signal
    through.
    """
    # No Event: a handler that sets one would wait for ever for a lock of the thread it interrupts.
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    ended: Future[str] = Future()

    def is_asked() -> bool:
        return bool(asked) or os.getppid() != parent

    def carry_out() -> None:
        try:
            ended.set_result(
                execute_run(run_id, owner=process_owner(), should_stop=is_asked)
            )
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits
            ended.set_exception(error)
        finally:
            connections.close_all()

    threading.Thread(target=carry_out, name="durableweb-alone", daemon=True).start()
    while not ended.done() and not is_asked():
        futures.wait([ended], _LOOK_SECONDS)
    futures.wait([ended], STOP_SECONDS)
    if not ended.done():
        _leave()
    return ended.result()


def _leave() -> None:
    """End the process whatever its node does."""
    try:
        give_back_all()
    except Exception:
        log.exception("what is at work could not be given back; its lease will end")
    finally:
        logging.shutdown()
        os._exit(0)
