"""Processes that are started again when they end unasked, until a signal asks to stop."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
STOP_SECONDS = 60.0
LOOK_SECONDS = 0.1


def this_program() -> list[str]:
    """How the program that runs was started, without its arguments: for one more of it."""
    spec = sys.modules["__main__"].__spec__
    if spec is None:
        return [sys.executable, sys.argv[0]]
    # By its path a module of a package would have that package's folder as its own.
    return [sys.executable, "-m", spec.name.removesuffix(".__main__")]


def command_name(command: Sequence[str]) -> str:
    """What the program of `command` is asked to do: `worker`, say, however it is started."""
    return command[3 if command[1] == "-m" else 2]


class Supervisor:
    """Keeps one process alive for each of `commands`.

    Each has the reading end of a pipe as its stdin, which ends when this process does.
    """

    def __init__(self, commands: Sequence[Sequence[str]]) -> None:
        self._children = [_Child(command) for command in commands]
        self._asked: list[int] = []

    def run(self) -> int:
        """Start them, again and again, until a signal; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda asked, _: self._asked.append(asked))
        while not self._asked:
            for child in self._children:
                child.tend()
            time.sleep(LOOK_SECONDS)
        return self._stop()

    def _stop(self) -> int:
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children:
            child.send(signal.SIGTERM)
        handled = 1
        while any(child.is_running for child in self._children):
            # Whoever asks a second time does not want to wait.
            for number in self._asked[handled:]:
                for child in self._children:
                    child.send(number)
            handled = len(self._asked)
            if time.monotonic() > deadline:
                log.error("killing what did not stop in %s s", STOP_SECONDS)
                for child in self._children:
                    child.send(signal.SIGKILL)
                deadline += STOP_SECONDS
            time.sleep(LOOK_SECONDS)
        codes = {child.code for child in self._children}
        return 0 if codes <= {0, -signal.SIGTERM, None} else 1


class _Child:
    """One process and its successors."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._started_at = 0.0
        self._again_at: float | None = 0.0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """What it ended with; None for one that waits to be started."""
        if self._process is None or self._again_at is not None:
            return None
        return self._process.returncode

    def tend(self) -> None:
        """Start it where it is time; where it has ended, see when it is."""
        if self.is_running:
            return
        now = time.monotonic()
        if self._again_at is None:
            self._put_off(now)
        elif now >= self._again_at:
            self._start(now)

    def send(self, number: int) -> None:
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    def _start(self, now: float) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command, stdin=subprocess.PIPE
        )
        self._started_at = now
        self._again_at = None

    def _put_off(self, now: float) -> None:
        if self._process is None:
            return
        if now - self._started_at > LONGEST_PAUSE_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        log.warning(
            "process %s (%s) ended with %s; again in %s s",
            self._process.pid,
            command_name(self._command),
            self._process.returncode,
            self._pause,
        )
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._again_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
