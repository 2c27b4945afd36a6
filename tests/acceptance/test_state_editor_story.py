"""An edit of the state, first alone and then with the answer, in a real browser."""

import json
import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.conftest import PEOPLE, Site, Visitor
from tests.support.pictures import take

WAIT_MS = 60_000
# No double holds it.
BIG = 2**53 + 1


def watched(page: Page) -> list[str]:
    """The errors that the browser tells of, among them what the page's policy refused."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda said: faults.append(said.text) if said.type == "error" else None,
    )
    return faults


def write_json(page: Page, value: object) -> None:
    """Type in the JSON editor, in place of what stands there."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(json.dumps(value))


def test_an_edit_alone_and_an_edit_with_the_answer(
    site: Site, context: BrowserContext
) -> None:
    ada = site.enter(PEOPLE)["ada"]
    site.serve("--with-worker")
    run = ada.start(
        "wishes", **{"input/name": "Bob", "input/age": "3", "input/more": "{}"}
    )
    site.wait(lambda: "Waits" in ada.status(run), "question")
    number, thread = ada.question(run), ada.thread(run)
    context.add_cookies(
        [{"name": "sessionid", "value": ada.session, "url": site.address}]
    )
    page = context.new_page()
    faults = watched(page)

    # What would happen is told while one types, and nothing has happened yet.
    page.goto(f"{site.address}/review/{number}/")
    page.locator("label", has=page.locator("#side-state")).click()
    page.get_by_role("link", name="Edit the state").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Grace")
    preview = page.locator("#preview")
    expect(preview).to_contain_text(f"Question #{number} is asked again")
    expect(preview.locator("ins")).to_contain_text("Grace")
    take(page, "state editor: what an edit would do")
    before = ada.timeline(thread)

    # Saved alone, the question is asked again, under its number.
    page.get_by_label("Why do you edit it?").fill("wrong name")
    page.get_by_role("button", name="Save edit only").click()
    expect(page).to_have_url(f"{site.address}/review/{number}/")
    site.wait(
        lambda: "Grace" in ada.page(f"/review/{number}/").text("dl"), "edited question"
    )
    # It is asked again by a run of its own; who edits before that has ended is told that the question has changed.
    site.wait(lambda: _has_come_to_a_rest(ada, thread, len(before)), "asked again")
    assert ada.question(run) == number
    assert ada.timeline(thread)[: len(before)] == before
    again = f"Question #{number} is asked again because of it"
    assert again in " ".join(ada.page(thread).one("ol", id="timeline").text.split())

    # As JSON, with a number that no browser can count; formatting keeps its digits.
    page.goto(f"{site.address}/review/{number}/state")
    page.keyboard.press("Control+j")
    expect(page.locator(".cm-content")).to_be_visible(timeout=WAIT_MS)
    write_json(page, {"name": "Grace", "more": {"big": BIG}})
    expect(preview.locator("ins")).to_contain_text(str(BIG))
    take(page, "state editor: as JSON")
    page.locator("button.jse-format").click()
    expect(page.locator(".cm-content")).to_contain_text(f'"big": {BIG}')
    assert str(BIG) in page.locator("#state-values").input_value()

    # Saved with the answer, the workflow goes on with both.
    page.get_by_label("Why do you edit it?").fill("more")
    page.get_by_role("button", name="Save and resume").click()
    expect(page.get_by_text(re.compile(r"State edited\. Approved"))).to_be_visible()
    site.wait(
        lambda: "Done" in ada.page(thread).one("div", id="thread-status").text, "end"
    )
    shown = ada.page(thread)
    assert str(BIG) in shown.text("dl")
    assert "with an edit of more" in " ".join(
        shown.one("ol", id="timeline").text.split()
    )
    assert faults == []
    site.assert_quiet()


def _has_come_to_a_rest(ada: Visitor, thread: str, before: int) -> bool:
    """Whether more has happened on the thread than so many events, and the last is that it waits."""
    events = [
        each
        for each in ada.page(thread).all("li")
        if each.attributes.get("id", "").startswith("event-")
    ]
    return len(events) > before and "Waits for a person" in events[-1].text
