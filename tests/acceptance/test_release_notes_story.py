"""From the demo's log-in to written release notes, in a real browser."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.acceptance.conftest import Site
from tests.acceptance.line import Line
from tests.support.pictures import take
from tests.support.server import Process, Server

NOTE = "- You can now pay in four currencies"
SUBJECTS = ("Add the first prices", "Fix the sum of a bill", "Remove the old prices")
DONE = "Done"
WAIT_MS = 60_000


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small git repository with a tag and three commits after it."""
    path = tmp_path / "shop"
    path.mkdir()

    def git(*words: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *words], cwd=path, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("commit", "--allow-empty", "-m", "Begin")
    git("tag", "v1.0")
    for subject in SUBJECTS:
        git("commit", "--allow-empty", "-m", subject)
    return path


@pytest.fixture
def line(site: Site) -> Iterator[Line]:
    """The line by which the watching tab reaches the server."""
    line = Line(site.port)
    yield line
    line.close()


def password(server_output: str) -> str:
    """The password of `demo`, as the console shows it."""
    return re.search(r"^\s*demo\s+password (\S+)", server_output, re.MULTILINE).group(1)


def log_in(page: Page, url: str, secret: str) -> None:
    page.goto(f"{url}/")
    page.get_by_label("Name").fill("demo")
    page.get_by_label("Password").fill(secret)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{url}/queue/")


def is_live(page: Page) -> None:
    expect(page.locator("#connection")).to_have_attribute(
        "data-state", "live", timeout=WAIT_MS
    )


def shown(page: Page) -> list[int]:
    """The numbers of the timeline as they stand on the page."""
    ids = page.locator("#timeline li[id]").evaluate_all("all => all.map(li => li.id)")
    return [int(each.removeprefix("event-")) for each in ids]


def start_release_notes(page: Page, url: str, repository: Path) -> None:
    page.goto(f"{url}/start/")
    page.get_by_role("link", name="Release notes").click()
    page.get_by_label("Repository").fill(str(repository))
    page.get_by_label("Range").fill("v1.0..HEAD")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Started Release notes")).to_be_visible()


def show_held_rows(queue: Page, question: Locator) -> None:
    """Press the pill until the row of the question is there: other rows may come first."""
    pill = queue.locator("#queue-new")
    deadline = time.monotonic() + WAIT_MS / 1000
    while not question.is_visible():
        assert time.monotonic() < deadline, "no row of the question"
        if pill.is_visible():
            # Between the look and the press it may be gone again.
            with suppress(PlaywrightError):
                pill.click(timeout=WAIT_MS / 4)
        queue.wait_for_timeout(50)


def edit_the_notes(page: Page) -> None:
    """Add a line and see the server's list of changes."""
    notes = page.get_by_label("Notes")
    for subject in SUBJECTS:
        assert subject in notes.input_value()
    notes.fill(notes.input_value().rstrip("\n") + f"\n{NOTE}\n")
    added = page.locator("#diff .diff-line[data-sign=added]")
    expect(added).to_have_count(1)
    expect(added).to_contain_text(NOTE)
    expect(page.locator("#diff .diff-line[data-sign=removed]")).to_have_count(0)


def written(site: Site) -> list[Path]:
    return list((site.folder / "release-notes").glob("shop-v1-0-HEAD-*.md"))


def wait_for_the_file(site: Site) -> None:
    deadline = time.monotonic() + WAIT_MS / 1000
    while not written(site):
        assert time.monotonic() < deadline, site.output()
        time.sleep(0.05)


class Story:
    """A site with a server, and on PostgreSQL a worker beside it."""

    def __init__(self, site: Site, repository: Path) -> None:
        self.site = site
        site.env["DEMO_GIT_REPOSITORIES"] = str(repository)
        self.worker: Process | None = None
        if site.kind == "sqlite":
            self.server = site.demo()
            self.password = password(self.server.output())
        else:
            self.password = password(site.manage("demo"))
            self.worker = site.work()
            self.server = self._serve()

    def _serve(self) -> Server:
        # The sample runs fetch pages of this very server.
        return self.site.serve(DEMO_ALLOW_PRIVATE_ADDRESSES="1")

    def restart(self) -> None:
        """Kill the server as a power cut would, and start it again on its port."""
        self.server.kill9()
        self.server = self.site.demo() if self.worker is None else self._serve()


@pytest.fixture
def story(site: Site, repository: Path) -> Story:
    return Story(site, repository)


def test_a_release_is_noted(
    story: Story, line: Line, repository: Path, context: BrowserContext
) -> None:
    url, site = story.server.url, story.site
    page, queue, watching = context.new_page(), context.new_page(), context.new_page()
    faults: list[str] = []
    context.on("weberror", lambda fault: faults.append(str(fault.error)))

    log_in(page, url, story.password)
    queue.goto(f"{url}/queue/")
    is_live(queue)
    start_release_notes(page, url, repository)

    # It waits, and the queue says so without being loaded again.
    title = "Release notes of shop: 3 commits in v1.0..HEAD"
    question = queue.get_by_role("link", name=title)
    show_held_rows(queue, question)
    status = page.locator("#thread-status")
    expect(status).to_contain_text("Waits for a person", timeout=WAIT_MS)

    take(queue, "story: it waits in the queue")

    # The thread is watched by a line of its own.
    thread = page.locator(".page-sub a[href^='/threads/']").get_attribute("href")
    watching.goto(f"{line.url}{thread}")
    is_live(watching)
    before = shown(watching)
    assert before == list(range(1, len(before) + 1))

    # The server is killed and comes back: the page finds it again by itself.
    story.restart()
    is_live(watching)
    assert shown(watching) == before

    # The line is cut; a person edits and approves, and the run ends meanwhile.
    line.cut()
    expect(watching.locator("#connection")).not_to_have_attribute("data-state", "live")
    question.click()
    edit_the_notes(queue)
    take(queue, "story: edited, before it is approved")
    take(watching, "story: the line is cut")
    if story.worker is not None:
        story.worker.send(signal.SIGSTOP)
    queue.get_by_role("button", name="Approve").click()
    # Not what is read out, which goes on with what is next.
    expect(
        queue.get_by_text(re.compile(r"^Approved with changes: #\d+$"))
    ).to_be_visible()
    if story.worker is not None:
        # What the worker does now, no server sees.
        story.server.kill9()
        story.worker.send(signal.SIGCONT)
        wait_for_the_file(site)
        story.restart()
    wait_for_the_file(site)
    assert shown(watching) == before
    # The page of the run was open all the time and has followed.
    expect(page.locator("#thread-status")).to_contain_text(DONE, timeout=WAIT_MS)

    line.mend()
    expect(watching.locator("#thread-status")).to_contain_text(DONE, timeout=WAIT_MS)
    is_live(watching)
    live = shown(watching)
    assert live == list(range(1, len(live) + 1))
    assert len(live) > len(before)
    watching.reload()
    assert shown(watching) == live
    take(page, "story: the run has ended")

    [file] = written(site)
    assert file.read_text().endswith(f"{NOTE}\n")
    assert faults == []
    site.assert_quiet()
