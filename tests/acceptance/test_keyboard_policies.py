"""A policy is written in its form, and a decision under it is asked again, without a mouse."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, expect

from tests.acceptance.conftest import PEOPLE, Site
from tests.acceptance.keyboard import WAIT_MS, Hands
from tests.support.pictures import take


def go(hands: Hands, path: str) -> None:
    """To a page that has no connection of its own."""
    hands.page.goto(f"{hands.site.address}{path}")
    hands.is_loaded()


def test_a_policy_is_written_and_put_back(
    new_site: Callable[[str], Site], browser: Browser
) -> None:
    site = new_site("sqlite")
    people = site.enter(PEOPLE)
    site.serve("--with-worker", UNDO_SECONDS="0")
    hands = Hands(site, people["admin"], browser.new_context())
    page = hands.page
    save = page.get_by_role("button", name="Put into force")

    # More approvals than there are people: the list of faults has the focus, and leads there.
    go(hands, "/policies/edit?workflow=wishes")
    quorum = page.get_by_label("Approvals needed", exact=True)
    hands.tab_to(quorum)
    hands.type("9")
    hands.tab_to(save)
    hands.press("Enter")
    expect(page.locator("#error-summary")).to_be_focused(timeout=WAIT_MS)
    expect(page.locator("#error-summary")).to_contain_text("only ada could decide it")
    hands.is_loaded()
    take(page, "policy that leaves too few")
    hands.tab_to(page.locator("#error-summary").get_by_role("link"))
    hands.press("Enter")
    hands.focus_is_on(quorum)
    hands.press("Control+a")
    hands.type("1")

    # A row is there when its button was pressed, and has the focus.
    hands.tab_to(page.get_by_role("button", name="Add a reason"))
    hands.press("Enter")
    expect(page.locator("#policy-reasons-0")).to_be_focused(timeout=WAIT_MS)
    hands.is_loaded()
    expect(quorum).to_have_value("1")
    hands.type("Too dear")
    hands.tab_to(page.get_by_label("Why for the versions"))
    hands.type("a first try")
    hands.tab_to(save)
    hands.press("Enter")
    expect(page).to_have_url(re.compile(r"/policies/$"), timeout=WAIT_MS)
    expect(page.locator("tbody")).to_contain_text("Too dear")

    # The next version says less; the one before is brought back.
    go(hands, "/policies/edit?workflow=wishes")
    hands.tab_to(page.get_by_role("button", name="Remove reason 1"))
    hands.press("Enter")
    add = page.get_by_role("button", name="Add a reason")
    expect(add).to_be_focused(timeout=WAIT_MS)
    hands.is_loaded()
    hands.tab_to(save)
    hands.press("Enter")
    expect(page.locator("tbody")).not_to_contain_text("Too dear", timeout=WAIT_MS)
    go(hands, "/policies/edit?workflow=wishes")
    hands.tab_to(page.get_by_role("link", name="Go back to version 1"))
    hands.press("Enter")
    expect(page.locator("#policy-reasons-0")).to_have_value("Too dear", timeout=WAIT_MS)
    hands.is_loaded()
    hands.tab_to(save)
    hands.press("Enter")
    expect(page.locator("tbody")).to_contain_text("version 3", timeout=WAIT_MS)
    expect(page.locator("tbody")).to_contain_text("Too dear")
    assert not hands.faults


def test_a_decision_is_asked_again_on_a_fork(
    new_site: Callable[[str], Site], browser: Browser
) -> None:
    site = new_site("sqlite")
    ada = site.enter(PEOPLE)["ada"]
    site.serve("--with-worker", UNDO_SECONDS="0")
    hands = Hands(site, ada, browser.new_context())
    page = hands.page
    [number] = hands.ask("Uma")
    hands.open(f"/review/{number}/")
    hands.press("a")
    expect(page).to_have_url(re.compile(r"/queue/"), timeout=WAIT_MS)
    site.wait(lambda: "Done" in ada.http.get("/decisions/").text, "run that is over")

    # The newest decision is the first row; it opens, and says what it needs.
    go(hands, "/decisions/")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("approved")
    hands.press("j")
    hands.focus_is_on(rows.locator("[data-row-link]"))
    hands.press("Enter")
    expect(page).to_have_url(re.compile(r"/decisions/\d+/$"), timeout=WAIT_MS)
    hands.is_loaded()
    reopen = page.get_by_role("button", name="Reopen as a fork")
    hands.tab_to(reopen)
    hands.press("Enter")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused(timeout=WAIT_MS)
    hands.is_loaded()
    take(page, "decision that is not reopened without a reason")
    hands.tab_to(summary.get_by_role("link"))
    hands.press("Enter")
    hands.focus_is_on(page.get_by_label("Why is it asked again?"))
    hands.type("she wished for two")
    hands.tab_to(reopen)
    hands.press("Enter")

    # The question comes by itself, and can be decided again.
    again = page.get_by_role("link", name="Decide it")
    expect(again).to_be_visible(timeout=WAIT_MS)
    take(page, "decision that was reopened")
    hands.tab_to(again)
    hands.press("Enter")
    expect(page).to_have_url(re.compile(r"/review/\d+/$"), timeout=WAIT_MS)
    assert page.url != f"{site.address}/review/{number}/"
    assert not hands.faults
