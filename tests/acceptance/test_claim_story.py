"""What others do around an open question is seen at once, and takes no words away."""

import re

from playwright.sync_api import BrowserContext, expect

from tests.acceptance.conftest import Standing
from tests.acceptance.keyboard import WAIT_MS, Hands

REASON = "Half a thought"


def test_a_claim_of_somebody_else_is_told_to_whoever_writes(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    other = standing.people["admin"]
    [number] = hands.ask("Claimed")
    page = hands.page
    holder, work = page.locator("#bar-holder"), page.locator("#work-now")
    hands.open(f"/queue/?item={number}")
    expect(holder).to_be_hidden()
    hands.press("r")
    box = page.locator(".bar-panel[open] textarea")
    expect(box).to_be_focused()
    hands.type(REASON)

    other.post(f"/review/{number}/claim", f"/review/{number}/")
    expect(holder).to_contain_text("admin has this question", timeout=WAIT_MS)
    expect(work).to_contain_text("Take over")
    expect(page.locator("#announcer")).to_contain_text("admin has this question")
    hands.focus_is_on(box)

    # Taken over a moment after the last letter, with the words where they were.
    hands.type(", and a half")
    holder.get_by_role("button").click()
    expect(work).to_contain_text("Yours until", timeout=WAIT_MS)
    expect(page.locator("#strips")).to_contain_text(f"#{number} is yours")
    expect(holder).to_be_hidden()
    expect(box).to_have_value(f"{REASON}, and a half")

    # Without the split view it is the same; and a comment comes too.
    page.on("dialog", lambda dialog: dialog.accept())
    hands.open(f"/review/{number}/")
    hands.press("m")
    expect(work.get_by_role("button")).to_contain_text("Claim", timeout=WAIT_MS)
    expect(page).to_have_url(f"{standing.site.address}/review/{number}/")
    other.post(f"/review/{number}/comment", f"/review/{number}/", text="Wait for me")
    expect(page.locator("#tab-count")).to_have_text("1", timeout=WAIT_MS)
    expect(page.locator("#comments-said")).to_contain_text("Wait for me")
    assert not hands.faults


def test_whoever_writes_is_told_that_the_question_is_withdrawn(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    boss = standing.people["admin"]
    [number] = hands.ask("Withdrawn")
    page = hands.page
    hands.open(f"/review/{number}/")
    hands.press("r")
    box = page.locator(".bar-panel[open] textarea")
    expect(box).to_be_focused()
    hands.type(REASON)

    newest = next(
        link.attributes["href"]
        for link in boss.page("/runs/").all("a")
        if re.fullmatch(r"/runs/\d+/", link.attributes["href"])
    )
    boss.post(f"{newest}cancel")

    note = page.locator("[data-decided-note]")
    expect(note).to_contain_text(
        "It takes no answer any more: withdrawn", timeout=WAIT_MS
    )
    expect(box).to_have_value(REASON)
    assert not hands.faults
