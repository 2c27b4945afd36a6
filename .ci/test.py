"""What `make test` does, stage by stage, and one summary at the end.

Stages: `check`, `sqlite` (all tests) and `postgresql` (the tests that touch the
database, again). A stage that fails does not stop the next. What could not run is
told at the end, and with CI=true in the environment it is a failure.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support import chromium, postgres  # noqa: E402

UNDER_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
ON_BOTH_DATABASES = (
    *("tests/storage", "tests/services", "tests/worker", "tests/web"),
    *("tests/live", "tests/api", "tests/admin", "tests/demo"),
)
NO_TESTS_COLLECTED = 5


@dataclass
class Report:
    """What ran, what failed and what could not be run."""

    lines: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, line: str, *, good: bool) -> None:
        """Remember one stage's closing line."""
        self.lines.append(line)
        if not good:
            self.failed.append(line)

    def close(self) -> int:
        """Print the summary; returns the exit code."""
        for test, reason in sorted(self.skipped.items()):
            if test not in self.passed:
                self.missing.append(f"{test}: {reason}")
        headline("SUMMARY")
        for line in self.lines:
            print(line)
        if self.missing:
            print(f"\n!! COULD NOT RUN ({len(self.missing)}):")
            for line in self.missing:
                print(f"!!   {line}")
            print("!! Under CI this is a failure." if UNDER_CI else "")
        good = not self.failed and not (UNDER_CI and self.missing)
        print("\nALL GOOD" if good else "\nFAILED")
        return 0 if good else 1


def headline(text: str) -> None:
    """Say what comes now."""
    print(f"\n==== {text} ".ljust(78, "="), flush=True)


def check(report: Report, env: dict[str, str]) -> None:
    """Run `make check`."""
    headline("make check")
    begun = time.monotonic()
    code = subprocess.call(["make", "check"], cwd=ROOT, env=env)
    took = f"{time.monotonic() - begun:.0f} s"
    report.add(f"Checks: {'FAILED' if code else 'passed'} in {took}", good=not code)


def pytest(report: Report, env: dict[str, str], name: str, paths: list[str]) -> None:
    """Run the tests under `paths` once; `env` decides the database."""
    headline(f"pytest on {name}")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "outcomes.json"
        code = subprocess.call(
            [sys.executable, "-m", "pytest", "-q", "--durations=8", *paths],
            cwd=ROOT,
            env=env | {"TEST_OUTCOMES": str(told)},
        )
        outcomes = json.loads(told.read_text()) if told.exists() else {}
    skipped = {test: reason for test, reason in outcomes.items() if reason}
    report.skipped |= skipped
    report.passed |= outcomes.keys() - skipped.keys()
    took = f"{time.monotonic() - begun:.0f} s"
    counted = f"{len(outcomes) - len(skipped)} ran"
    if code == NO_TESTS_COLLECTED:
        report.missing.append(f"tests on {name}: none were found")
    elif code:
        report.add(f"Tests on {name}: FAILED ({counted}, {took})", good=False)
    else:
        passed = f"{len(outcomes) - len(skipped)} passed"
        report.add(f"Tests on {name}: {passed} in {took}", good=True)


def on_sqlite(report: Report, env: dict[str, str]) -> None:
    """All tests, on SQLite; stories that need PostgreSQL too find it in the environment."""
    without = {name: value for name, value in env.items() if name != "DATABASE_URL"}
    pytest(report, without, "SQLite", ["tests"])


def on_postgresql(report: Report, env: dict[str, str]) -> None:
    """The tests that touch the database, on PostgreSQL."""
    server = env.get("TEST_POSTGRES_URL")
    if server is None:
        return
    # Django connects to it only to make the test database beside it.
    url = postgres.with_database(server, f"durableweb_{os.getpid()}")
    paths = [path for path in ON_BOTH_DATABASES if (ROOT / path).is_dir()]
    pytest(report, env | {"DATABASE_URL": url}, "PostgreSQL", paths)


STAGES: dict[str, Callable[[Report, dict[str, str]], None]] = {
    "check": check,
    "sqlite": on_sqlite,
    "postgresql": on_postgresql,
}


@contextmanager
def surroundings(report: Report, stages: list[str]) -> Iterator[dict[str, str]]:
    """The environment of the stages: a browser's path and a PostgreSQL server's URL."""
    env = dict(os.environ)
    cluster = postgres.Cluster()
    if stages != ["check"]:
        headline("a PostgreSQL and a Chromium")
        try:
            env["TEST_POSTGRES_URL"] = cluster.start().url
            print("PostgreSQL:", "the given one" if cluster.is_given else cluster.url)
        except postgres.NoPostgresError as error:
            report.missing.append(f"tests on PostgreSQL: {error}")
    if "sqlite" in stages:
        try:
            env["CHROMIUM"] = chromium.find_or_install()
            print("Chromium:", env["CHROMIUM"])
        except chromium.NoChromiumError as error:
            report.missing.append(f"tests in a browser: {error}")
    try:
        yield env
    finally:
        cluster.stop()


def main() -> int:
    """Run the stages named on the command line, or all of them."""
    stages = sys.argv[1:] or list(STAGES)
    report = Report()
    with surroundings(report, stages) as env:
        for stage in stages:
            STAGES[stage](report, env)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
