"""What axe-core finds on any screen in any state, wide and narrow, light and dark: nothing.

Wide in light colours, narrow in dark ones; what differs by colours alone also wide and dark.

With it: no screen scrolls sideways at 320 px, and nothing moves where less motion is asked.
"""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.screens.conftest import Desk
from tests.screens.table import SCREENS, Screen
from tests.support.pictures import take

AXE = (Path(__file__).parents[1] / "vendor/axe-core/axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, NARROW, NARROWEST = (
    ViewportSize(width=1280, height=900),
    ViewportSize(width=390, height=844),
    ViewportSize(width=320, height=640),
)
# What is closed is drawn too. A bar that sticks to the window's edge covers whatever happens to
# lie below it, which axe takes for its size: it stands in its own place here.
OPEN_ALL = """() => {
  const panels = [...document.querySelectorAll('.bar-panel')];
  document.querySelectorAll('main details').forEach((each) => {
    // Of the bar's panels one at a time is open.
    if (panels.indexOf(each) < 1) each.open = true;
  });
  document.querySelectorAll('main *').forEach((each) => {
    if (getComputedStyle(each).position === 'sticky') each.style.setProperty('position', 'static');
  });
}"""
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const clipped = (each) => {
    for (let up = each.parentElement; up; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== 'visible') return true;
    }
    return false;
  };
  const wide = [...document.querySelectorAll('body *')].filter(
    (each) => each.getBoundingClientRect().right > innerWidth + 1 && !clipped(each));
  return [`${root.scrollWidth} px wide`, ...wide.slice(0, 3).map((each) => each.outerHTML.slice(0, 120))];
}"""
MOVING = """() => {
  const long = (text) => text.split(',').some(
    (each) => parseFloat(each) * (each.includes('ms') ? 0.001 : 1) > 0.02);
  return [...document.querySelectorAll('body *')].filter((each) => {
    const style = getComputedStyle(each);
    const transition = style.transitionProperty !== 'none' && long(style.transitionDuration);
    return transition || (style.animationName !== 'none' && long(style.animationDuration));
  }).slice(0, 3).map((each) => each.outerHTML.slice(0, 120));
}"""


def look(
    page: Page, size: ViewportSize, scheme: Any, only: list[str] | None = None
) -> list[str]:
    """What axe finds in this window: one line a fault."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
    kind = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    options = {"runOnly": kind, "resultTypes": ["violations"]}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{size['width']} {scheme}: {fault['id']}: {fault['help']}: "
        f"{node['html'][:160]} {' '.join(node['failureSummary'].split())}"
        for fault in found["violations"]
        for node in fault["nodes"][:3]
    ]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_is_open_to_everybody(desk: Desk, browser: Browser, screen: Screen):
    page = desk.page(browser, screen.person)
    page.set_viewport_size(WIDE)
    answer = page.goto(desk.url + screen.path.format(**desk.names))
    assert answer is not None
    assert answer.status == screen.status
    if screen.act is not None:
        screen.act(page)
    take(page, f"screen {screen.name}")
    page.evaluate(OPEN_ALL)
    page.evaluate(AXE)

    faults = [
        *look(page, WIDE, "light"),
        *look(page, WIDE, "dark", ["color-contrast"]),
        *look(page, NARROW, "dark"),
    ]
    page.set_viewport_size(NARROWEST)
    faults += [
        f"320: wider than the window: {each}" for each in page.evaluate(TOO_WIDE)
    ]
    faults += [f"moves: {each}" for each in page.evaluate(MOVING)]

    assert not faults, "\n".join([screen.name, *faults])
