"""Somebody at a keyboard and nothing else: keys, and where the focus is after each."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.acceptance.conftest import Site, Visitor
from tests.live.test_live_js import enter

WAIT_MS = 60_000
MOST_TABS = 60
SETTLED_S = 20.0
# Told about the element that has the focus: is there something to see of it, is it on the
# screen and in front, and does it, or what stands for it, carry a ring?
SEEN = """(element) => {
  const style = getComputedStyle(element);
  const rings = (each, part) => {
    const style = getComputedStyle(each, part);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  };
  const beside = element.nextElementSibling;
  const editor = element.closest("[data-own-keys]");
  const box = element.getBoundingClientRect();
  const at = (y) => document.elementFromPoint(box.left + Math.min(box.width / 2, 40), y);
  const places = [box.top + 4, box.top + box.height / 2, box.bottom - 4];
  const isFree = places.some((y) => { const top = at(y); return top && (element.contains(top) || top.contains(element) || beside?.contains(top)); });
  const isRung = rings(element) || rings(element, "::after") || [beside, editor].some((each) => each && rings(each));
  const isShown = style.visibility === "visible" && box.width > 0 && box.height > 0
    && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  return { isShown, isFree, isRung: isRung || /^H[1-3]$/.test(element.tagName), words: element.outerHTML.slice(0, 200) };
}"""
# All that is asked after one key, in one question to the browser.
AFTER_TAB = f"""(wanted) => {{
  const now = document.querySelector(":focus");
  const isGone = !wanted.isConnected;
  return {{ isGone, isThere: wanted === document.activeElement, seen: now && ({SEEN})(now) }};
}}"""


class Hands:
    """A browser that is never clicked, by which `visitor` looks."""

    def __init__(self, site: Site, visitor: Visitor, context: BrowserContext) -> None:
        self.site = site
        self.visitor = visitor
        self.faults: list[str] = []
        context.on("weberror", lambda fault: self.faults.append(str(fault.error)))
        enter(context, site.address, visitor.session)
        self.page: Page = context.new_page()

    def ask(self, *names: str) -> list[int]:
        """Start a workflow for each; returns the numbers of their questions."""
        wish = {"input/age": "36", "input/more": "{}"}
        numbers = []
        # One after the other: of two workers the second may ask first.
        for name in names:
            run = self.visitor.start("wishes", **wish, **{"input/name": name})
            self.site.wait(partial(self.is_asked, run), "question")
            numbers.append(self.visitor.question(run))
        return numbers

    def is_asked(self, run: int) -> bool:
        return "Waits for a person" in self.visitor.status(run)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.site.address}{path}")
        self.is_live()

    def is_live(self) -> None:
        """The page has its scripts, all of them, and its connection."""
        expect(self.page.locator("#connection")).to_have_attribute(
            "data-state", "live", timeout=WAIT_MS
        )
        self.is_loaded()

    def is_loaded(self) -> None:
        """The page has run its scripts: keys do something."""
        self.page.wait_for_load_state()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)

    def focus_is_on(self, element: Locator) -> None:
        """It has the focus, and whoever looks can tell."""
        expect(element).to_be_focused()
        self.is_seen()

    def is_seen(self) -> None:
        """What has the focus is in view, not covered, and marked."""
        focused = self.page.locator(":focus")
        if is_all_right(focused.evaluate(SEEN)):
            return
        expect(focused).to_be_visible()
        expect(focused).to_be_in_viewport()
        found = focused.evaluate(SEEN)
        deadline = time.monotonic() + SETTLED_S
        while not (found["isFree"] and found["isRung"]) and time.monotonic() < deadline:
            # A preview that has just come moves the page; it is scrolled in the next frame.
            self.page.wait_for_timeout(50)
            found = focused.evaluate(SEEN)
        assert found["isFree"], f"covered: {found['words']}"
        assert found["isRung"], f"no ring: {found['words']}"

    def tab_to(self, element: Locator, key: str = "Tab") -> None:
        """Go on with Tab until it has the focus; every stop on the way can be seen."""
        expect(element).to_be_visible()
        # To find it by its role and name takes the browser longer than to press a key.
        handle = element.element_handle()
        for _ in range(MOST_TABS):
            self.press(key)
            found = handle.evaluate(AFTER_TAB)
            if found["isGone"]:
                handle = element.element_handle()
                found = handle.evaluate(AFTER_TAB)
            if found["seen"] and not is_all_right(found["seen"]):
                self.is_seen()
            if found["isThere"]:
                return
        raise AssertionError(f"{MOST_TABS} times {key} do not lead to {element}")

    def shows(self, number: int) -> None:
        """The question stands in the pane, and its heading has the focus."""
        expect(self.page.locator(f'#pane [data-item="{number}"]')).to_be_visible()
        self.focus_is_on(self.page.locator("#question-title"))
        expect(self.page).to_have_url(re.compile(rf"[?&]item={number}\b"))

    def command(self, words: str) -> None:
        """Find it in the command palette and press Enter; the first that fits is taken."""
        self.press("Control+k")
        self.focus_is_on(self.page.locator("#palette-text"))
        self.type(words)
        chosen = self.page.locator("#palette-list [aria-selected=true]")
        expect(chosen).to_contain_text(words)
        self.press("Enter")
        expect(self.page.locator("#palette")).to_be_hidden()


def is_all_right(seen: dict[str, Any]) -> bool:
    """Whether the first look at what has the focus has found it as it should be."""
    return bool(seen["isShown"] and seen["isFree"] and seen["isRung"])
