"""Finding a question and arranging who does it when, without a mouse."""

import re

from playwright.sync_api import BrowserContext, Route, expect

from tests.acceptance.conftest import Standing, on_one
from tests.acceptance.keyboard import Hands
from tests.support.pictures import take

pytestmark = on_one("standing", "postgresql")


def test_from_a_filter_to_a_view_of_ones_own_and_a_question_put_off(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    later, other = hands.ask("Zoe", "Zac")
    page = hands.page
    link = page.locator("[data-row] [data-row-link]")

    # Search, and keep what was found under a name. The details open by keys, too.
    hands.open("/queue/")
    hands.press("/")
    hands.focus_is_on(page.get_by_label("Title or number", exact=True))
    hands.press("Control+a")
    hands.type("Grant")
    hands.press("Enter")
    expect(page).to_have_url(re.compile("q=Grant"))
    hands.press("/")
    hands.tab_to(page.locator(".queue-more > summary"))
    hands.press("Enter")
    hands.tab_to(page.get_by_label("Name of the field", exact=True))
    hands.type("name")
    hands.tab_to(page.get_by_label("How it compares", exact=True))
    hands.type("contains")
    hands.tab_to(page.get_by_label("Value", exact=True))
    hands.type("Z")
    hands.press("Enter")
    expect(page.locator(".chips")).to_contain_text("name contains Z")
    expect(page.locator("[data-row]")).to_have_count(2)
    take(page, "finding: by a field of what is asked")
    hands.press("k")
    hands.focus_is_on(link.last)
    hands.tab_to(page.locator(".save-view > summary"))
    hands.press("Enter")
    hands.tab_to(page.locator("#view-name"))
    hands.type("Names with Z")
    hands.press("Enter")
    current = page.locator(".tabs > [aria-current]")
    expect(current).to_have_text("Names with Z")

    # From anywhere the view is a command; its tab stands among the saved ones.
    hands.press("g", "r")
    expect(page).to_have_url(re.compile("/runs/"))
    # Enter may come before the server has told the names of the views.
    held: list[Route] = []
    page.route(re.compile("/views"), lambda route: held.append(route))
    hands.press("Control+k")
    expect(page.locator("#palette-list li", has_text="Policies")).to_have_count(1)
    hands.type("Names with Z")
    expect(page.locator("#palette-list")).to_contain_text("the queue for")
    hands.press("Enter")
    while not held:
        page.wait_for_timeout(20)
    held.pop().continue_()
    page.unroute(re.compile("/views"))
    expect(current).to_have_text("Names with Z")
    hands.is_live()
    hands.press("j", "k")
    saved = page.locator(".tabs-more > summary")
    hands.tab_to(saved, "Shift+Tab")
    hands.press("Enter", "Tab")
    hands.is_seen()
    expect(page.locator(".tabs-more a:focus")).to_be_visible()
    hands.press("Shift+Tab", "Enter")

    # It is mine, it is talked about, it waits until next year.
    hands.press("j", "Enter")
    hands.shows(later)
    hands.press("m")
    expect(page.locator("#strips")).to_contain_text(f"#{later} is yours")
    hands.is_seen()
    hold = page.get_by_text("Hold it longer", exact=True)
    hands.tab_to(hold)
    hands.press("Enter")
    hands.tab_to(page.locator("#hold-seconds"))
    hands.type("4")
    hands.tab_to(page.get_by_role("button", name="Hold", exact=True))
    hands.press("Enter")
    expect(page.locator("#strips")).to_contain_text(f"#{later} is yours until")
    hands.press("c")
    comment = page.locator("#comment-text")
    hands.focus_is_on(comment)
    hands.type("not this year")
    hands.press("Tab", "Enter")
    expect(page.locator("#comments")).to_contain_text("not this year")
    hands.press("s")
    hands.focus_is_on(page.locator("#arrange-snooze"))
    hands.type("12312099")
    hands.press("Tab")
    hands.type("1100AM")
    hands.press("Enter")
    expect(page.locator("#strips")).to_contain_text(f"#{later} is arranged")
    expect(page.locator("#pane")).to_contain_text("31 Dec 11:00")
    take(page, "finding: put off until next year")

    # Of the view only the other one is left; the first is found where it was put.
    hands.command("Names with Z")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("[data-row]")).to_have_attribute("data-number", str(other))
    hands.command("Put off")
    expect(page.locator(f"#item-{later}")).to_be_visible()
    assert not hands.faults
