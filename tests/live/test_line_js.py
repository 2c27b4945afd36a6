"""static/js/line.js in a real browser: a page that hears nothing says from when it is."""

import re

import pytest
from playwright.sync_api import expect

from tests.live.conftest import Prepare
from tests.live.test_live_js import WAIT_MS, ask, enter, expect_light
from tests.support.databases import Databases


@pytest.fixture
def database_url(databases: Databases, prepared: Prepare) -> str:
    return databases.copy(prepared("sqlite").url)


@pytest.fixture
def session(prepared: Prepare) -> str:
    return prepared("sqlite").session


def test_a_list_that_is_old_stays_readable_and_says_so(
    page, context, processes, database_url, session
):
    ask(database_url, 1)
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.clock.install()
    page.goto(f"{server.url}/queue/")
    expect_light(page, "live")
    banner = page.locator("[data-live-stale]")
    expect(banner).to_be_hidden()

    server.kill9()
    expect(page.locator('[data-live-light][data-state="live"]')).to_have_count(
        0, timeout=WAIT_MS
    )
    page.clock.fast_forward("01:00")

    expect(banner).to_be_visible()
    expect(banner).to_contain_text("The server does not answer. This list is from")
    expect(banner.locator("time")).to_have_attribute("datetime", re.compile(r"Z$"))
    expect(page.locator("[data-row]")).to_have_count(1)
    processes.serve(database_url, port=server.port)
    for _ in range(60):
        page.clock.run_for(1_000)
        if banner.is_hidden():
            break
    expect(banner).to_be_hidden()
