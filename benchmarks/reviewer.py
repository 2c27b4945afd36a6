"""A reviewer who decides a hundred mixed questions by keyboard alone, in a real browser.

Prints keystrokes per decision and the time from the key that decides to the next question
on the screen, measured in the browser: from the keydown to the frame after the pane has
the next question and its heading has the focus. `python -m benchmarks.reviewer --items 100`;
DATABASE_URL names the database, without it a temporary SQLite file is used. A chord, such as
Ctrl with Enter, is one keystroke; every letter typed counts.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

try:
    from playwright.sync_api import Page, expect, sync_playwright

    from tests.support import chromium
except ImportError:
    print("Not measured: the browser comes with the development tools (make setup).")
    sys.exit()

from tests.support.server import Process, Processes

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "benchmarks._reviewer_site.settings",
    "UNDO_SECONDS": os.environ.get("UNDO_SECONDS", "10"),
}
WATCH = """
(() => {
  const seen = { keys: 0, pressed: 0, times: [] };
  window.__seen = seen;
  const isModifier = (key) => ["Control", "Shift", "Meta", "Alt"].includes(key);
  addEventListener("keydown", (event) => {
    if (isModifier(event.key)) return;
    seen.keys += 1;
    seen.pressed = performance.now();
  }, true);
  let shown = "";
  const look = () => {
    const item = document.querySelector("#pane [data-item]");
    const number = item ? item.dataset.item : "";
    if (number === shown) return;
    const before = shown;
    shown = number;
    const pressed = seen.pressed;
    if (!before) return;
    requestAnimationFrame(() => setTimeout(() => seen.times.push(performance.now() - pressed)));
  };
  addEventListener("DOMContentLoaded", () => {
    const pane = document.getElementById("pane");
    if (pane) new MutationObserver(look).observe(pane, { childList: true });
    look();
  });
})();
"""
ANSWERS = """
() => performance.getEntriesByType("resource")
  .filter((each) => each.name.endsWith("/decision")).map((each) => each.duration)
"""
PRESSES = {
    "Send": ["a"],
    "Book": ["a"],
    "Refund": ["a"],
    "Delete": ["r", "1", "Enter"],
    "Transfer": ["e", "5", "Control+Enter"],
}


def arguments() -> argparse.Namespace:
    """How many of what."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument(
        "--pause", type=float, default=1.0, help="seconds to read each question"
    )
    return parser.parse_args()


def main() -> None:
    """Serve, fill, decide, print."""
    given = arguments()
    with tempfile.TemporaryDirectory() as folder:
        default = f"sqlite:///{folder}/reviewer.sqlite3"
        url = os.environ.get("DATABASE_URL", default)
        processes = Processes(Path(folder))
        try:
            measure(given, url, processes)
        finally:
            processes.stop()


def measure(given: argparse.Namespace, url: str, processes: Processes) -> None:
    """One run of the whole."""
    processes.manage(url, "migrate", "--verbosity", "0", env=SETTINGS)
    script = f"from benchmarks._reviewer_site.fill import fill; fill({given.items})"
    said = processes.manage(url, "shell", "-c", script, env=SETTINGS)
    found = re.search(r"session (\w+)", said)
    assert found, said
    more = () if url.startswith("sqlite") else ("--with-worker",)
    server = processes.serve(url, *more, env=SETTINGS)
    wait_for_work(given.items, url, processes, server)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find_or_install(), args=chromium.ARGUMENTS
        )
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        cookie = {"name": "sessionid", "value": found[1], "url": server.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{server.url}/queue/")
        decide_all(page, given)
        report(page, given, url)
        browser.close()


def wait_for_work(items: int, url: str, processes: Processes, server: Process) -> None:
    """Until the workflows have asked all questions."""
    script = "from benchmarks._reviewer_site.fill import waiting; waiting()"
    while True:
        said = processes.manage(url, "shell", "-c", script, env=SETTINGS)
        if f"waiting {items}" in said:
            return
        assert server.is_running(), server.output()
        time.sleep(1)


def decide_all(page: Page, given: argparse.Namespace) -> None:
    """Open the first question and decide one after the other."""
    page.wait_for_selector("[data-live-light][data-state=live]", state="attached")
    page.keyboard.press("o")
    item = page.locator("#pane [data-item]")
    for _ in range(given.items):
        expect(item).to_have_count(1)
        number = item.get_attribute("data-item")
        title = page.locator("#question-title").inner_text()
        page.wait_for_timeout(given.pause * 1000)
        for key in PRESSES[title.split()[0]]:
            page.keyboard.press(key)
        gone = page.locator(f'#pane [data-item="{number}"]')
        try:
            expect(gone).to_have_count(0, timeout=10_000)
        except AssertionError:
            said = page.locator("#pane").inner_text()
            raise AssertionError(f"{title}: still there\n{said}") from None


def report(page: Page, given: argparse.Namespace, url: str) -> None:
    """One line of figures."""
    page.wait_for_timeout(500)
    seen = page.evaluate("() => window.__seen")
    times = sorted(seen["times"])
    centiles = statistics.quantiles(times, n=100)
    answers = statistics.quantiles(page.evaluate(ANSWERS), n=100)
    kind = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    print("                                   key to next question    server's answer")
    print("database     items  keys/decision   p50 ms   p95 ms   max     p50 ms   p95")
    print(
        f"{kind:<11} {given.items:>6} {(seen['keys'] - 1) / given.items:>14.2f}"
        f" {centiles[49]:>8.0f} {centiles[94]:>8.0f} {times[-1]:>5.0f}"
        f" {answers[49]:>10.0f} {answers[94]:>5.0f}"
    )


if __name__ == "__main__":
    main()
