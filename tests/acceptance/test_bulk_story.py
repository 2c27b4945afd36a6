"""Three questions ticked in the queue and decided by one order, in a real browser."""

from playwright.sync_api import BrowserContext, expect

from tests.acceptance.conftest import Standing, Visitor
from tests.support.pictures import take

WANTED = 3
WAIT_MS = 60_000


def test_from_the_queue_to_the_result(
    standing: Standing, context: BrowserContext
) -> None:
    site, ada = standing.site, standing.people["ada"]
    runs = [
        ada.start(
            "wishes",
            **{"input/name": f"bulk {at}", "input/age": str(at), "input/more": "{}"},
        )
        for at in range(WANTED)
    ]
    site.wait(
        lambda: all("Waits for a person" in ada.status(run) for run in runs),
        "questions",
    )
    numbers = [ada.question(run) for run in runs]
    threads = [ada.thread(run) for run in runs]
    context.add_cookies(
        [{"name": "sessionid", "value": ada.session, "url": site.address}]
    )
    page = context.new_page()
    page.goto(f"{site.address}/queue/?workflow=wishes")
    for number in numbers:
        page.get_by_label(f"Select #{number}").check()

    page.get_by_role("button", name="Decide together").click()
    expect(page.get_by_role("heading", name="Decide together")).to_be_visible()
    page.get_by_label("Leave out").first.check()
    page.get_by_label("Reject all for one reason").check()
    page.get_by_label("Why do you reject them?").fill("Not this year")
    take(page, "bulk: what is to be decided")
    page.get_by_role("button", name=f"Decide {WANTED - 1} questions").click()

    # The page renews itself; nobody loads it again.
    expect(page.get_by_text("Finished")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("rejected")).to_have_count(WANTED - 1)
    take(page, "bulk: what was decided")
    standings = [standing_of(ada, thread) for thread in threads]
    assert sum("Waits for a person" in each for each in standings) == 1
    site.wait(
        lambda: sum("Done" in standing_of(ada, each) for each in threads) == WANTED - 1,
        "end of the workflows",
    )


def standing_of(ada: Visitor, thread: str) -> str:
    return ada.page(thread).one("div", id="thread-status").text
