"""The state of a workflow edited without a mouse: alone, as JSON, and with the answer."""

import re

from playwright.sync_api import BrowserContext, expect

from tests.acceptance.conftest import Standing, on_one
from tests.acceptance.keyboard import WAIT_MS, Hands

pytestmark = on_one("standing", "sqlite")


def test_an_edit_from_the_queue_to_the_end_of_the_workflow(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Kay")
    page, ada, site = hands.page, hands.visitor, hands.site
    thread = page_of_thread(hands, number)
    preview = page.locator("#preview")
    heading = page.locator("#question-title")

    # From the list to the question, from the question to the editor, and back.
    hands.open(f"/queue/?item={number}")
    hands.press("E")
    expect(page).to_have_url(re.compile(rf"/review/{number}/state"))
    hands.focus_is_on(heading)
    hands.is_live()
    hands.press("u")
    expect(page).to_have_url(re.compile(rf"/review/{number}/$"))
    hands.is_live()
    hands.press("E")
    expect(page).to_have_url(re.compile(rf"/review/{number}/state"))
    hands.focus_is_on(heading)
    hands.is_live()

    # A field, what it would do, the reason; saved alone the question is asked again.
    name = page.get_by_role("textbox", name="Name", exact=True)
    hands.tab_to(name)
    hands.press("Control+a")
    hands.type("Grace")
    expect(preview.locator("ins")).to_contain_text("Grace")
    expect(preview).to_contain_text(f"Question #{number} is asked again")
    hands.focus_is_on(name)
    why = page.get_by_label("Why do you edit it?")
    hands.tab_to(why)
    hands.type("wrong name")
    hands.tab_to(page.get_by_role("button", name="Save edit only"))
    hands.press("Enter")
    expect(page).to_have_url(re.compile(rf"/review/{number}/$"))
    hands.focus_is_on(heading)
    site.wait(
        lambda: "Grace" in ada.page(f"/review/{number}/").text("dl"), "edited question"
    )

    # As JSON: Tab belongs to the text there, and Escape gives it back.
    hands.open(f"/review/{number}/state")
    hands.press("Control+j")
    text = page.locator(".cm-content")
    expect(text).to_be_visible(timeout=WAIT_MS)
    hands.tab_to(text)
    hands.press("Control+a")
    page.keyboard.insert_text('{"name": "Ada", "more": {"by": "keys"}}')
    expect(preview.locator("ins").first).to_contain_text("Ada")
    hands.press("Escape")
    hands.tab_to(why)
    hands.type("by keys")

    # A refusal takes the focus; what was typed is there.
    hands.press("Control+a", "Delete", "Control+Enter")
    hands.focus_is_on(page.locator("#error-summary"))
    hands.tab_to(text)
    hands.press("Escape")
    hands.tab_to(why)
    hands.type("by keys")
    # The editor has no line for Ctrl with Enter, and holds back none of the last letters.
    hands.tab_to(text, "Shift+Tab")
    hands.press("Control+End", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    hands.type("board")
    hands.press("Control+Enter")
    expect(page.locator("#strips")).to_contain_text("State edited. Approved")
    hands.focus_is_on(heading)

    site.wait(
        lambda: "Done" in ada.page(thread).one("div", id="thread-status").text, "end"
    )
    shown = ada.page(thread).text("dl")
    assert "Ada" in shown
    assert "keysboard" in shown
    assert not hands.faults


def page_of_thread(hands: Hands, number: int) -> str:
    """The address of the thread that asks the question."""
    links = hands.visitor.page(f"/review/{number}/").all("a")
    found = (link.attributes["href"] for link in links)
    return next(
        each for each in found if each.startswith("/threads/") and each != "/threads/"
    )
