"""What `make test` does, and one summary at the end.

Stages: `check`, `sqlite` (all tests) and `postgresql` (again those to which the database
matters). Their jobs run side by side, two more than there are processors, because those
with servers wait most of their time; the longest begin. A job that fails does not
stop the others. What could not run is told at the end, and with CI=true in the
environment it is a failure.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support import chromium, postgres  # noqa: E402
from tests.support.databases import variable  # noqa: E402
from tests.support.folders import place_for_databases  # noqa: E402

UNDER_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
ON_BOTH_DATABASES = (
    *("tests/storage", "tests/services", "tests/worker", "tests/web", "tests/api"),
    *("tests/live", "tests/permissions", "tests/demo"),
)
# Servers, workers and browsers are processes of their own there.
STORIES = ("tests/acceptance",)
SCREENS = ("tests/screens",)
SERVERS = ("tests/worker", "tests/live", "tests/demo")
WITH_PROCESSES = (*STORIES, *SCREENS, *SERVERS)
# The engine by itself: the half of the work that needs no page.
ENGINE = ("tests/conformance", "tests/engine")
NO_TESTS_COLLECTED = 5
AT_ONCE = min(6, (os.cpu_count() or 1) + 2)
STILL_SECONDS = 30


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


@dataclass
class Job:
    """One command with its output kept: several run side by side, each is shown whole."""

    name: str
    command: list[str]
    env: dict[str, str]
    usual_seconds: float = 0.0
    is_pytest: bool = True
    code: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    output: str = ""
    outcomes: dict[str, str] = field(default_factory=dict)

    def run(self) -> "Job":
        """Run it to its end."""
        begun = time.monotonic()
        with TemporaryDirectory() as folder:
            told, said = Path(folder) / "outcomes.json", Path(folder) / "said"
            with said.open("wb") as out:
                started = subprocess.Popen(
                    self.command,
                    cwd=ROOT,
                    env=self.env | {"TEST_OUTCOMES": str(told)},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
                _, status, used = os.wait4(started.pid, 0)
            self.outcomes = json.loads(told.read_text()) if told.exists() else {}
            self.output = said.read_text(errors="replace")
        started.returncode = self.code = os.waitstatus_to_exitcode(status)
        self.seconds = time.monotonic() - begun
        self.processor_seconds = used.ru_utime + used.ru_stime
        return self

    def tell(self, report: Report) -> None:
        """Print what it said, and add its line to the report."""
        headline(self.name)
        print(self.output, flush=True)
        # Chromium waits for none of its processes, so what they took is not counted.
        but = ", but for Chromium" if {*STORIES, *SCREENS} & {*self.command} else ""
        worked = f"processor: {self.processor_seconds:.0f} s{but}"
        took = f"{self.seconds:.0f} s ({worked})"
        if not self.is_pytest:
            word = "FAILED" if self.code else "passed"
            report.add(f"{self.name}: {word} in {took}", good=not self.code)
            return
        skipped = {test: reason for test, reason in self.outcomes.items() if reason}
        ran = len(self.outcomes) - len(skipped)
        report.skipped |= skipped
        report.passed |= self.outcomes.keys() - skipped.keys()
        if self.code == NO_TESTS_COLLECTED:
            report.missing.append(f"{self.name}: no test was found")
        elif self.code:
            report.add(f"{self.name}: FAILED ({ran} ran, {took})", good=False)
        else:
            report.add(f"{self.name}: {ran} passed in {took}", good=True)


def pytest(name: str, seconds: float, env: dict[str, str], *words: str) -> Job:
    """A run of pytest that takes about so long; `env` decides the database."""
    command = [sys.executable, "-m", "pytest", "-q", "--durations=8", *words]
    return Job(name, command, env, seconds)


def check(env: dict[str, str]) -> list[Job]:
    """`make check`."""
    if UNDER_CI:
        # In a clean clone mypy has nothing to begin with, and nobody would read what it keeps.
        env = env | {"MYPY_CACHE_DIR": os.devnull}
    # The last job: its parts share what processors the others have left.
    side_by_side = ["make", "check", f"-j{AT_ONCE}"]
    return [Job("Checks", side_by_side, env, is_pytest=False)]


def on_sqlite(env: dict[str, str]) -> list[Job]:
    """All tests, on SQLite; stories that need PostgreSQL too find it in the environment."""
    without = {name: value for name, value in env.items() if name != "DATABASE_URL"}
    others = [f"--ignore={path}" for path in (*WITH_PROCESSES, *ENGINE)]
    return [
        pytest("Stories", 340, without, *STORIES),
        pytest("Screens", 300, without, *SCREENS),
        pytest("The engine", 280, without, *ENGINE),
        pytest("Tests on SQLite", 260, without, "tests", *others),
        pytest("Tests with servers", 190, without, *SERVERS),
    ]


def on_postgresql(env: dict[str, str]) -> list[Job]:
    """The tests to which the database matters, on PostgreSQL."""
    server = env.get("TEST_POSTGRES_URL")
    if server is None:
        return []

    def given(letter: str) -> dict[str, str]:
        # Django connects to it only to make the test database beside it.
        name = f"durableweb_{os.getpid()}_{letter}"
        return env | {"DATABASE_URL": postgres.with_database(server, name)}

    paths = [path for path in ON_BOTH_DATABASES if (ROOT / path).is_dir()]
    servers = [path for path in paths if path in WITH_PROCESSES]
    apart = ("-m", "not one_database")
    others = [path for path in paths if path not in WITH_PROCESSES]
    return [
        pytest("Tests with servers, on PostgreSQL", 340, given("a"), *apart, *servers),
        pytest("Tests on PostgreSQL", 250, given("b"), *apart, *others),
    ]


def run_all(jobs: list[Job], report: Report) -> None:
    """Run the jobs, AT_ONCE of them side by side, the longest first."""
    headline(f"{len(jobs)} jobs, {AT_ONCE} at once; each is shown when it ends")
    begun, busy_before = time.monotonic(), busy_seconds()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        longest_first = sorted(jobs, key=lambda job: -job.usual_seconds)
        waiting = {pool.submit(job.run) for job in longest_first}
        while waiting:
            ended, waiting = wait(waiting, STILL_SECONDS, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result().tell(report)
            if not ended:
                print(f"... {time.monotonic() - begun:.0f} s", flush=True)
    took = time.monotonic() - begun
    share = (busy_seconds() - busy_before) / (took * (os.cpu_count() or 1))
    busy = f", the processors busy for {share:.0%} of it" if busy_before else ""
    report.lines.append(f"All of it: {took:.0f} s{busy}")


def busy_seconds() -> float:
    """How long the processors have worked since the machine started; 0 where none tells it."""
    told = Path("/proc/stat")
    if not told.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, *_ = map(
        int, told.read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


STAGES: dict[str, Callable[[dict[str, str]], list[Job]]] = {
    "sqlite": on_sqlite,
    "postgresql": on_postgresql,
    "check": check,
}


def keep_bytecode(env: dict[str, str], folder: Path) -> None:
    """Compile each module once, not in each of some three hundred processes.

    Images of CI tell Python to keep no bytecode, and uv compiles nothing: a process of the
    product then starts in 3.4 seconds of a processor instead of 1.3.
    """
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env["PYTHONPYCACHEPREFIX"] = str(folder)


@contextmanager
def models(env: dict[str, str], stages: list[str]) -> Iterator[None]:
    """A migrated database of each kind, whose copies are the databases of the tests."""
    server = env.get("TEST_POSTGRES_URL")
    with TemporaryDirectory(prefix="durableweb-", dir=place_for_databases()) as folder:
        urls = {}
        if "sqlite" in stages:
            urls["sqlite"] = f"sqlite:///{folder}/model.sqlite3"
        if server:
            urls["postgresql"] = postgres.create_database(server, prefix="model")
        try:
            with ThreadPoolExecutor() as pool:
                done = pool.map(lambda url: migrate(url, env), urls.values())
            # Where it fails the tests migrate for themselves, and tell.
            env |= {
                variable(kind): url
                for (kind, url), good in zip(urls.items(), done, strict=True)
                if good
            }
            yield
        finally:
            if "postgresql" in urls:
                postgres.drop_database(urls["postgresql"])


def migrate(url: str, env: dict[str, str]) -> bool:
    """Make the product's tables in that database."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    here = env | {"DATABASE_URL": url}
    done = subprocess.run(
        command, cwd=ROOT, env=here, stdin=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


@contextmanager
def surroundings(report: Report, stages: list[str]) -> Iterator[dict[str, str]]:
    """The environment of the stages: a browser's path and a PostgreSQL server's URL."""
    env = dict(os.environ)
    bytecode = TemporaryDirectory(prefix="durableweb-bytecode-")
    keep_bytecode(env, Path(bytecode.name))
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
        with models(env, stages):
            yield env
    finally:
        cluster.stop()
        bytecode.cleanup()


def main() -> int:
    """Run the stages named on the command line, or all of them."""
    stages = sys.argv[1:] or list(STAGES)
    report = Report()
    with surroundings(report, stages) as env:
        jobs = [
            job for name, make in STAGES.items() if name in stages for job in make(env)
        ]
        run_all(jobs, report)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
