"""The runs that the demo starts, once each."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from durableweb.demo import conf
from durableweb.demo.git_history import HistoryError, read_history
from durableweb.demo.invoices import SAMPLE_FILE

RECENT = "HEAD~30..HEAD"


@dataclass(frozen=True)
class SampleRun:
    """One run to start. Where `obstacle` is set it cannot run here, and that is why."""

    graph: str
    title: str
    input: dict[str, Any]
    obstacle: str = ""


def sample_runs(public_url: str) -> Iterator[SampleRun]:
    """Yield the runs; pages are fetched from the server at `public_url`."""
    pages = f"{public_url.rstrip('/')}/demo/pages"
    yield _release_notes()
    yield SampleRun(
        "invoice_review",
        "Sample invoices, autumn 2026",
        {"csv": SAMPLE_FILE.read_text(encoding="utf-8")},
    )
    yield SampleRun("fetch_page", "Museum: welcome", {"url": f"{pages}/welcome/"})
    yield SampleRun(
        "fetch_pages",
        "Museum: hours and prices",
        {
            "urls": [
                f"{pages}/opening-hours/",
                f"{pages}/prices/",
                # Refuses every other request, so a retry can be seen at work.
                f"{pages}/busy/",
            ]
        },
    )


def _release_notes() -> SampleRun:
    allowed = conf.git_repositories()
    if not allowed:
        return _no_notes("DEMO_GIT_REPOSITORIES lists no repository")
    path = allowed[0]
    if shutil.which("git") is None:
        return _no_notes("git is not installed")
    if not (path / ".git").exists():
        return _no_notes(f"{path} is no git checkout")
    try:
        read_history(str(path), RECENT, allowed=allowed)
        span = RECENT
    except HistoryError:
        # A young or a shallow repository.
        span = "HEAD"
    return SampleRun(
        "release_notes",
        f"Release notes of {path.name}",
        {"repository": str(path), "range": span},
    )


def _no_notes(obstacle: str) -> SampleRun:
    return SampleRun("release_notes", "", {}, obstacle)
