"""One server with all states in its rows, one browser, one tab a person."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.databases import Databases
from tests.support.server import Processes, manage

PEOPLE = {
    "demo": ["reviewer", "operator"],
    "viewer": ["viewer"],
    "admin": ["admin"],
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
            context.set_default_timeout(15_000)
            if person:
                value = self._sessions[person]
                context.add_cookies(
                    [{"name": "sessionid", "value": value, "url": self.url}]
                )
            self._pages[person] = context.new_page()
        return self._pages[person]


@pytest.fixture(scope="module")
def desk(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """Filled, then served."""
    url = databases.new("sqlite")
    enter = f"from tests.acceptance.people import enter; enter({PEOPLE!r}); "
    said = manage(
        url, "shell", "-c", f"{enter}from tests.screens.rows import fill; fill()"
    )
    found = dict(re.findall(r"^(names|sessions) (.*)$", said, re.MULTILINE))
    names = json.loads(found["names"])
    processes = Processes(tmp_path_factory.mktemp("screens"))
    # The undo is there as long as the screen is looked at.
    server = processes.serve(url, env={"UNDO_SECONDS": "600"})
    yield Desk(server.url, names, json.loads(found["sessions"]))
    processes.stop()
