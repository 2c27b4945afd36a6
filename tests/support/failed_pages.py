"""What a browser showed and what the servers said when a test failed, for its report.

CI keeps no pictures: the text of the pages is what tells why a test failed there only.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError

from tests.support.server import Process, Processes

TEXT_MS = 5_000
LAST_LINES = 60
FOCUS = """() => {
  const has = document.activeElement;
  return has ? has.outerHTML.slice(0, 200) : "nothing";
}"""

Section = tuple[str, str]


def sections(used: Mapping[str, Any]) -> Iterator[Section]:
    """Titles and texts for the values of the fixtures that a failed test has used."""
    context = used.get("context")
    if isinstance(context, BrowserContext):
        for page in context.pages:
            yield f"page {page.url}", _told(page)
    for process in _processes(used.values()):
        lines = process.output().splitlines()[-LAST_LINES:]
        if lines:
            yield f"last lines of {' '.join(process.command)}", "\n".join(lines)


def _told(page: Page) -> str:
    try:
        text = page.locator("body").inner_text(timeout=TEXT_MS)
        return f"{text}\n-- the focus is on: {page.evaluate(FOCUS)}"
    except PlaywrightError as error:
        return f"cannot be read: {error}"


def _processes(values: Iterable[Any]) -> list[Process]:
    """The processes behind `processes`, a site, or what holds a site; each once."""
    found: dict[int, Process] = {}
    for value in values:
        site = getattr(value, "site", value)
        owner = getattr(site, "processes", site)
        if isinstance(owner, Processes):
            found |= {id(process): process for process in owner.started}
    return [*found.values()]
