"""A comment that was begun is not lost by looking at another question."""

import re

from playwright.sync_api import BrowserContext, expect

from tests.acceptance.conftest import Standing, on_one
from tests.acceptance.keyboard import WAIT_MS, Hands

pytestmark = on_one("standing", "sqlite")


def test_a_comment_waits_for_its_question(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    first, second = hands.ask("One", "Two")
    page = hands.page
    text = page.locator("#comment-text")
    hands.open(f"/queue/?item={first}")
    hands.press("c")
    expect(text).to_be_focused()
    hands.type("not yet said")

    page.locator(f"#item-{second} [data-row-link]").click()
    hands.shows(second)
    expect(text).to_have_value("")
    page.go_back()
    expect(page.locator(f'#pane [data-item="{first}"]')).to_be_visible()
    expect(text).to_have_value("not yet said")

    # Once it is sent, nothing is left of it to ask about.
    page.locator("label", has=page.locator("#side-comments")).click()
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".comment")).to_contain_text("not yet said", timeout=WAIT_MS)
    expect(text).to_have_value("")
    page.on("dialog", lambda dialog: hands.faults.append(dialog.type))
    page.goto(f"{standing.site.address}/runs/")
    expect(page).to_have_url(re.compile("/runs/"))
    assert not hands.faults
