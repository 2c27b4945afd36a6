"""A mail with a link, decided on a phone without scripts; and a notification of the browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.conftest import Standing, on_one
from tests.live.test_live_js import enter
from tests.support.pictures import take

WISH = {"input/age": "36", "input/more": "{}"}
MAILED = re.compile(r"^http://127\.0\.0\.1:\d+/link/\S+/$", re.MULTILINE)
# A real browser without a screen shows no notifications: this notes what would be shown.
PATIENCE_TENTHS = 600
NOTIFICATIONS = """
  window.shown = [];
  window.Notification = class extends EventTarget {
    constructor(title, options) { super(); window.shown.push([options.body, options.tag]); }
    static get permission() { return sessionStorage.permission || "default"; }
    static async requestPermission() {
      sessionStorage.asked = Number(sessionStorage.asked || 0) + 1;
      return (sessionStorage.permission = "granted");
    }
  };
"""


@pytest.fixture
def phone(browser: Browser) -> Any:
    """A narrow browser that runs no scripts, and that nobody has logged in with."""
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 800}
    )
    yield context.new_page()
    context.close()


def ask(standing: Standing, name: str) -> int:
    """A question of a workflow that ada has started; its number."""
    ada, site = standing.people["ada"], standing.site
    run = ada.start("wishes", **WISH, **{"input/name": name})
    site.wait(lambda: "Waits for a person" in ada.status(run), "question")
    return ada.question(run)


def mention(standing: Standing, number: int) -> None:
    """The admin names ada on the question, so that she has something to hear of."""
    answer = standing.people["admin"].post(
        f"/review/{number}/comment", f"/review/{number}/", text="@ada please"
    )
    assert answer.status_code == 303


def test_a_question_is_decided_by_the_link_in_a_mail(
    standing: Standing, phone: Page
) -> None:
    site, ada = standing.site, standing.people["ada"]
    script = (
        "from django.contrib.auth.models import User;"
        "User.objects.filter(username='ada').update(email='ada@example.org')"
    )
    site.manage("shell", "-c", script)
    ada.post("/notices/mail", "/notices/", kinds="mention", links="1")
    number = ask(standing, "Bea")
    before = len(MAILED.findall(site.output()))

    mention(standing, number)
    site.wait(lambda: len(MAILED.findall(site.output())) > before, "mail with a link")
    link = MAILED.findall(site.output())[-1]
    for _ in range(2):  # as a program does that looks into mails
        assert ada.http.get(link).status_code == 200
    phone.goto(link)
    expect(phone.get_by_text("For ada, until")).to_be_visible()
    take(phone, "link: what it opens")
    phone.get_by_text("Reject…").click()
    phone.get_by_label("Why do you reject it?").fill("Not today")
    phone.get_by_role("button", name="Reject", exact=True).click()

    expect(phone.get_by_role("heading")).to_have_text(
        f"You have rejected question #{number}"
    )
    take(phone, "link: decided")
    phone.goto(link)
    expect(phone.get_by_text("The link is used up")).to_be_visible()
    take(phone, "link: used up")
    expect(phone.get_by_role("button")).to_have_count(0)
    told = ada.http.get("/decisions/export.json").text
    assert "Not today" in told


@on_one("standing", "sqlite")
def test_a_notification_is_shown_to_whoever_switched_them_on(
    standing: Standing, context: BrowserContext
) -> None:
    site = standing.site
    number = ask(standing, "Cleo")
    enter(context, site.address, standing.people["ada"].session)
    context.add_init_script(NOTIFICATIONS)
    page = context.new_page()
    page.goto(f"{site.address}/notices/")
    assert page.evaluate("sessionStorage.asked") is None

    with page.expect_response(re.compile("/notices/new")):
        page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("button", name="Turn off")).to_be_visible()
    mention(standing, number)
    # The next look is half a minute away; nobody has looked for that long.
    page.evaluate("localStorage.removeItem('durableweb.notify.asked')")
    page.goto(f"{site.address}/runs/")

    # Not wait_for_function: it evaluates in the page, which the content policy forbids.
    for _ in range(PATIENCE_TENTHS):
        if page.evaluate("window.shown.length"):
            break
        page.wait_for_timeout(100)
    assert page.evaluate("window.shown.length") == 1
    body, tag = page.evaluate("window.shown[0]")
    assert body.startswith("admin named you on")
    assert tag.startswith("notice-")
    assert page.evaluate("sessionStorage.asked") == "1"
