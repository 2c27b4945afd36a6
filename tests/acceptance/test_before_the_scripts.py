"""What somebody types or chooses before the page's scripts have come counts as if they had."""

import re

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.acceptance.conftest import Standing, on_one
from tests.acceptance.keyboard import WAIT_MS, Hands

pytestmark = on_one("standing", "sqlite")

GRACE = '{"name": "Grace", "more": {}}'


class Held:
    """A script that does not come until it is let go, and those after it neither."""

    def __init__(self, page: Page, file: str) -> None:
        self._page = page
        self._pattern = f"**/{file}*"
        self._routes: list[Route] = []
        page.route(self._pattern, self._keep)

    def _keep(self, route: Route) -> None:
        self._routes.append(route)

    def go(self) -> None:
        while self._routes:
            self._routes.pop().continue_()
        self._page.unroute(self._pattern)


def test_a_preview_tells_of_what_was_typed_before_htmx_came(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Early")
    page = hands.page
    hands.open(f"/review/{number}/state")
    page.set_viewport_size({"width": 390, "height": 844})  # the bare text field
    held = Held(page, "htmx.min")
    page.evaluate("document.querySelector('[data-to-json]').click()")
    page.locator("#state-values").fill(GRACE)

    held.go()

    expect(page.locator("#preview ins").first).to_contain_text("Grace")
    assert not hands.faults


def test_a_preview_tells_of_what_was_typed_before_the_editor_s_script_came(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Early")
    page = hands.page
    hands.open(f"/review/{number}/")
    page.locator("label", has=page.locator("#side-state")).click()
    held = Held(page, "state_editor")
    page.get_by_role("link", name="Edit the state").click(no_wait_after=True)
    page.get_by_role("textbox", name="Name", exact=True).fill("Grace")

    held.go()

    expect(page.locator("#preview ins").first).to_contain_text("Grace")
    # What is not saved is asked about before leaving.
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    with page.expect_event("close"):
        asked.value.accept()


def test_the_json_editor_takes_over_what_is_being_typed(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Early")
    page = hands.page
    hands.open(f"/review/{number}/state")
    held = Held(page, "standalone")
    page.get_by_role("button", name="JSON", exact=True).click()
    area = page.locator("#state-values")
    area.fill('{"name": "Gra"}')
    for _ in range(2):
        hands.press("ArrowLeft")

    held.go()
    expect(page.locator(".cm-content")).to_be_focused(timeout=WAIT_MS)
    hands.type("ce")

    expect(area).to_have_value('{"name": "Grace"}')
    expect(page.locator("#preview ins").first).to_contain_text("Grace")
    assert not hands.faults


def test_changes_typed_early_are_listed_sent_and_kept_as_a_draft(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Early")
    page = hands.page
    page.goto(f"{standing.site.address}/")
    held = Held(page, "htmx.min")
    page.goto(f"{standing.site.address}/review/{number}/", wait_until="commit")
    page.locator("#edit summary").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Grace")

    with page.expect_request(re.compile(rf"/review/{number}/draft$"), timeout=WAIT_MS):
        held.go()

    expect(page.locator("#diff .diff-row")).to_have_count(1)
    expect(page.locator("[data-approve-edit]")).to_be_visible()
    expect(page.locator("[data-approve]")).to_be_hidden()
    assert not hands.faults


def test_scripts_that_come_late_do_not_take_the_focus_from_who_types(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Early")
    page = hands.page
    page.goto(f"{standing.site.address}/")
    held = Held(page, "htmx.min")
    page.goto(f"{standing.site.address}/review/{number}/state", wait_until="commit")
    why = page.get_by_label("Why do you edit it?")
    why.click()
    hands.type("a long ")

    held.go()
    hands.is_live()
    hands.type("reason")

    expect(why).to_be_focused()
    expect(why).to_have_value("a long reason")
    assert not hands.faults


def test_a_filter_chosen_before_the_scripts_came_is_shown(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    page = hands.page
    page.goto(f"{standing.site.address}/")
    held = Held(page, "htmx.min")
    page.goto(f"{standing.site.address}/runs/", wait_until="commit")
    page.locator("#filter-status").select_option(label="Failed")

    held.go()
    expect(page).to_have_url(re.compile(r"[?&]status=error"))

    # And going back shows what the list shows, not what was chosen on it.
    hands.is_loaded()
    page.go_back()
    hands.is_loaded()
    expect(page.locator("#filter-status")).to_have_value("")
    expect(page).not_to_have_url(re.compile(r"[?&]status=error"))
    assert not hands.faults


def test_a_value_that_the_browser_writes_in_its_own_way_is_no_change(
    standing: Standing, context: BrowserContext
) -> None:
    hands = Hands(standing.site, standing.people["ada"], context)
    [number] = hands.ask("Early")
    page = hands.page
    drawn = '<input name="v/name" type="datetime-local" value="2026-11-22T10:00:00">'

    def answer(route: Route) -> None:
        page_of_it = route.fetch()
        body = re.sub(r'<input [^>]*name="v/name"[^>]*>', drawn, page_of_it.text())
        route.fulfill(response=page_of_it, body=body)

    page.route(f"**/review/{number}/", answer)
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.method + " " + each.url))
    page.goto(f"{standing.site.address}/review/{number}/")
    expect(page.locator("[type=datetime-local][name='v/name']")).to_have_count(1)
    # A change is told 350 ms after it.
    page.wait_for_timeout(1_000)

    assert not [each for each in sent if each.endswith("/diff")]
