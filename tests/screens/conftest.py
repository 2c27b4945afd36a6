"""One server with all states in its rows, one browser, one tab a person."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.conftest import Visitor
from tests.support.databases import Databases
from tests.support.entering import enter
from tests.support.server import Processes, manage

PEOPLE = {
    "demo": ["reviewer", "operator"],
    "viewer": ["viewer"],
    "admin": ["admin"],
    "operator": ["operator"],
    "other": ["reviewer"],
    "nobody": [],
}


class Desk:
    """The site with its people, and what the rows are called."""

    def __init__(
        self, url: str, names: dict[str, Any], sessions: dict[str, str]
    ) -> None:
        self.url = url
        self.names = names
        self._sessions = sessions
        self._pages: dict[str, Page] = {}

    def page(self, browser: Browser, person: str) -> Page:
        """The tab of that person, opened once."""
        if person not in self._pages:
            context = browser.new_context(reduced_motion="reduce")
            context.set_default_timeout(60_000)
            if person:
                value = self._sessions[person]
                context.add_cookies(
                    [{"name": "sessionid", "value": value, "url": self.url}]
                )
            self._pages[person] = context.new_page()
        return self._pages[person]


def wait_for_question(demo: Visitor) -> dict[str, Any]:
    """A real run that asks: its question and its thread have a state."""
    wish = {"input/name": "Ada", "input/age": "5", "input/more": '{"b": [1, 2]}'}
    run = demo.start("wishes", **wish)
    deadline = time.monotonic() + 120
    while "Waits for a person" not in demo.status(run):
        assert time.monotonic() < deadline, demo.status(run)
        time.sleep(0.2)
    names = {"real": demo.question(run), "real_thread": demo.thread(run).split("/")[2]}
    demo.http.close()
    return names


@pytest.fixture(scope="module")
def desk(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """Filled, then served."""
    url = databases.new("sqlite")
    folder = tmp_path_factory.mktemp("screens")
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
        "TEST_VAR_DIR": str(folder),
        # The undo is there as long as the screen is looked at.
        "UNDO_SECONDS": "600",
    }
    sessions = enter(url, PEOPLE)
    script = "from tests.screens.rows import fill; fill()"
    said = manage(url, "shell", "-c", script, env=env)
    names = json.loads(re.search(r"^names (.*)$", said, re.MULTILINE).group(1))
    processes = Processes(folder)
    server = processes.serve(url, env=env)
    try:
        names |= wait_for_question(Visitor("demo", sessions["demo"], server.url))
        yield Desk(server.url, names, sessions)
    finally:
        processes.stop()
