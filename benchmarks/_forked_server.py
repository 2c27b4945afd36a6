"""Lives of a server that begin in a moment: a process that has loaded everything forks them.

For each line on stdin a server is forked, on the port that is given; its number is printed,
and "gone" when it has ended. What is killed is a whole process, as if it had been started
anew; only loading the code, some seconds on a busy machine, is done once for all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.server import ROOT


class ForkedServers:
    """Serves one site, life after life; `is_answering` says when a life has begun."""

    def __init__(
        self, env: Mapping[str, str], port: int, is_answering: Callable[[], bool]
    ) -> None:
        self._is_answering = is_answering
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "benchmarks._forked_server", str(port)],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._life = 0

    def serve(self) -> ForkedServers:
        """Begin a life; returns when it answers."""
        self._write("serve")
        self._life = int(self._read())
        while not self._is_answering():
            assert Path(f"/proc/{self._life}").exists(), "the server ended"
        return self

    def kill9(self) -> None:
        """End this life as a power cut would."""
        os.kill(self._life, signal.SIGKILL)
        assert self._read() == "gone"

    def stop(self) -> None:
        """End it, and let no other begin."""
        if self._life and Path(f"/proc/{self._life}").exists():
            os.kill(self._life, signal.SIGKILL)
        self._parent.communicate(timeout=30)

    def _write(self, text: str) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{text}\n")
        self._parent.stdin.flush()

    def _read(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()


def main(port: int) -> None:
    """Load everything, then fork a life for each line."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.template.loader import get_template
    from django.urls import reverse
    from django.utils.module_loading import import_string

    django.setup()
    import_string(settings.ASGI_APPLICATION)
    reverse("workflows:queue")
    folder = ROOT / "templates"
    for each in folder.rglob("*.html"):
        get_template(str(each.relative_to(folder)))
    for _ in sys.stdin:
        life = os.fork()
        if not life:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            call_command("serve", port=port, with_worker=True)
            os._exit(0)
        print(life, flush=True)
        os.waitpid(life, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
