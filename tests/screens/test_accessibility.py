"""What axe-core finds on any screen in any state, wide and narrow, light and dark: nothing.

Wide in light colours, narrow in dark ones; then wide and dark the colours of what is not
seen so when it is narrow.

With it: no screen scrolls sideways at 320 px, nothing moves where less motion is asked, and
what belongs together is seen together.
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
# Each element that is seen, with what its contrast follows from: the colour of its text,
# whether that is large (of which less is asked), and what is painted below it.
PAINTED = """() => {
  const below = new Map();
  const layers = (each) => {
    if (!each) return '';
    if (!below.has(each)) {
      const style = getComputedStyle(each);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter];
      const isClear = own.join() === 'rgba(0, 0, 0, 0),none,1,none';
      below.set(each, layers(each.parentElement) + (isClear ? '' : own.join()));
    }
    return below.get(each);
  };
  const found = new Map();
  for (const each of document.querySelectorAll('body, body *')) {
    if (!each.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(each);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.5 && style.fontWeight >= 700);
    found.set(each, [style.color, isLarge, layers(each)].join());
  }
  return found;
}"""
REMEMBER = f"() => {{ window.seenSo = ({PAINTED})(); }}"
OTHERWISE = f"""() => {{
  const now = ({PAINTED})();
  const other = [...now].filter(([each, how]) => window.seenSo.get(each) !== how).map(([each]) => each);
  const all = new Set(other);
  return other.filter((each) => !all.has(each.parentElement));
}}"""
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


def draw(page: Page, size: ViewportSize, scheme: Any) -> None:
    """Make the window so large, and the page light or dark."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)


def look(page: Page, size: ViewportSize, scheme: Any) -> list[str]:
    """What axe finds in this window: one line a fault."""
    draw(page, size, scheme)
    options = {
        "runOnly": {"type": "tag", "values": TAGS},
        "resultTypes": ["violations"],
    }
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return told(found, size, scheme)


def look_at_colours(page: Page, size: ViewportSize, scheme: Any) -> list[str]:
    """What axe finds of the contrast of whatever is not painted as it was remembered."""
    draw(page, size, scheme)
    options = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
    found = page.evaluate(
        f"""async (options) => {{
            const include = ({OTHERWISE})();
            return include.length ? axe.run({{ include }}, options) : {{ violations: [] }};
        }}""",
        options,
    )
    return told(found, size, scheme)


def told(found: Any, size: ViewportSize, scheme: str) -> list[str]:
    """The faults among what axe tells."""
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
        *look(page, NARROW, "dark"),
    ]
    page.evaluate(REMEMBER)
    faults += look_at_colours(page, WIDE, "dark")
    page.set_viewport_size(NARROWEST)
    faults += [
        f"320: wider than the window: {each}" for each in page.evaluate(TOO_WIDE)
    ]
    faults += [f"moves: {each}" for each in page.evaluate(MOVING)]

    assert not faults, "\n".join([screen.name, *faults])


def test_what_belongs_to_a_form_is_seen_beside_it(desk: Desk, browser: Browser):
    page = desk.page(browser, "demo")
    page.set_viewport_size(WIDE)

    page.goto(f"{desk.url}/queue/?sort=age&item={desk.names['real']}")
    assert columns(page, "#queue-rows", "#decide", ".review-side") == 3
    expect(page.locator("#work-title")).to_be_in_viewport()
    page.goto(f"{desk.url}/review/{desk.names['real']}/state")
    assert columns(page, "#edit-state", ".state-diff", ".state-effect") == 3


def test_where_there_is_no_room_it_is_a_line_above_the_form(
    desk: Desk, browser: Browser
):
    page = desk.page(browser, "demo")
    page.set_viewport_size(NARROW)

    page.goto(f"{desk.url}/queue/?sort=age&item={desk.names['real']}")
    line = page.locator(".side-fold > summary")
    expect(line).to_be_in_viewport()
    expect(page.locator("#work-title")).not_to_be_visible()
    line.click()
    expect(page.locator("#work-title")).to_be_visible()
    assert top(page, "#work-title") < top(page, "#decide")
    page.goto(f"{desk.url}/review/{desk.names['real']}/state")
    parts = (".state-diff", "#edit-state", ".state-effect")
    assert sorted(parts, key=lambda part: top(page, part)) == list(parts)


def columns(page: Page, *parts: str) -> int:
    """How many of these parts stand to the right of the one before."""
    ends = 0.0
    found = 0
    for part in parts:
        box = page.locator(part).bounding_box()
        assert box is not None, part
        found += box["x"] >= ends
        ends = box["x"] + box["width"]
    return found


def top(page: Page, part: str) -> float:
    """Where a part begins, from the top of the page."""
    box = page.locator(part).first.bounding_box()
    # What draws no box of its own stands where its first card does.
    box = box or page.locator(f"{part} .card").first.bounding_box()
    assert box is not None, part
    return box["y"]


PALE = """<!doctype html><html lang="en"><title>Pale</title>
<style>
  body { color: white; background: black }
  .aside { color: #555 }
  @media (max-width: 600px) { .aside { display: none } .card { background: black } }
  @media (min-width: 601px) { .card { background: #ddd } }
</style>
<script>
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const paint = () => { document.documentElement.dataset.bsTheme = dark.matches ? 'dark' : 'light'; };
  dark.onchange = paint;
  paint();
</script>
<main><h1>Same</h1><p class="aside">Beside it</p><div class="card"><p class="pale">On a card</p></div></main>"""


def test_colours_that_a_narrow_window_does_not_show_are_looked_at_in_a_wide_one(
    page: Page,
):
    page.set_content(PALE)
    page.evaluate(AXE)
    assert look(page, NARROW, "dark") == []
    page.evaluate(REMEMBER)

    faults = look_at_colours(page, WIDE, "dark")

    assert len(faults) == 2, faults
    assert "Beside it" in faults[0]
    assert "On a card" in faults[1]
    page.evaluate(REMEMBER)
    assert look_at_colours(page, WIDE, "dark") == []
