"""Fixtures for all tests: which database, a PostgreSQL, processes, a browser.

`DATABASE_URL` decides on which database, without it SQLite. `make test` runs all tests on
SQLite, and on PostgreSQL those that depend on it (tests/support/one_database.py). Tests
that cannot run here call `pytest.skip` with a sentence; `make test` lists whatever ran
on neither database, and under CI that is a failure.
"""

import gc
import json
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models.signals import post_migrate
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError
from whitenoise.middleware import WhiteNoiseMiddleware

from tests.support import chromium, failed_pages, one_database, postgres
from tests.support.copied import begin_with_a_copy
from tests.support.databases import Databases
from tests.support.emptying import empty_quickly
from tests.support.folders import place_for_databases
from tests.support.one_browser import OneBrowser
from tests.support.server import Processes
from workflows.wiring import APPEND_ONLY

# Tests that are not about taking a decision back do not wait for it, in any process.
os.environ["UNDO_SECONDS"] = "0"
settings.UNDO_SECONDS = 0
# Nor do those that are not about how often a program may ask.
os.environ["API_RATE"] = settings.API_RATE = ""
# A password is to be checked here, not to be hard to guess: that takes 0.4 s each time.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A patient look costs nothing where it finds what it wants, and machines of CI are slow.
expect.set_options(timeout=30_000)
COLLECT_AFTER = 10_000
UNDER_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def cannot_run(why: str) -> None:
    """Skip with a reason; under CI what cannot run is a failure."""
    if UNDER_CI:
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def db_kind() -> str:
    """The database of this process: sqlite or postgresql."""
    return "postgresql" if settings.IS_POSTGRESQL else "sqlite"


@pytest.fixture(scope="session")
def database_folder() -> Iterator[Path]:
    """Where the files of SQLite's databases lie."""
    with TemporaryDirectory(
        prefix="durableweb-", dir=place_for_databases(), ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, database_folder: Path
) -> Iterator[None]:
    """Put SQLite's test database into a file: threads and processes share it then.

    It begins as a copy where `make test` has migrated one already.
    """
    database = settings.DATABASES["default"]
    if not settings.IS_POSTGRESQL:
        file = database_folder / "test.sqlite3"
        database.setdefault("TEST", {})["NAME"] = str(file)
    with pytest.MonkeyPatch.context() as patched:
        begin_with_a_copy(patched)
        yield


@pytest.fixture(scope="session", autouse=True)
def _tables_can_be_emptied() -> None:
    """Leave out the triggers that keep the audit: tests empty their tables at the end."""
    app = apps.get_app_config("workflows")
    post_migrate.disconnect(sender=app, dispatch_uid=APPEND_ONLY)


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly() -> Iterator[None]:
    """Tests that commit leave the database as they found it, without Django's flush."""
    with pytest.MonkeyPatch.context() as patched:
        empty_quickly(patched)
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_listed_once() -> Iterator[None]:
    """Each client of a test makes its own middleware, which would read two hundred files.

    That took 30 ms of the processor a client, a third of some pages' tests.
    """
    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, dict[str, Any]] = {}

    def look_once(middleware: WhiteNoiseMiddleware) -> None:
        prefix = middleware.static_prefix
        if prefix not in found:
            look(middleware)
            found[prefix] = dict(middleware.files)
        middleware.files.update(found[prefix])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(WhiteNoiseMiddleware, "add_files_from_finders", look_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_sessions_left(
    request: pytest.FixtureRequest, _tables_can_be_emptied: None
) -> Iterator[None]:
    """Let PostgreSQL drop the test database while idle threads keep a connection to it.

    Threads of the engine's pool and of asgiref keep theirs until they end, which may be later
    than the last test.
    """
    if not settings.IS_POSTGRESQL:
        yield
        return
    blocker = request.getfixturevalue("django_db_blocker")
    request.getfixturevalue("django_db_setup")
    yield
    if not connection.settings_dict["NAME"].startswith("test_"):
        return  # no test wanted a database, so there is none
    with blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def pg_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server that is started when somebody asks for its URL."""
    cluster = postgres.Cluster()
    yield cluster
    cluster.stop()


def url_of(cluster: postgres.Cluster) -> str:
    """Start the server if it does not run yet; without any the test cannot run."""
    try:
        return cluster.start().url
    except postgres.NoPostgresError as error:
        cannot_run(str(error))
        raise


@pytest.fixture(scope="session")
def pg_url(pg_cluster: postgres.Cluster) -> str:
    """The URL of the maintenance database of a PostgreSQL server."""
    return url_of(pg_cluster)


@pytest.fixture(scope="session")
def databases(
    pg_cluster: postgres.Cluster, database_folder: Path
) -> Iterator[Databases]:
    """Fresh databases for server processes: `databases.new("sqlite")`."""
    made = Databases(database_folder, lambda: url_of(pg_cluster))
    yield made
    made.drop_all()


@pytest.fixture
def fresh_pg_database(databases: Databases) -> str:
    """The URL of an empty PostgreSQL database of this test's own."""
    return databases.empty()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Starts `manage.py serve` and `worker`; stops what the test leaves running."""
    started = Processes(tmp_path)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium of this machine, installed if there was none."""
    try:
        return chromium.find_or_install()
    except chromium.NoChromiumError as error:
        cannot_run(str(error))
        raise


@pytest.fixture(scope="session")
def one_browser(chromium_path: str) -> Iterator[OneBrowser]:
    """The browser of this run, opened when the first module asks for it."""
    made = OneBrowser(chromium_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser(one_browser: OneBrowser) -> Iterator[Browser]:
    """A real browser for one module's tests.

    Playwright's event loop runs in this thread while a module has it, so its tests
    neither touch the ORM nor are coroutines: they look at a server process through the
    page.
    """
    with one_browser.lent() as lent:
        yield lent


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies of earlier tests."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(60_000)
    yield opened
    # A request may be on its way through a test's own hands: that is no fault of the next test.
    for each in opened.pages:
        with suppress(PlaywrightError):  # one that is being closed
            each.unroute_all(behavior="ignoreErrors")
    opened.unroute_all(behavior="ignoreErrors")
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab of that browser."""
    return context.new_page()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what need not be run on PostgreSQL too."""
    one_database.mark(items)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported, which stays to the end.

    It also looks less often than at every 700 new objects: a test makes many that live
    for a moment, and to look at them over and over took a fifteenth of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what its pages showed and its servers said."""
    report = yield
    if report.failed and call.when in {"setup", "call"}:
        used = getattr(item, "funcargs", {})
        report.sections.extend(failed_pages.sections(used))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell `make test` what ran here and what did not, if it asked to be told."""
    path = os.environ.get("TEST_OUTCOMES")
    if not path:
        return
    outcomes: dict[str, str] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"
        outcomes[report.nodeid] = str(reason).removeprefix("Skipped: ")
    for kind in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(kind, []):
            outcomes[report.nodeid] = ""
    Path(path).write_text(json.dumps(outcomes))
