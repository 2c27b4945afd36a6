"""The worker inside the web process, for SQLite: threads that carry out due runs.

The table is its queue: a wake-up after the commit of a run saves waiting, a poll every half
second finds what other processes wrote, a sweep every second takes up what a dead process
left. It decides nothing: `services/execute_run.py` does the work.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.db import connections, transaction

from workflows.services import registry
from workflows.services.sweep import sweep as sweep_once
from workflows.services.tidy import tidy as tidy_once
from workflows.services.workers import SignOfLife
from workflows.storage.claims import due_runs
from workflows.storage.owners import process_owner
from workflows.worker import alone
from workflows.worker.failing import tell_failure
from workflows.worker.sending import send_until

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
TIDY_SECONDS = 3600.0
TIDY_FIRST_SECONDS = 30.0
SWEEP_SECONDS = 1.0
STOP_SECONDS = 20.0


class EmbeddedWorker:
    """`threads` hands and one dispatcher; start it once the process serves, stop it at the end."""

    def __init__(
        self,
        threads: int = 4,
        *,
        poll_seconds: float = POLL_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
        execute: Callable[..., str] = alone.execute,
        sweep: Callable[[], object] = sweep_once,
        tidy: Callable[[], object] = tidy_once,
        tidy_first_seconds: float = TIDY_FIRST_SECONDS,
    ) -> None:
        self._threads = max(1, threads)
        self._poll_seconds = poll_seconds
        self._sweep_seconds = sweep_seconds
        self._execute = execute
        self._sweep = sweep
        self._tidy = tidy
        self._tidy_first_seconds = tidy_first_seconds
        self._life = SignOfLife(self._threads)
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._failing = ""
        self._guard = threading.Lock()
        self._at_work: set[int] = set()
        self._work: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._started: list[threading.Thread] = []

    @property
    def is_alive(self) -> bool:
        """Whether the dispatcher runs."""
        return any(thread.is_alive() for thread in self._started)

    def start(self) -> None:
        """Start the threads; what a dead process left is taken up first."""
        if self._started:
            raise RuntimeError("this worker was started before; make a new one")
        for number in range(self._threads):
            self._spawn(self._hand, f"durableweb-worker-{number + 1}", number + 1)
        self._spawn(self._dispatch, "durableweb-dispatcher")
        self._spawn(self._keep_tidy, "durableweb-retention")
        self._spawn(send_until, "durableweb-outbox", self._stopping)
        _running.add(self)

    def wake(self) -> None:
        """Look for due runs now."""
        self._woken.set()

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """Ask runs to stop after their present step; False where one did not in time.

        A run that is still at work then keeps its lease until the process ends.
        """
        _running.discard(self)
        self._stopping.set()
        self._woken.set()
        for _ in range(self._threads):
            self._work.put(None)
        end = time.monotonic() + timeout
        for thread in self._started:
            thread.join(max(0.0, end - time.monotonic()))
        return not self.is_alive

    def _spawn(self, target: Callable[..., None], name: str, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        self._started.append(thread)
        thread.start()

    def _dispatch(self) -> None:
        swept_at = float("-inf")
        failing = ""
        try:
            while not self._stopping.is_set():
                try:
                    if time.monotonic() - swept_at >= self._sweep_seconds:
                        self._sweep()
                        self._life.tell()
                        swept_at = time.monotonic()
                    self._hand_out()
                    failing = ""
                except Exception as error:  # noqa: BLE001 - told and tried again
                    failing = tell_failure(error, failing)
                    connections.close_all()
                self._woken.wait(self._poll_seconds)
                self._woken.clear()
            self._life.leave()
        finally:
            connections.close_all()

    def _keep_tidy(self) -> None:
        """Forget what nobody needs any more, a while after the start and then every hour."""
        pause = self._tidy_first_seconds
        while not self._stopping.wait(pause):
            try:
                self._tidy()
            except Exception:
                log.exception("tidying failed; trying again in an hour")
            finally:
                connections.close_all()
            pause = TIDY_SECONDS

    def _hand_out(self) -> None:
        with self._guard:
            free = self._threads - len(self._at_work)
        if free <= 0:
            return
        wanted = free + len(self._at_work)
        for run_id in due_runs(limit=wanted, graphs=registry.names()):
            with self._guard:
                if run_id in self._at_work or len(self._at_work) >= self._threads:
                    continue
                self._at_work.add(run_id)
            self._work.put(run_id)

    def _hand(self, number: int) -> None:
        owner = f"{process_owner()}#{number}"
        try:
            while True:
                run_id = self._work.get()
                if run_id is None or self._stopping.is_set():
                    return
                is_well = self._carry_out(run_id, owner)
                with self._guard:
                    self._at_work.discard(run_id)
                if is_well:  # else the next look is soon enough
                    self._woken.set()
        finally:
            connections.close_all()

    def _carry_out(self, run_id: int, owner: str) -> bool:
        try:
            self._execute(run_id, owner=owner, should_stop=self._stopping.is_set)
        except Exception as error:  # noqa: BLE001 - told and tried again
            what = f"run {run_id} could not be carried out"
            self._failing = tell_failure(error, self._failing, what)
            connections.close_all()
            return False
        self._failing = ""
        return True


_running: set[EmbeddedWorker] = set()


class EmbeddedQueue:
    """The run queue of SQLite: wakes this process's worker once the row is there to see."""

    def enqueue(
        self, run_id: int, due_at: datetime | None = None, priority: int = 0
    ) -> None:
        """Wake after the commit; a worker of another process finds the run by its poll."""
        transaction.on_commit(wake_all)

    def has_worker(self) -> bool:
        """Whether runs are carried out here; pages show a banner when not."""
        return is_running()


def wake_all() -> None:
    """Wake every worker of this process."""
    for worker in list(_running):
        worker.wake()


def is_running() -> bool:
    """Whether a worker of this process is alive."""
    return any(worker.is_alive for worker in list(_running))
