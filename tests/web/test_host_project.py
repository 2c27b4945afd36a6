"""The project in tests/host has settings of its own, so its tests run in a process of theirs."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_tests_of_the_host_project_pass():
    url = os.environ.get("DATABASE_URL")
    # A database beside the one that this process tests with.
    env = os.environ | ({"DATABASE_URL": f"{url}_host"} if url else {})
    words = ["-q", "--ds=tests.host.settings", "tests/host"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-8000:]
    assert re.search(r"\b[12][0-9] passed", ended.stdout), ended.stdout[-2000:]
