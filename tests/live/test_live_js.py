"""static/js/live.js in a real browser: nothing missed, nothing moved, and it says how it is."""

import contextlib
import time

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.live.conftest import Prepare
from tests.live.test_serve import write_from_outside
from tests.support.databases import Databases, open_database

WAIT_MS = 60_000


@pytest.fixture
def database_url(databases: Databases, db_kind: str, prepared: Prepare) -> str:
    return databases.copy(prepared(db_kind).url)


@pytest.fixture
def session(db_kind: str, prepared: Prepare) -> str:
    return prepared(db_kind).session


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser's console complains of, but for lines that were cut."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console",
        lambda line: (
            said.append(line.text)
            if line.type == "error" and "ERR_CONNECTION" not in line.text
            else None
        ),
    )
    return said


def tell(database_url: str, kind: str, data: str, *statements: str) -> None:
    """Change rows and add the event that tells of it, from outside."""
    with contextlib.closing(open_database(database_url)) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SELECT seq + 1 FROM workflows_thread WHERE id = 't1'")
        seq = int(cursor.fetchone()[0])
        sign = "?" if database_url.startswith("sqlite") else "%s"
        cursor.execute(
            "INSERT INTO workflows_event (thread_id, seq, kind, data)"
            f" VALUES ('t1', {seq}, {sign}, {sign})",
            (kind, data),
        )
        cursor.execute(f"UPDATE workflows_thread SET seq = {seq} WHERE id = 't1'")
        connection.commit()


def ask(database_url: str, number: int, node: str = "n", priority: int = 0) -> None:
    tell(
        database_url,
        "interrupt",
        f'{{"interrupt": {number}, "title": "Q", "status": "pending", "round": 1}}',
        "INSERT INTO workflows_interrupt (id, thread_id, graph, namespace, checkpoint,"
        " interrupt_id, task, task_path, node, ordinal, key, status, version, round,"
        " title, value, response_schema, digest, reason, priority)"
        f" VALUES ({number}, 't1', 'gone', '', 'c', 'i{number}', 't', '', '{node}', 0,"
        f" '', 'pending', 1, 1, 'Question number {number}', 'null', '', '', '',"
        f" {priority})",
    )


def decide(database_url: str, number: int) -> None:
    tell(
        database_url,
        "decision",
        f'{{"interrupt": {number}, "kind": "approve", "by": "maria"}}',
        f"UPDATE workflows_interrupt SET status = 'decided' WHERE id = {number}",
        "INSERT INTO workflows_decision (interrupt_id, round, kind, person_name, reason,"
        " answer, original, edits, checkpoint, created_at)"
        f" VALUES ({number}, 1, 'approve', 'maria', '', 'null', '', '', '',"
        " '2026-01-01 00:00:00')",
    )


def enter(context: BrowserContext, url: str, session: str) -> None:
    context.add_cookies([{"name": "sessionid", "value": session, "url": url}])


def expect_light(page: Page, state: str) -> None:
    light = page.locator("[data-live-light]").first
    expect(light).to_have_attribute("data-state", state, timeout=WAIT_MS)


def test_a_timeline_follows_and_a_killed_server_leaves_no_gap(
    page, context, processes, database_url, session, complaints
):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/threads/t1/")
    events = page.locator("#timeline > li")
    expect_light(page, "live")
    write_from_outside(database_url, 3)
    expect(events).to_have_count(5, timeout=WAIT_MS)

    server.kill9()
    expect(page.locator('[data-live-light][data-state="live"]')).to_have_count(
        0, timeout=WAIT_MS
    )
    write_from_outside(database_url, 4)
    processes.serve(database_url, port=server.port)

    expect(events).to_have_count(9, timeout=WAIT_MS)
    expect_light(page, "live")
    ids = events.evaluate_all("items => items.map(item => item.id)")
    assert ids == [f"event-{number}" for number in range(1, 10)]

    begin_anew(database_url)
    expect(events).to_have_count(1, timeout=WAIT_MS)
    write_from_outside(database_url, 1)
    expect(events).to_have_count(2, timeout=WAIT_MS)
    assert not complaints


def begin_anew(database_url: str, more: str = "title = title") -> None:
    """The thread is deleted, and one of the same name has an event."""
    tell(
        database_url,
        "custom",
        '{"data": "anew"}',
        "DELETE FROM workflows_event WHERE thread_id = 't1'",
        f"UPDATE workflows_thread SET seq = 0, {more} WHERE id = 't1'",
    )


def test_a_page_of_a_thread_that_was_begun_anew_meanwhile_shows_the_new_one(
    page, context, processes, database_url, session, complaints
):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/threads/t1/")
    events = page.locator("#timeline > li")
    expect_light(page, "live")
    expect(events).to_have_count(2, timeout=WAIT_MS)

    server.kill9()
    begin_anew(database_url, "created_at = '2026-01-01 00:00:00+00:00'")
    write_from_outside(database_url, 4)
    processes.serve(database_url, port=server.port)

    expect(events).to_have_count(5, timeout=WAIT_MS)
    expect(page.locator("#event-1")).to_contain_text("anew", timeout=WAIT_MS)
    root = page.locator("[data-begun]")
    expect(root).to_have_attribute("data-begun", "1767225600.000000", timeout=WAIT_MS)
    ids = events.evaluate_all("items => items.map(item => item.id)")
    assert ids == [f"event-{number}" for number in range(1, 6)]
    assert not complaints


def test_alike_tasks_fold_as_they_arrive_and_as_the_page_is_drawn(
    page, context, processes, database_url, session, complaints
):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/threads/t1/")
    expect_light(page, "live")
    check = '{"node": "check", "status": "done", "namespace": ""}'
    fold = page.locator("#timeline > .event-fold")
    inside = fold.locator("li[id]")

    for _ in range(3):
        tell(database_url, "task", check)
    single = page.locator("#timeline > li[data-alike]")
    expect(single).to_have_count(3, timeout=WAIT_MS)
    expect(fold).to_have_count(0)
    for _ in range(2):
        tell(database_url, "task", check)
    expect(fold.locator("[data-fold-count]")).to_have_text("5", timeout=WAIT_MS)
    expect(single).to_have_count(0)
    drawn_live = fold.locator("summary").inner_text()

    page.reload()
    expect_light(page, "live")
    assert fold.locator("summary").inner_text() == drawn_live
    tell(database_url, "task", check)
    tell(database_url, "task", check.replace("check", "send"))
    expect(page.locator("#timeline > li[data-alike]")).to_have_count(1, timeout=WAIT_MS)
    expect(fold.locator("[data-fold-count]")).to_have_text("6")
    expect(inside.first).to_be_hidden()
    fold.locator("summary").click()
    expect(inside.last).to_be_visible()
    ids = page.locator("#timeline li[id]").evaluate_all("all => all.map(li => li.id)")
    numbers = [int(each.removeprefix("event-")) for each in ids]
    assert numbers == list(range(numbers[0], numbers[0] + len(ids)))
    assert not complaints


def test_new_questions_wait_behind_a_pill_and_decided_ones_go(
    page, context, processes, database_url, session, complaints
):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/queue/")
    expect_light(page, "live")
    rows = page.locator("#queue-rows > li")
    pill = page.locator("[data-live-pill]")

    ask(database_url, 1)
    expect(rows).to_have_count(1, timeout=WAIT_MS)
    expect(page.locator("#queue-empty")).to_have_count(0)
    ask(database_url, 2)
    expect(pill).to_be_visible(timeout=WAIT_MS)
    expect(pill).to_contain_text("1 new")
    expect(rows).to_have_count(1)
    page.keyboard.press(".")
    expect(rows).to_have_count(2)
    expect(pill).to_be_hidden()
    expect(page.locator("#queue-total")).to_have_text("2")

    decide(database_url, 1)
    expect(page.locator("#item-1")).to_contain_text(
        "approved by maria", timeout=WAIT_MS
    )
    expect(rows).to_have_count(1, timeout=WAIT_MS)
    expect(page.locator("#queue-total")).to_have_text("1")
    assert not complaints


def test_who_is_logged_out_is_told(page, context, processes, database_url, session):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/queue/")
    expect_light(page, "live")

    with contextlib.closing(open_database(database_url)) as connection:
        connection.cursor().execute("DELETE FROM django_session")
        connection.commit()

    expect_light(page, "lost")


def test_an_old_page_on_its_way_does_not_take_back_what_was_heard_meanwhile(
    page, context, processes, database_url, session, complaints
):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/threads/t1/")
    expect_light(page, "live")
    status = page.locator("#thread-status")
    fetched: list[str] = []

    def hold_the_first(route: Route) -> None:
        answer = route.fetch()
        fetched.append(answer.text())
        if len(fetched) == 1:
            become(database_url, "interrupted")
            # The frame is there before the page that is older.
            expect(status).to_contain_text("Waits for a person", timeout=WAIT_MS)
        route.fulfill(response=answer)

    page.route(f"{server.url}/threads/t1/", hold_the_first)
    become(database_url, "busy")

    # The page looks again, because what it got was older than what it had heard.
    deadline = time.monotonic() + WAIT_MS / 1000
    while len(fetched) < 2:
        assert time.monotonic() < deadline, "it was not fetched again"
        page.wait_for_timeout(50)
    assert "Busy" in fetched[0]
    expect(status).to_contain_text("Waits for a person")
    assert not complaints


@pytest.mark.rule("RB.1")
def test_a_thread_that_sleeps_says_until_when_until_it_is_woken(
    page, context, processes, database_url, session, complaints
):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/threads/t1/")
    expect_light(page, "live")
    status = page.locator("#thread-status")

    tell(
        database_url,
        "task",
        '{"task": "n", "node": "nap", "namespace": "", "status": "waiting",'
        ' "until": "2099-11-24T08:49:00+00:00"}',
    )
    become(database_url, "waiting", ", wake_at = '2099-11-24 08:49:00'")
    expect(status).to_contain_text(
        "Sleeps in nap until 24 Nov 2099, 08:49 (in ", timeout=WAIT_MS
    )
    expect(status).to_contain_text("Waiting")
    expect(page.locator("#timeline")).to_contain_text("sleeps until 24 Nov 2099")

    # What is to come is counted down while the page is open.
    left = status.locator("time[data-since]")
    left.evaluate(
        "time => { time.dateTime = new Date(Date.now() + 270000).toISOString();"
        " document.dispatchEvent(new Event('durableweb:parts')) }"
    )
    expect(left).to_have_text("in 4 min")

    become(database_url, "busy", ", wake_at = NULL")
    expect(status).to_contain_text("Busy", timeout=WAIT_MS)
    expect(status).not_to_contain_text("leep")
    assert not complaints


@pytest.mark.rule("RB.2")
def test_a_signal_that_nobody_waits_for_is_shown_when_it_comes(
    page, context, processes, database_url, session, complaints
):
    server = processes.serve(database_url)
    enter(context, server.url, session)
    page.goto(f"{server.url}/threads/t1/")
    expect_light(page, "live")

    tell(
        database_url,
        "signal",
        '{"topic": "paid", "by": "rita"}',
        "INSERT INTO workflows_signal (thread_id, topic, payload)"
        " VALUES ('t1', 'paid', 'null')",
    )

    expect(page.locator("#timeline")).to_contain_text(
        "Signal “paid” came in, sent by rita", timeout=WAIT_MS
    )
    expect(page.locator("#thread-signals")).to_contain_text(
        "1 signal in the mailbox", timeout=WAIT_MS
    )
    assert not complaints


def become(database_url: str, status: str, more: str = "") -> None:
    run = "running" if status == "busy" else status
    tell(
        database_url,
        "run",
        f'{{"run": 1, "kind": "start", "status": "{run}"}}',
        f"UPDATE workflows_thread SET status = '{status}'{more} WHERE id = 't1'",
    )


def test_long_names_do_not_make_the_page_wider(
    page, context, processes, database_url, session
):
    name = "a_node_that_says_all_it_does_" * 8
    ask(database_url, 1)
    tell(
        database_url,
        "step",
        f'{{"step": 0, "done": [], "next": ["{name}"]}}',
        f"UPDATE workflows_interrupt SET title = '{name[:120]}' WHERE id = 1",
    )
    server = processes.serve(database_url)
    enter(context, server.url, session)

    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(f"{server.url}/threads/t1/")
        expect(page.locator(".event-next code")).to_contain_text(name)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
