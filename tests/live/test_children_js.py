"""A page that is open while its thread starts others, in a real browser (RB.5)."""

import pytest
from playwright.sync_api import expect

from tests.live.conftest import Prepare
from tests.live.test_live_js import WAIT_MS, complaints, enter, expect_light, tell
from tests.support.databases import Databases

assert complaints

pytestmark = pytest.mark.rule("RB.5")


@pytest.fixture
def database_url(databases: Databases, prepared: Prepare) -> str:
    return databases.copy(prepared("sqlite").url)


@pytest.fixture
def session(prepared: Prepare) -> str:
    return prepared("sqlite").session


@pytest.fixture
def opened(page, context, processes, database_url, session):
    """The page of the thread."""
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/threads/t1/")
    expect_light(page, "live")
    return page


def start(database_url: str, name: str) -> None:
    tell(
        database_url,
        "child",
        f'{{"thread": "{name}", "graph": "gone", "node": "fetch"}}',
        "INSERT INTO workflows_thread (id, graph, title, status, head, seq, created_at, updated_at)"
        f" SELECT '{name}', graph, 'Page {name}', 'busy', '', 0, created_at, updated_at"
        " FROM workflows_thread WHERE id = 't1'",
        "INSERT INTO workflows_child (thread_id, place, child_id, on_parent_end)"
        f" VALUES ('t1', '{name}', '{name}', 'cancel')",
    )


def test_one_that_is_started_is_named_as_soon_as_the_page_has_asked(
    opened, database_url, complaints
):
    start(database_url, "c1")

    line = opened.locator("#timeline").get_by_role("link", name="Page c1")
    expect(line).to_have_attribute("href", "/threads/c1/", timeout=WAIT_MS)
    expect(opened.locator("#thread-children")).to_contain_text(
        "is cancelled when this thread ends", timeout=WAIT_MS
    )
    assert not complaints


def test_many_fold_as_they_are_started_and_as_the_page_is_drawn(
    opened, database_url, complaints
):
    folds = opened.locator("#timeline > .event-fold")
    for number in range(5):
        start(database_url, f"c{number}")
    for number in range(5):
        waits = f'"status": "waiting", "children": ["c{number}"]'
        tell(database_url, "task", f'{{"node": "fetch", "task": "{number}", {waits}}}')

    counts = folds.locator("[data-fold-count]")
    expect(counts).to_have_text(["5", "5"], timeout=WAIT_MS)
    lines = folds.locator("summary .event-line")
    drawn_live = lines.all_inner_texts()
    assert [" ".join(each.split()) for each in drawn_live] == [
        "Started threads of their own in fetch",
        "fetch waits for a thread each",
    ]
    opened.reload()
    expect(counts).to_have_text(["5", "5"])
    assert lines.all_inner_texts() == drawn_live
    folds.first.locator("summary").click()
    expect(folds.first.get_by_role("link")).to_have_count(5)
    assert not complaints
