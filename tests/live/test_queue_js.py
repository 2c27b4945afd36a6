"""static/js/queue.js in a real browser: what nobody presses a key for."""

import time

import pytest
from playwright.sync_api import expect

from tests.live.conftest import Prepare
from tests.live.test_live_js import WAIT_MS, ask, decide, enter, expect_light
from tests.support.databases import Databases

PAGE_SIZE = 50


@pytest.fixture
def database_url(databases: Databases, prepared: Prepare) -> str:
    return databases.copy(prepared("sqlite").url)


@pytest.fixture
def session(prepared: Prepare) -> str:
    return prepared("sqlite").session


def test_a_list_goes_on_and_forgets_what_it_fetched_ahead_after_news(
    page, context, processes, database_url, session
):
    for number in range(1, PAGE_SIZE + 3):
        ask(database_url, number)
    server = processes.serve(database_url)
    enter(context, server.url, session)
    asked: list[tuple[str, bool]] = []
    page.on(
        "request",
        lambda request: asked.append((request.url, "x-prefetch" in request.headers)),
    )
    rows = page.locator("[data-row]")

    # Far from its end the list is one page; near to it the next page is there already.
    page.goto(f"{server.url}/queue/?sort=age&item=1")
    expect_light(page, "live")
    expect(rows).to_have_count(PAGE_SIZE)
    page.goto(f"{server.url}/queue/?sort=age&item=45")
    expect(rows).to_have_count(PAGE_SIZE + 2)
    expect(page.locator(".more")).to_have_count(0)
    expect_light(page, "live")

    # The two after it are fetched ahead. What is decided meanwhile is fetched when it is opened.
    first, second = (f"{server.url}/review/{number}/" for number in (46, 47))
    deadline = time.monotonic() + WAIT_MS / 1000
    while not {(first, True), (second, True)} <= set(asked):
        assert time.monotonic() < deadline, asked
        page.wait_for_timeout(50)
    assert (first, False) not in asked
    decide(database_url, 46)
    expect(page.locator("#item-46")).to_contain_text("approved", timeout=WAIT_MS)
    page.locator("#item-46 [data-row-link]").click()
    expect(page.locator('#pane [data-item="46"]')).to_be_visible()
    expect(page.locator("#pane")).to_contain_text("approved by maria")
    assert (first, False) in asked
