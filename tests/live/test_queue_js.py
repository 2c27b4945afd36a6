"""static/js/queue.js in a real browser: what nobody presses a key for."""

import contextlib
import time

import pytest
from playwright.sync_api import expect

from tests.live.conftest import Prepare
from tests.live.test_live_js import WAIT_MS, ask, decide, enter, expect_light, tell
from tests.support.databases import Databases, open_database

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


def test_new_rows_of_a_grouped_list_stand_in_their_group_in_its_order(
    page, context, processes, database_url, session
):
    ask(database_url, 1, node="b", priority=9)
    ask(database_url, 2, node="b")
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/queue/?by=node&sort=priority")
    expect_light(page, "live")

    ask(database_url, 3, node="b", priority=5)
    ask(database_url, 4, node="c")
    ask(database_url, 5, node="a")
    expect(page.locator("[data-live-pill-text]")).to_have_text("3 new", timeout=WAIT_MS)
    assert shown(page) == [("gone: b 2", [1, 2])]
    page.keyboard.press(".")
    expect(page.locator("[data-row]")).to_have_count(5)

    assert shown(page) == [
        ("gone: a 1", [5]),
        ("gone: b 3", [1, 3, 2]),
        ("gone: c 1", [4]),
    ]
    in_place = shown(page)
    page.reload()
    assert shown(page) == in_place
    expect_light(page, "live")
    decide(database_url, 4)
    expect(page.locator(".group-title:visible")).to_have_count(2, timeout=WAIT_MS)


def shown(page) -> list[tuple[str, list[int]]]:
    """The groups of the queue: heading with its count, and the numbers of its rows."""
    found = page.locator(".group-title").evaluate_all(
        "all => all.map(h => [h.innerText, [...h.nextElementSibling.children]"
        ".map(row => Number(row.dataset.number))])"
    )
    return [(" ".join(heading.split()), numbers) for heading, numbers in found]


def test_what_is_put_off_leaves_the_list(
    page, context, processes, database_url, session
):
    ask(database_url, 1)
    ask(database_url, 2)
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/queue/?sort=age")
    expect_light(page, "live")

    tell(
        database_url,
        "desk",
        '{"interrupt": 2, "action": "arranged", "by": "maria"}',
        "UPDATE workflows_interrupt SET snoozed_until = '2999-01-01 00:00:00'"
        " WHERE id = 2",
    )

    expect(page.locator("[data-row]")).to_have_count(1, timeout=WAIT_MS)
    expect(page.locator("#item-1")).to_be_visible()


def test_what_one_has_claimed_oneself_is_yours_in_the_list(
    page, context, processes, database_url, session
):
    ask(database_url, 1)
    ask(database_url, 2)
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/queue/?item=1")
    expect_light(page, "live")
    holder = page.locator("#item-1 [data-holder]")

    page.keyboard.press("m")
    expect(holder).to_have_text("yours", timeout=WAIT_MS)
    expect(page.locator("#queue-new")).to_be_hidden()
    page.reload()
    expect(holder).to_have_text("yours")
    name = page.locator("#pane").get_attribute("data-person")
    assert page.locator("#item-1").get_attribute("data-claimed") == name


def test_y_copies_the_link_of_the_row(page, context, processes, database_url, session):
    ask(database_url, 1)
    ask(database_url, 2)
    server = processes.serve(database_url)
    enter(context, server.url, session)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page.goto(f"{server.url}/queue/?sort=age")
    expect_light(page, "live")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("y")

    expect(page.locator("#announcer")).to_contain_text("Link copied", timeout=WAIT_MS)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{server.url}/review/2/"


def test_an_answer_to_a_question_that_is_gone_is_kept(
    page, context, processes, database_url, session
):
    ask(database_url, 1)
    ask(database_url, 2)
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/queue/?sort=age&item=1")
    expect_light(page, "live")
    page.keyboard.press("r")
    box = page.locator(".bar-panel[open] textarea")
    expect(box).to_be_focused()
    page.keyboard.type("Much thought")
    with contextlib.closing(open_database(database_url)) as connection:
        connection.execute("DELETE FROM workflows_draft")
        connection.execute("DELETE FROM workflows_interrupt WHERE id = 1")
        connection.commit()

    page.keyboard.press("Control+Enter")

    expect(page.locator("#strips")).to_contain_text("this question is gone")
    expect(box).to_have_value("Much thought")
