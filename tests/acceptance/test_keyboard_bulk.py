"""Many questions decided by one order and taken back, without a mouse."""

import re

from playwright.sync_api import BrowserContext, expect

from tests.acceptance.conftest import PEOPLE, Site, on_one
from tests.acceptance.keyboard import WAIT_MS, Hands


@on_one("site", "postgresql")
def test_from_the_rows_to_the_order_and_back(
    site: Site, context: BrowserContext
) -> None:
    ada = site.enter(PEOPLE)["ada"]
    site.serve("--with-worker", UNDO_SECONDS="300")
    hands = Hands(site, ada, context)
    hands.ask("Uma", "Ute", "Udo")
    page = hands.page

    # Two of three rows, by keys.
    hands.open("/queue/?workflow=wishes&f=payload.name+~+U&sort=age")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(3)
    hands.press("j", "x", "J", "J")
    expect(page.locator("[data-bulk-count]")).to_have_text("3")
    hands.press("x")
    expect(page.locator("[data-bulk-count]")).to_have_text("2")
    hands.focus_is_on(rows.last.locator("[data-row-link]"))
    hands.tab_to(page.get_by_role("button", name="Decide together"))
    hands.press("Enter")
    expect(page.get_by_role("heading", name="Decide together")).to_be_visible()

    # The sheet: one reason for both, and the order is given.
    hands.tab_to(page.get_by_label("Approve each as it is proposed"))
    hands.press("ArrowDown")
    hands.focus_is_on(page.get_by_label("Reject all for one reason"))
    reason = page.get_by_label("Why do you reject them?")
    hands.tab_to(reason)
    hands.type("not this year")
    hands.tab_to(page.get_by_role("button", name="Decide 2 questions"))
    hands.press("Enter")
    expect(page).to_have_url(re.compile(r"/bulk/\d+/"))

    # Its progress comes by itself; taken back in time, all is as it was.
    expect(page.get_by_text("rejected")).to_have_count(2, timeout=WAIT_MS)
    hands.is_loaded()
    hands.press("z")
    undone = page.locator("tbody").get_by_text("taken back", exact=True)
    expect(undone).to_have_count(2, timeout=WAIT_MS)
    expect(page.locator("#progress-title")).to_be_visible()
    hands.is_loaded()
    hands.press("u")
    expect(page.get_by_role("heading", name="Bulk decisions")).to_be_visible()
    hands.is_loaded()
    hands.press("g", "q")
    expect(page).to_have_url(re.compile("/queue/"))
    hands.is_live()
    hands.open("/queue/?workflow=wishes&f=payload.name+~+U&sort=age")
    expect(rows).to_have_count(3)
    assert not hands.faults
