"""Workers on PostgreSQL, fed by Procrastinate: jobs carry a run's id and nothing else.

The run row is the truth, so a lost, repeated or late job does no harm. A job is deferred on
Django's connection inside the caller's transaction. It never carries a `lock`: a job that is
scheduled for later would block every later one of the same lock (3.10, issue 1599); the
thread's exclusion is the claim's affair.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import DatabaseError, connection, connections, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from workflows.services.execute_run import give_back_all
from workflows.services.sweep import sweep as sweep_once
from workflows.services.tidy import tidy as tidy_once
from workflows.services.workers import SignOfLife
from workflows.storage.owners import process_owner
from workflows.worker import alone
from workflows.worker.embedded import is_running
from workflows.worker.failing import one_line, tell_failure
from workflows.worker.patience import patient_connector
from workflows.worker.sending import send_until

log = logging.getLogger(__name__)

QUEUE = "durableweb"
TASK = "durableweb.execute"
SWEEP_SECONDS = 2.0
HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 10.0
POLL_SECONDS = 1.0
STOP_SECONDS = 25.0

_stopping = threading.Event()


@app.task(name=TASK, queue=QUEUE)
def execute(run_id: int) -> None:
    """Carry out one run; does nothing where somebody else does."""
    alone.execute(run_id, owner=process_owner(), should_stop=_stopping.is_set)


@app.periodic(cron="* * * * *")
@app.task(name="durableweb.tidy", queue=QUEUE, queueing_lock="durableweb.tidy")
def tidy(timestamp: int) -> None:
    """Remove jobs that nobody will finish.

    That a periodic task is registered matters by itself: without one Procrastinate 3.10
    stops watching its heartbeat, and a worker goes on unseen where that has failed.
    """
    remove_dead_jobs()


@app.periodic(cron="17 * * * *")
@app.task(name="durableweb.retain", queue=QUEUE, queueing_lock="durableweb.retain")
def retain(timestamp: int) -> None:
    """Forget what nobody needs any more, every hour, on one worker (RA.10)."""
    tidy_once()


class ProcrastinateQueue:
    """The run queue of PostgreSQL."""

    def enqueue(
        self, run_id: int, due_at: datetime | None = None, priority: int = 0
    ) -> None:
        """Defer a job in the present transaction, unless one waits for this run already; that one comes sooner where it was to come later."""
        key = f"run:{run_id}"
        if _is_waiting(key, due_at):
            return
        # Procrastinate takes the greatest number first, our rows the smallest.
        job = execute.configure(
            queueing_lock=key, priority=-priority, schedule_at=due_at
        )
        try:
            with transaction.atomic():
                job.defer(run_id=run_id)
        except AlreadyEnqueued:
            log.debug("a job for run %s was deferred at the same moment", run_id)

    def has_worker(self) -> bool:
        """Whether a worker has shown a sign of life lately; pages show a banner when not."""
        if is_running():
            return True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat >"
                " now() - %s * interval '1 second' LIMIT 1",
                [STALLED_SECONDS],
            )
            return cursor.fetchone() is not None


def _is_waiting(key: str, due_at: datetime | None) -> bool:
    """Whether a job waits for the run; it is delivered at `due_at`, None for at once, or before.

    One may have been meant for a time at which a rate was to let the run begin, and the limits, or the
    clock, are others now.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, scheduled_at FROM procrastinate_jobs"
            " WHERE queueing_lock = %s AND status = 'todo' LIMIT 1",
            [key],
        )
        found = cursor.fetchone()
        if found is None:
            return False
        job, at = found
        if at is not None and (due_at is None or due_at < at):
            cursor.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = %s"
                " WHERE id = %s AND status = 'todo'",
                [due_at, job],
            )
        return True


def remove_dead_jobs() -> int:
    """Delete jobs of workers that are gone, and waiting ones whose run has ended.

    The run behind a dead worker's job is taken up by its lease, not by its job.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs AS job"
            " WHERE job.task_name = %s AND ("
            "  (job.status = 'doing' AND NOT EXISTS ("
            "    SELECT 1 FROM procrastinate_workers AS worker"
            "    WHERE worker.id = job.worker_id"
            "    AND worker.last_heartbeat > now() - interval '1 minute'))"
            "  OR (job.status = 'todo' AND NOT EXISTS ("
            "    SELECT 1 FROM workflows_run AS run"
            "    WHERE run.id = (job.args->>'run_id')::bigint"
            "    AND run.status IN ('pending', 'running'))))",
            [TASK],
        )
        return int(cursor.rowcount)


def sweep() -> None:
    """Take up dead runs, and remove the jobs that nobody needs any more."""
    sweep_once()
    remove_dead_jobs()


def run_worker(concurrency: int) -> None:
    """Work until SIGTERM or SIGINT; runs then stop after their present step.

    Raises what the queue raises when it cannot go on: the caller starts a new process.
    """
    _stopping.clear()
    parent = os.getppid()
    sweeper = threading.Thread(
        target=_sweep_until_stopped,
        args=(parent, SignOfLife(concurrency)),
        name="durableweb-sweep",
        daemon=True,
    )
    sender = threading.Thread(
        target=send_until, args=(_stopping,), name="durableweb-outbox", daemon=True
    )
    sweeper.start()
    sender.start()
    try:
        # The queue's pool would wait ever longer between its tries, and give up after 30 s.
        wait_for_database(_stopping)
        with app.replace_connector(patient_connector(_stopping)):
            asyncio.run(_work(concurrency))
    finally:
        _stopping.set()
        sweeper.join(SWEEP_SECONDS + 1.0)
        # What it was sending is sent again when its row comes due.
        sender.join(SWEEP_SECONDS + 1.0)


def wait_for_database(stopping: threading.Event) -> None:
    """Return once the database answers, or `stopping` is set; says so where it has to wait."""
    said = False
    while not stopping.is_set():
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            if not said:
                log.warning("waiting for the database: %s", one_line(error))
            said = True
            stopping.wait(POLL_SECONDS)
        else:
            break
    connection.close()
    if said and not stopping.is_set():
        log.info("the database answers")


async def _work(concurrency: int) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(
        ThreadPoolExecutor(concurrency + 2, thread_name_prefix="durableweb-worker")
    )
    async with app.open_async():
        work = asyncio.ensure_future(
            app.run_worker_async(
                queues=[QUEUE],
                concurrency=concurrency,
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=POLL_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=STOP_SECONDS,
            )
        )

        def stop() -> None:
            _stopping.set()
            work.cancel()
            leaving = threading.Timer(STOP_SECONDS, _leave)
            leaving.daemon = True
            leaving.start()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            await work
        except asyncio.CancelledError:
            if not _stopping.is_set():
                raise


def _leave() -> None:
    """End the process whatever its nodes do: a function cannot be stopped from outside."""
    try:
        give_back_all()
    except Exception:
        log.exception("what is at work could not be given back; its lease will end")
    finally:
        logging.shutdown()
        os._exit(0)


def _sweep_until_stopped(parent: int, life: SignOfLife) -> None:
    """Take up what dead workers left, every two seconds, and say that this one lives, whatever the queue does."""
    failing = ""
    try:
        while not _stopping.wait(SWEEP_SECONDS):
            if os.getppid() != parent:
                # The supervisor was killed: nobody would start us again.
                os.kill(os.getpid(), signal.SIGTERM)
                return
            try:
                sweep_once()
                life.tell()
                failing = ""
            except Exception as error:  # noqa: BLE001 - told and tried again
                failing = tell_failure(error, failing)
                connections.close_all()
        life.leave()
    finally:
        connections.close_all()
