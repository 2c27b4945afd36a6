"""A reviewer without a mouse: several questions, one after the other, beside the queue."""

import re
from functools import partial

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.conftest import PEOPLE, Site, Visitor, on_one
from tests.live.test_live_js import enter

WAIT_MS = 60_000
WISH = {"input/age": "36", "input/more": "{}"}


class Desk:
    """The queue in a browser whose keys alone are used."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site = site
        self.ada: Visitor = site.enter(PEOPLE)["ada"]
        site.serve("--with-worker", UNDO_SECONDS="300")
        self.faults: list[str] = []
        context.on("weberror", lambda fault: self.faults.append(str(fault.error)))
        enter(context, site.address, self.ada.session)
        self.page: Page = context.new_page()

    def ask(self, *names: str) -> list[int]:
        """Start a workflow for each; returns the numbers of their questions."""
        numbers = []
        # One after the other: of two workers the second may ask first.
        for name in names:
            run = self.ada.start("wishes", **WISH, **{"input/name": name})
            self.site.wait(partial(self.is_asked, run), "question")
            numbers.append(self.ada.question(run))
        return numbers

    def is_asked(self, run: int) -> bool:
        return "Waits for a person" in self.ada.status(run)

    def open(self, path: str = "/queue/") -> None:
        self.page.goto(f"{self.site.address}{path}")
        expect(self.page.locator("#connection")).to_have_attribute(
            "data-state", "live", timeout=WAIT_MS
        )

    def command(self, words: str) -> None:
        """Find it in the command palette and press Enter."""
        self.press("Control+k")
        expect(self.page.locator("#palette-text")).to_be_focused()
        self.page.keyboard.type(words)
        chosen = self.page.locator("#palette-list [aria-selected=true]")
        expect(chosen).to_contain_text(words, ignore_case=True)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shows_in_pane(self, number: int) -> None:
        expect(self.page.locator(f'#pane [data-item="{number}"]')).to_be_visible()

    def shows(self, number: int) -> None:
        """The question stands in the pane, and its heading has the focus."""
        self.shows_in_pane(number)
        expect(self.page.locator("#question-title")).to_be_focused()
        expect(self.page).to_have_url(re.compile(rf"[?&]item={number}\b"))

    def says(self, words: str) -> None:
        """The polite live region says so."""
        expect(self.page.locator("#announcer")).to_contain_text(words)

    def decided(self) -> dict[int, str]:
        """How each question was decided last, from the export of decisions."""
        lines = self.ada.http.get("/decisions/export.json").text
        found = re.findall(r'"question": (\d+).*?"decision": "(\w+)"', lines)
        return {int(number): kind for number, kind in reversed(found)}


@pytest.fixture
def desk(site: Site, context: BrowserContext) -> Desk:
    return Desk(site, context)


def test_a_day_without_a_mouse(desk: Desk) -> None:
    one, two, three, four = desk.ask("Ann", "Bob", "Cid", "Dee")
    page = desk.page
    desk.open()
    expect(page.locator("[data-row]")).to_have_count(4)

    # From the list into the first question; approving shows the next one.
    desk.press("j", "Enter")
    desk.shows(one)
    desk.press("a")
    desk.shows(two)
    desk.says(f"Approved #{one}. Next: #{two}")
    expect(page.locator("#strips")).to_contain_text(f"Approved #{one}")
    expect(page.locator("[data-today-done]")).to_have_text("1")

    # A reason is typed: its letters are no keys. Ctrl with Enter sends it.
    desk.press("r")
    reason = page.locator("#pane textarea[data-reason]").first
    expect(reason).to_be_focused()
    page.keyboard.type("azure roses?")
    expect(reason).to_have_value("azure roses?")
    desk.press("Control+Enter")
    # The row goes after a while, so it is looked at first.
    expect(page.locator(f"#item-{two}")).to_contain_text("rejected")
    desk.shows(three)

    # Taking back leads to the question; what was typed is there again.
    desk.press("z")
    desk.shows(two)
    desk.says(f"Taken back: #{two} waits again")
    expect(page.locator("#pane")).to_contain_text("Your draft")

    # An edit is one step, also when the list of changes has not come yet. The box that was
    # open with the draft closes by its own key.
    desk.press("r", "e")
    name = page.locator("#pane").get_by_label("Name", exact=True)
    name.focus()
    desk.press("End")
    page.keyboard.type("by")
    expect(name).to_have_value("Bobby")
    desk.press("Control+Enter")
    desk.shows(three)

    # Whose it is, and what one thinks of it.
    desk.press("m")
    expect(page.locator("#strips")).to_contain_text(f"#{three} is yours")
    desk.press("c")
    expect(page.locator("#comment-text")).to_be_focused()
    page.keyboard.type("a fine wish")
    desk.press("Tab", "Enter")
    expect(page.locator("#comments")).to_contain_text("a fine wish")

    # A question by its number, a page that is loaded again, and the way back.
    desk.command(f"#{four}")
    desk.shows(four)
    page.reload()
    expect(page.locator(f'#pane [data-item="{four}"]')).to_be_visible()
    page.go_back()
    expect(page.locator(f'#pane [data-item="{three}"]')).to_be_visible()

    kinds = {one: "approve", two: "edit"}
    assert {n: k for n, k in desk.decided().items() if n in kinds} == kinds
    assert not desk.faults


@on_one("site", "sqlite")
def test_keys_of_ones_own(desk: Desk) -> None:
    one, two, three = desk.ask("Ann", "Bob", "Cid")
    page = desk.page
    form = {"part": "keys", "key-a": "w", "key-j": "n"}
    assert desk.ada.post("/preferences/", **form).status_code == 303
    desk.open()

    desk.press("n", "Enter")
    desk.shows(one)
    expect(page.locator("#pane .btn-approve kbd")).to_have_text("w")
    desk.press("a")
    desk.press("?")
    expect(page.locator("#keys-help")).to_contain_text("Approve")
    expect(page.locator("#keys-help dt").get_by_text("w", exact=True)).to_be_visible()
    desk.press("Escape")
    assert desk.decided() == {}
    desk.press("w")
    desk.shows(two)

    # Switched off, only keys with Ctrl are left.
    desk.command("preferences")
    expect(page).to_have_url(re.compile("/preferences/"))
    page.get_by_label("Single keys do something").focus()
    desk.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile("no-keys"))
    desk.open(f"/queue/?item={two}")
    desk.shows_in_pane(two)
    desk.press("w", "g", "r")
    expect(page).to_have_url(re.compile("/queue/"))
    assert desk.decided() == {one: "approve"}

    # By hand, until nothing is left.
    for left, number in ((1, two), (0, three)):
        desk.shows_in_pane(number)
        page.get_by_role("button", name="Approve", exact=True).click()
        expect(page.locator("[data-row]:not(.is-gone)")).to_have_count(left)
    expect(page.locator("#question-title")).to_be_focused()
    expect(page.locator("#pane")).to_contain_text("Nothing more waits in this view")
    expect(page).to_have_url(re.compile(r"/queue/(?!.*item=)"))
    assert not desk.faults


def test_new_rows_wait_and_the_one_in_use_stays(desk: Desk) -> None:
    """In a view with an order of its own they come to their place without a new page."""
    desk.ask("Ann")
    page = desk.page
    desk.open("/queue/?who=nobody&sort=priority")
    desk.press("j")
    first = page.locator("[data-row]").first
    expect(first.locator("[data-row-link]")).to_be_focused()
    page.evaluate("() => { window.isSamePage = true; }")

    desk.ask("Bob")
    pill = page.locator("#queue-new")
    expect(pill).to_contain_text("1 new", timeout=WAIT_MS)
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(first.locator("[data-row-link]")).to_be_focused()
    desk.press(".")

    expect(page.locator("[data-row]")).to_have_count(2)
    expect(pill).to_be_hidden()
    assert page.evaluate("() => window.isSamePage")

    # What is selected goes to the sheet for many, or all that match do.
    desk.press("k", "x", "J")
    count = page.locator("[data-bulk-count]")
    expect(count).to_have_text("2")
    desk.press("x")
    expect(count).to_have_text("1")
    desk.press("*")
    expect(count).to_have_text("2")
    page.get_by_role("button", name="Decide together").focus()
    desk.press("Enter")
    expect(page).to_have_url(re.compile(r"/bulk/\?.*who=nobody.*all=1"))
    assert not desk.faults
