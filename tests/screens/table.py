"""Every screen in its states. To add one: a line with its name, who looks, and the address.

An address may hold {names} of rows.py. `act` is done once the page is there, to bring it
into its state; it is given the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True)
class Screen:
    """One screen in one state, as `person` sees it; nobody is `person` ""."""

    name: str
    person: str
    path: str
    act: Callable[[Page], object] | None = None
    status: int = 200


def press(*keys: str) -> Callable[[Page], object]:
    """Press these keys, one after the other."""

    def act(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return act


def refuse_log_in(page: Page) -> None:
    """A log-in with a wrong password."""
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", "wrong")
    with page.expect_navigation():
        page.press("[name=password]", "Enter")


def send_invalid(page: Page) -> None:
    """A decision whose form does not fit."""
    page.evaluate("document.querySelectorAll('form').forEach(f => f.noValidate = true)")
    page.fill("[name='v/notes']", "")
    send = page.locator(
        "button[name=kind][value=approve], button[name=kind][value=edit]"
    )
    with page.expect_navigation():
        send.last.click()


def open_step(page: Page) -> None:
    """The first step of a thread, from its timeline."""
    with page.expect_navigation():
        page.locator("#timeline a[href*='/steps/']").first.click()


def label_step(page: Page) -> None:
    """A step with a label; pressed once more, the form has nothing in it."""
    open_step(page)
    page.fill("#label-text", "before refund")
    for _ in range(2):
        with page.expect_navigation():
            page.get_by_role("button", name="Add label").click()


def send_nonsense(page: Page) -> None:
    """A signal on a topic that is not said, with what is no JSON."""
    page.get_by_label("Another topic").first.check()
    page.fill("#signal-payload", '{"amount"')
    with page.expect_navigation():
        page.get_by_role("button", name="Send the signal").click()


def approve_rest(page: Page) -> None:
    """A batch of which one call is rejected and the others are approved by one press."""
    first, *_ = calls = page.locator(".batch-card fieldset").all()
    first.locator("[value=reject]").check()
    page.locator("[data-approve-rest]").click()
    chosen = [each.locator(":checked").get_attribute("value") for each in calls]
    assert chosen == ["reject", *["approve"] * (len(calls) - 1)]


def decide_late(page: Page) -> None:
    """A decision on a question that has moved on since the page was drawn."""
    page.evaluate("document.querySelector('input[name=version]').value = 7")
    with page.expect_navigation():
        page.locator("button[name=kind][value=approve]").click()


def decide_what_is_decided(page: Page) -> None:
    """An answer, sent from a page that was drawn before somebody else was first."""
    page.evaluate(
        """() => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = `${location.pathname}decision`;
            const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
            const typed = {csrfmiddlewaretoken: token, version: 1, round: 1, kind: "reject",
                reject_reason: "The sum is wrong.", "v/copies": "5"};
            for (const [name, value] of Object.entries(typed)) {
                const input = document.createElement("input");
                [input.type, input.name, input.value] = ["hidden", name, value];
                form.append(input);
            }
            document.body.append(form);
            form.submit();
        }"""
    )
    page.wait_for_selector("#recorded-title")


def decide(page: Page) -> None:
    """An approval; what follows is the next question, with the way back."""
    with page.expect_navigation():
        page.locator("button[name=kind][value=approve]").click()


def add_rows(page: Page) -> None:
    """A policy with a new row in each of its lists."""
    for name in ("remind", "escalate", "reasons", "reasons", "outside"):
        with page.expect_navigation():
            page.locator(f"button[name=_add][value={name}]").click()


def send_bad_policy(page: Page) -> None:
    """A policy with a fault in a field, and with rows that are empty."""
    add_rows(page)
    page.fill("#policy-quorum", "two")
    page.fill("#policy-due", "soon")
    with page.expect_navigation():
        page.locator("button[name=save]").click()


def send_bad_json(page: Page) -> None:
    """A policy whose JSON cannot be read."""
    page.fill("#policy-body", "{")
    with page.expect_navigation():
        page.locator("button[name=save]").click()


def send_empty(page: Page) -> None:
    """A start without what it needs."""
    page.evaluate("document.querySelectorAll('form').forEach(f => f.noValidate = true)")
    with page.expect_navigation():
        page.locator("main form button[type=submit]").last.click()


def open_json(page: Page) -> None:
    """The state as text, where the form stood."""
    with page.expect_navigation():
        page.keyboard.press("Control+j")


def renew_secret(page: Page) -> None:
    """A secret that is shown this once."""
    page.get_by_text("New secret…").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Make it and show it").click()


def make_token(page: Page) -> None:
    """A token that is shown this once."""
    page.fill("#token-name", "nightly import")
    page.check("[name=scopes][value=run]")
    with page.expect_navigation():
        page.get_by_role("button", name="Make it and show it").click()


def send_blank_answer(page: Page) -> None:
    """An answer in words without a word."""
    page.locator("details:has(#link-respond) summary").click()
    with page.expect_navigation():
        page.locator("button[name=kind][value=respond]").click()


def send_no_times(page: Page) -> None:
    """A wish to make up for the past that does not say when."""
    with page.expect_navigation():
        page.get_by_role("button", name="Start them").click()


def open_act(page: Page) -> None:
    """An act with what it will do."""
    page.locator(".doctor-offer summary").first.click()


def send_act(page: Page) -> None:
    """An act without its reason."""
    open_act(page)
    with page.expect_navigation():
        page.locator(".doctor-offer button").first.click()


def order_without_words(page: Page) -> None:
    """A bulk rejection without its reason."""
    page.check("[name=kind][value=reject]")
    with page.expect_navigation():
        page.locator(".bulk-send button").click()


SHEET = "/bulk/?item={proposal}&item={busy}&item={assigned}&item={claimed}&item=99999"
SCREENS = (
    Screen("log-in", "", "/login/"),
    Screen("log-in refused", "", "/login/", refuse_log_in),
    # The queue
    Screen("queue", "demo", "/queue/"),
    Screen("queue, all", "demo", "/queue/?sort=age"),
    Screen("queue, filtered", "demo", "/queue/?sort=due&q=letter&due=overdue&age=1"),
    Screen("queue, nothing found", "demo", "/queue/?q=elephant"),
    Screen("queue, filter not understood", "demo", "/queue/?f=nonsense"),
    Screen("queue, grouped", "demo", "/queue/?sort=due&by=workflow"),
    Screen("queue, put off", "demo", "/queue/?snoozed=1"),
    Screen("queue, one open beside it", "demo", "/queue/?sort=age&item={proposal}"),
    Screen("queue of whoever has nothing", "nobody", "/queue/"),
    Screen("queue of a viewer", "viewer", "/queue/?sort=age"),
    # One question
    Screen("plain question", "demo", "/review/{plain}/"),
    Screen("proposal", "demo", "/review/{proposal}/"),
    Screen("form", "demo", "/review/{form}/"),
    Screen("tool call", "demo", "/review/{tool}/"),
    Screen("batch of calls", "demo", "/review/{batch}/", approve_rest),
    Screen("inbox question", "demo", "/review/{inbox}/"),
    Screen("markdown", "demo", "/review/{markdown}/"),
    Screen("records", "demo", "/review/{records}/"),
    Screen("several questions", "demo", "/review/{several}/"),
    Screen("overdue, with comments", "demo", "/review/{busy}/"),
    Screen("assigned to another", "demo", "/review/{assigned}/"),
    Screen("claimed by another", "demo", "/review/{claimed}/"),
    Screen("claimed by oneself", "demo", "/review/{yours}/"),
    Screen("needs two people", "demo", "/review/{quorum}/"),
    Screen("decided", "demo", "/review/{decided}/"),
    Screen("withdrawn", "demo", "/review/{withdrawn}/"),
    Screen("question of a viewer", "viewer", "/review/{proposal}/"),
    Screen("form that does not fit", "demo", "/review/{form}/", send_invalid),
    Screen("too late to decide", "demo", "/review/{decided}/", decide_what_is_decided),
    Screen("conflict", "demo", "/review/{conflict}/", decide_late),
    Screen("after a decision, with undo", "demo", "/review/{late}/", decide),
    Screen("question with its state", "demo", "/review/{real}/"),
    Screen("state editor", "demo", "/review/{real}/state"),
    Screen("state editor, as JSON", "demo", "/review/{real}/state", open_json),
    Screen("state of a thread", "operator", "/threads/{real_thread}/state"),
    # Many questions at once
    Screen("bulk sheet with groups", "demo", "/bulk/?all=1"),
    Screen("bulk sheet, one field edited", "demo", f"{SHEET}&edit=copies"),
    Screen("bulk sheet, nothing left", "viewer", SHEET),
    Screen("bulk order refused", "demo", SHEET, order_without_words),
    Screen("bulk order", "demo", "/bulk/{order}/"),
    Screen("bulk orders", "demo", "/bulk/"),
    Screen("bulk orders, none", "viewer", "/bulk/"),
    # Runs and threads
    Screen("runs", "demo", "/runs/"),
    Screen("runs, none", "demo", "/runs/?status=timeout"),
    Screen("run that failed", "demo", "/runs/{failed}/"),
    Screen("run", "demo", "/runs/{start}/"),
    Screen("cancel a run", "demo", "/runs/{waiting}/cancel"),
    Screen("threads", "demo", "/threads/"),
    Screen("threads, search that is wrong", "demo", "/threads/?where=customer+%3E+5"),
    Screen("threads that sleep", "demo", "/threads/?status=waiting"),
    Screen("threads, none", "demo", "/threads/?status=busy"),
    Screen("thread", "demo", "/threads/{thread}/"),
    Screen("step", "viewer", "/threads/{real_thread}/", open_step),
    Screen("step, label refused", "demo", "/threads/{real_thread}/", label_step),
    Screen("thread with a label", "demo", "/threads/{real_thread}/"),
    Screen("thread that sleeps", "demo", "/threads/screen-asleep/"),
    Screen("thread that asks and sleeps", "viewer", "/threads/screen-asks-asleep/"),
    Screen("run that sleeps", "demo", "/runs/{asleep}/"),
    Screen("thread that waits for signals", "demo", "/threads/screen-signals/"),
    Screen(
        "thread that another has started", "demo", "/threads/screen-child-wait-busy/"
    ),
    Screen("form of a signal", "demo", "/threads/screen-signals/signal"),
    Screen("form of a signal, nothing waits", "demo", "/threads/{thread}/signal"),
    Screen("signal refused", "demo", "/threads/screen-signals/signal", send_nonsense),
    Screen("updates, none are declared", "demo", "/threads/{thread}/update"),
    Screen("thread that failed", "demo", "/threads/screen-failed/"),
    Screen("doctor, it waits", "demo", "/threads/screen-signals/doctor/"),
    Screen("doctor, it failed", "demo", "/threads/screen-failed/doctor/", open_act),
    Screen("doctor, act refused", "demo", "/threads/screen-asleep/doctor/", send_act),
    Screen("doctor of a viewer", "viewer", "/threads/{thread}/doctor/"),
    Screen("health", "demo", "/health/"),
    Screen("health of a viewer", "viewer", "/health/?paused=1"),
    Screen("health of whoever has nothing", "nobody", "/health/"),
    Screen("what takes room", "operator", "/health/storage/"),
    Screen(
        "runs that failed alike", "demo", "/runs/?failure=ValueError&node=fetch_page"
    ),
    Screen(
        "decisions of a time", "demo", "/decisions/?who=all&since=2026-01-01T00:00Z"
    ),
    # What was decided, and the rules
    Screen("decisions", "demo", "/decisions/?who=all"),
    Screen("decisions, none", "viewer", "/decisions/"),
    Screen("decision", "demo", "/decisions/{decision}/"),
    Screen("decision of a viewer", "viewer", "/decisions/{decision}/"),
    Screen("policies", "admin", "/policies/?question={quorum}"),
    Screen("policies of a viewer", "viewer", "/policies/?question=x"),
    Screen("policy", "admin", "/policies/edit?workflow=fetch_page&node=sign"),
    Screen("policy, new rows", "admin", "/policies/edit", add_rows),
    Screen("policy not understood", "admin", "/policies/edit", send_bad_policy),
    Screen("policy as JSON", "admin", "/policies/edit?mode=json", send_bad_json),
    Screen("policy of a viewer", "viewer", "/policies/edit?workflow=fetch_page"),
    Screen("schedules", "demo", "/schedules/"),
    Screen("schedules of a viewer", "viewer", "/schedules/"),
    Screen("schedules, none", "nobody", "/schedules/"),
    Screen("schedule", "demo", "/schedules/new-year/"),
    Screen("schedule that is paused", "viewer", "/schedules/leap-day/"),
    Screen("schedule declared no more", "demo", "/schedules/old-report/"),
    Screen("times not understood", "demo", "/schedules/leap-day/", send_no_times),
    Screen("notices", "demo", "/notices/"),
    Screen("preferences", "demo", "/preferences/"),
    # What leaves the house
    Screen("webhooks", "admin", "/webhooks/"),
    Screen("webhook", "admin", "/webhooks/{webhook}/"),
    Screen("webhook, its secret", "admin", "/webhooks/{webhook}/", renew_secret),
    Screen("new webhook", "admin", "/webhooks/new"),
    Screen("new webhook, not filled in", "admin", "/webhooks/new", send_empty),
    Screen("link", "", "/link/{link}/"),
    Screen("link to calls", "", "/link/{link_to_calls}/"),
    Screen("link, form not understood", "", "/link/{link}/", send_blank_answer),
    Screen("link, used", "", "/link/{link_used}/", decide),
    Screen("link, too late", "", "/link/{link_late}/"),
    Screen("link that is none", "", "/link/none/", status=404),
    # Who may come in as a program
    Screen("tokens", "demo", "/tokens/"),
    Screen("tokens, none", "viewer", "/tokens/"),
    Screen("tokens of whoever has nothing", "nobody", "/tokens/"),
    Screen("tokens of everybody", "admin", "/tokens/?whose=all"),
    Screen("new token", "demo", "/tokens/new"),
    Screen("new token, not filled in", "demo", "/tokens/new", send_empty),
    Screen("new token, its text", "operator", "/tokens/new", make_token),
    Screen("revoke a token", "admin", "/tokens/{token}/revoke"),
    Screen("token that is revoked", "demo", "/tokens/{revoked_token}/revoke"),
    # Start
    Screen("workflows to start", "demo", "/start/"),
    Screen("start", "demo", "/start/invoice_review/"),
    Screen("start, not filled in", "demo", "/start/fetch_page/", send_empty),
    # Help, and what goes wrong
    Screen("keys", "demo", "/queue/?sort=age", press("?")),
    Screen("commands", "demo", "/queue/?sort=age", press("Control+k")),
    Screen("not there", "demo", "/nothing/", status=404),
    Screen("not allowed", "viewer", "/start/fetch_page/", status=403),
    Screen("too late", "demo", "/runs/{failed}/cancel", status=409),
)
