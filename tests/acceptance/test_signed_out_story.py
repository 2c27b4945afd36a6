"""A session that ends while somebody is writing: the words stay, and are sent after all."""

import re

from playwright.sync_api import BrowserContext, Locator, expect

from tests.acceptance.conftest import Standing, on_one
from tests.acceptance.keyboard import WAIT_MS, Hands
from tests.live.test_live_js import enter

pytestmark = on_one("standing", "postgresql")

REASON = "Much thought went into this"


def begin_to_reject(hands: Hands, number: int) -> Locator:
    """The question in the pane, with a reason in its box."""
    hands.open(f"/queue/?item={number}")
    hands.press("r")
    box = hands.page.locator(".bar-panel[open] textarea")
    expect(box).to_be_focused()
    hands.type(REASON)
    return box


def test_a_reason_outlives_the_session(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Patience")
    page = hands.page
    box = begin_to_reject(hands, number)
    strips = page.locator("#strips")

    context.clear_cookies(name="sessionid")
    hands.press("Control+Enter")
    expect(strips).to_contain_text("You are signed out", timeout=WAIT_MS)
    expect(box).to_have_value(REASON)
    hands.type(", all of it")
    # Its answer is awaited, or it might be on its way still when they are logged in again.
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        hands.press("Control+Enter")
    expect(page).to_have_url(re.compile(rf"item={number}"))
    link = strips.get_by_role("link", name="log in in another tab")
    expect(link).to_have_attribute("target", "_blank")

    # They log in in another tab, come back, and send it.
    enter(context, standing.site.address, hands.visitor.session)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(strips).not_to_contain_text("You are signed out", timeout=WAIT_MS)
    expect(box).to_have_value(f"{REASON}, all of it")
    box.focus()
    hands.press("Control+Enter")
    expect(strips).to_contain_text(f"Rejected #{number}", timeout=WAIT_MS)
    assert not hands.faults


def test_words_are_not_sent_in_the_name_of_somebody_else(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Stranger")
    box = begin_to_reject(hands, number)
    strips = hands.page.locator("#strips")
    context.clear_cookies(name="sessionid")
    hands.press("Control+Enter")
    expect(strips).to_contain_text("You are signed out", timeout=WAIT_MS)

    enter(context, standing.site.address, standing.people["admin"].session)
    hands.press("Control+Enter")

    expect(strips).to_contain_text("You are logged in as admin now", timeout=WAIT_MS)
    expect(box).to_have_value(REASON)
    waiting = standing.people["admin"].page("/queue/?sort=age")
    assert waiting.all("li", id=f"item-{number}")


def test_a_form_from_before_a_new_log_in_is_renewed(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    number, after = hands.ask("Renewed", "Renewed too")
    box = begin_to_reject(hands, number)
    strips = hands.page.locator("#strips")

    # As a log-in in another tab does, which takes longer than what is still on its way now:
    # an answer to the old session would give its cookie back.
    hands.page.wait_for_load_state("networkidle")
    address = standing.site.address
    context.add_cookies([{"name": "csrftoken", "value": "n" * 32, "url": address}])
    hands.press("Control+Enter")
    expect(strips).to_contain_text("send it again", timeout=WAIT_MS)
    expect(box).to_have_value(REASON)
    expect(strips).not_to_contain_text("You are signed out", timeout=WAIT_MS)
    hands.press("Control+Enter")
    expect(strips).to_contain_text(f"Rejected #{number}", timeout=WAIT_MS)

    # The next one was fetched ahead, for the log-in of before.
    expect(hands.page.locator(f"#pane [data-item='{after}']")).to_be_visible()
    hands.press("r")
    hands.type(REASON)
    hands.press("Control+Enter")
    expect(strips).to_contain_text(f"Rejected #{after}", timeout=WAIT_MS)


def test_an_edit_stays_where_its_preview_is_refused(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Preview")
    page = hands.page
    hands.open(f"/review/{number}/state")
    name = page.get_by_role("textbox", name="Name", exact=True)

    context.clear_cookies(name="sessionid")
    name.fill("Grace")

    expect(page.locator("#strips")).to_contain_text("signed out", timeout=WAIT_MS)
    expect(page).to_have_url(re.compile(rf"/review/{number}/state"))
    expect(name).to_have_value("Grace")
