"""Runs and threads: what happened, what went wrong, what an operator may do."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask, happen
from workflows.models import Run
from workflows.services.records import State, StateField
from workflows.web.runs import as_given


@pytest.fixture
def failed(thread):
    thread.status = "error"
    thread.save()
    return Run.objects.create(
        thread=thread,
        graph="letter",
        kind="start",
        status="error",
        error="ValueError: no stamp",
        error_node="send",
        error_attempt=3,
        traceback="Traceback (most recent call last): send.py, line 7",
    )


def test_runs_are_listed_newest_first(as_, thread):
    first = Run.objects.create(thread=thread, kind="start", status="success")
    second = Run.objects.create(thread=thread, kind="resume", status="running")

    page = Html(as_("viewer").get("/runs/"))

    rows = [e.attributes["id"] for e in page.all("tr") if "id" in e.attributes]
    assert rows == [f"run-{second.pk}", f"run-{first.pk}"]
    assert "Running" in page.one("tr", id=f"run-{second.pk}").text
    assert page.one("tbody", id="run-rows")


def test_runs_can_be_narrowed_by_status(as_, thread, failed):
    Run.objects.create(thread=thread, kind="start", status="success")

    page = Html(as_("viewer").get("/runs/?status=error"))

    assert [e.attributes["id"] for e in page.all("tr", **{"data-row": ""})] == [
        f"run-{failed.pk}"
    ]


def test_a_failure_names_node_and_attempt(as_, failed):
    page = Html(as_("viewer").get(f"/runs/{failed.pk}/"))

    for words in ("Failed in send", "attempt 3", "ValueError: no stamp"):
        assert page.has_text(words)


def test_only_operators_see_the_traceback_and_may_continue(as_, failed):
    viewer = Html(as_("viewer").get(f"/runs/{failed.pk}/"))
    operator = Html(as_("operator").get(f"/runs/{failed.pk}/"))

    assert not viewer.has_text("send.py, line 7")
    assert operator.has_text("send.py, line 7")
    assert not viewer.all("form", action="/threads/t-1/continue")
    assert operator.form("/threads/t-1/continue").attributes["method"] == "post"


def test_continuing_queues_a_run(as_, failed):
    response = as_("operator").post("/threads/t-1/continue")

    assert response.status_code == 303
    assert Run.objects.latest("pk").kind == "continue"


def test_a_thread_at_work_is_not_continued(as_, failed):
    Run.objects.create(thread=failed.thread, kind="start", status="running")

    response = as_("operator").post("/threads/t-1/continue", {"back": "/threads/t-1/"})

    assert response.status_code == 409
    assert Html(response).one("a", href="/threads/t-1/").text == "Look again"


def test_alike_tasks_are_one_line_that_opens_to_each_of_them(as_, thread):
    for _ in range(5):
        happen(thread, "task", node="check", status="done", namespace="")

    page = Html(as_("viewer").get(f"/threads/{thread.pk}/"))

    (fold,) = [e for e in page.all("li") if "data-fold" in e.attributes]
    (words,) = [e for e in page.all("summary") if fold in e.parents]
    assert words.text.split()[:2] == ["check", "done"]
    assert words.text.split()[-1] == "5"
    inside = [e.attributes["id"] for e in page.all("li") if fold in e.parents]
    assert inside == [f"event-{number}" for number in range(1, 6)]


def test_the_timeline_tells_all_kinds_of_events(as_, thread):
    run = Run.objects.create(thread=thread, kind="start", status="running")
    happen(thread, "run", run=run.pk, kind="start", status="pending", by="Ada")
    happen(thread, "step", namespace="", step=-1, source="input", next=["draft"])
    happen(thread, "task", task="1", node="draft", namespace="", status="done")
    happen(thread, "step", namespace="", step=0, source="loop", next=["ask"])
    happen(thread, "task", task="2", node="ask", status="error", error="boom\u202e")
    happen(
        thread, "interrupt", interrupt=5, node="ask", title="Send?", status="pending"
    )
    happen(thread, "decision", interrupt=5, kind="reject", by="Bob", override=True)
    happen(thread, "edit", by="Ada", checkpoint="c", channels=["text"])
    happen(thread, "warning", text="slow", node="ask")
    happen(thread, "custom", data={"pages": 3})
    happen(thread, "unheard_of")

    response = as_("viewer").get("/threads/t-1/")
    page = Html(response)

    events = [
        e for e in page.all("li") if e.attributes.get("id", "").startswith("event-")
    ]
    assert [e.attributes["id"] for e in events] == [f"event-{n}" for n in range(1, 12)]
    text = page.one("ol", id="timeline").text
    for words in (
        "Input taken",
        "draft",
        "Question #5",
        "rejected",
        "Bob",
        "slow",
        "pages",
    ):
        assert words in text
    assert b"RLO" in response.content
    root = next(e for e in page.elements if "data-live" in e.attributes)
    assert root.attributes["data-live"] == "/ws/threads/t-1/"
    assert root.attributes["data-after"] == "11"


def test_open_questions_of_a_thread_are_one_step_away(as_, thread):
    question = ask(thread)

    page = Html(as_("reviewer").get("/threads/t-1/"))

    assert page.one("a", href=f"/review/{question.pk}/").text == "Send it?"
    assert "Waits for a person" in page.one("div", id="thread-status").text


def test_a_run_that_waits_can_be_cancelled(as_, thread):
    run = Run.objects.create(thread=thread, kind="start", status="pending")
    client = as_("operator")

    page = Html(client.get(f"/runs/{run.pk}/"))
    assert page.one("a", href=f"/runs/{run.pk}/cancel").text == "Cancel run"
    asked = Html(client.get(f"/runs/{run.pk}/cancel"))
    assert asked.form(f"/runs/{run.pk}/cancel")
    run.refresh_from_db()
    assert run.status == "pending"
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Not needed"})

    run.refresh_from_db()
    assert (run.status, run.cancel_reason) == ("cancelled", "Not needed")
    assert "Cancelled: “Not needed”" in client.get(f"/runs/{run.pk}/").content.decode()


def test_a_running_one_is_asked_to_end_now_or_after_its_step(as_, thread):
    run = Run.objects.create(thread=thread, kind="start", status="running", fence=1)
    client = as_("operator")
    address = f"/runs/{run.pk}/cancel"

    modes = [
        e.attributes["value"]
        for e in Html(client.get(address)).elements
        if e.attributes.get("name") == "mode"
    ]
    assert modes == ["step", "now"]
    assert client.post(address, {"mode": "at once"}).status_code == 400
    assert client.post(address, {"mode": "now"}).status_code == 303

    run.refresh_from_db()
    assert (run.status, run.cancel_mode) == ("running", "now")
    page = client.get(f"/runs/{run.pk}/")
    assert b"Is being stopped" in page.content
    assert b"Cancel run" not in page.content


def test_one_that_failed_beside_a_question_can_be_cancelled(as_, thread):
    question = ask(thread)
    run = question.run
    run.status, run.error = "error", "ValueError: no"
    run.save()
    client = as_("operator")

    assert Html(client.get(f"/runs/{run.pk}/")).one("a", href=f"/runs/{run.pk}/cancel")
    asked = Html(client.get(f"/runs/{run.pk}/cancel"))
    assert asked.has_text("Its open questions are withdrawn")
    client.post(f"/runs/{run.pk}/cancel", {"reason": "Given up"})

    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "Cancelled: “Given up”" in page
    assert "ValueError: no" in page
    question.refresh_from_db()
    assert question.status == "withdrawn"


def test_a_run_that_has_ended_has_nothing_to_cancel(as_, thread):
    run = Run.objects.create(thread=thread, kind="start", status="success")
    client = as_("operator")

    assert b"/cancel" not in client.get(f"/runs/{run.pk}/").content
    assert client.get(f"/runs/{run.pk}/cancel").status_code == 409


def test_an_operator_sees_limits_and_what_tasks_said_last(as_, thread):
    at = "2026-11-21T05:00:00+00:00"
    run = Run.objects.create(
        thread=thread,
        kind="start",
        status="running",
        fence=1,
        started_at=timezone.now() - timedelta(hours=5),
        deadline="2030-01-01T00:00:00Z",
        heartbeat=json.dumps({"task-1": ["copy rows", '{"rows":41}', at]}),
    )

    shown = as_("operator").get(f"/runs/{run.pk}/").content

    assert "began 5 h ago" in Html(as_("operator").get(f"/runs/{run.pk}/")).text()
    assert b"copy rows" in shown
    assert b"41" in shown
    assert b"at the latest" in shown
    assert b"copy rows" not in as_("viewer").get(f"/runs/{run.pk}/").content


def test_a_run_whose_workflow_is_missing_needs_attention(as_, thread):
    run = Run.objects.create(
        thread=thread, kind="start", status="pending", reason="unknown_graph"
    )
    client = as_("admin")

    listed = client.get("/runs/?status=attention").content.decode()
    assert f'id="run-{run.pk}"' in listed
    assert b"Waits for a worker that knows" in client.get(f"/runs/{run.pk}/").content


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("crash_loop", "Its worker died several times"),
        ("graph_changed", "Bring the step back"),
        ("unknown_type", "Bring the type back"),
        ("damaged_value", "cannot be read"),
        ("not_decrypted", "the key that it was written with"),
        ("not_storable", "a value that cannot be stored"),
        ("recursion_limit", "as many steps as it may"),
    ],
)
def test_a_failure_says_what_can_be_done(as_, thread, reason, words):
    run = Run.objects.create(
        thread=thread, kind="start", status="error", reason=reason, error="It broke"
    )

    assert Html(as_("operator").get(f"/runs/{run.pk}/")).has_text(words)


def test_a_long_timeline_leads_to_its_end(as_, thread):
    page = Html(as_("viewer").get(f"/threads/{thread.pk}/"))
    assert not page.all("a", href="#timeline-end")

    for number in range(41):
        happen(thread, "warning", text=f"thing {number}")
    page = Html(as_("viewer").get(f"/threads/{thread.pk}/"))

    for name in ("timeline-end", "thread-runs", "state-card"):
        assert page.one("a", href=f"#{name}")
        assert page.one(id=name)


def test_what_is_long_and_was_given_is_shown_once():
    given = {
        "csv": "1;2\n" * 100,
        "note": "short",
        "text": "old " * 100,
        "key": "k" * 300,
    }
    state = State(
        "c-1",
        (
            StateField("csv", given["csv"]),
            StateField("note", given["note"]),
            StateField("text", "new " * 100),
            StateField("key", is_masked=True),
            StateField("made", given["csv"]),
        ),
    )

    assert as_given(given, state) == {"csv"}
    assert as_given(None, state) == frozenset()
    assert as_given("csv", state) == frozenset()


class TestALongHistory:
    @pytest.fixture(autouse=True)
    def happened(self, thread, monkeypatch):
        for number in range(1, 8):
            happen(thread, "warning", text=f"thing {number}")
        for module in ("workflows.services.thread_history", "workflows.web.threads"):
            monkeypatch.setattr(f"{module}.MAX_PAGE", 3)

    def shown(self, page: Html) -> list[str]:
        return re.findall(r"thing \d", page.one("ol", id="timeline").text)

    def test_earlier_events_are_a_link_away(self, as_, thread):
        page = Html(as_("viewer").get(f"/threads/{thread.pk}/"))
        found = [self.shown(page)]
        while links := [e for e in page.all("a") if "Earlier" in e.text]:
            path = f"/threads/{thread.pk}/{links[0].attributes['href']}"
            page = Html(as_("viewer").get(path))
            found.append(self.shown(page))
            # What happens now does not belong below these.
            assert not page.all("div", **{"data-live": ""})
            assert page.has_text("does not follow what happens now")

        assert [each for part in reversed(found) for each in part] == [
            f"thing {number}" for number in range(1, 8)
        ]

    @pytest.mark.parametrize("before", ["0", "-1", "x", "9" * 40, "\u0661"])
    def test_nonsense_shows_the_newest(self, as_, thread, before):
        page = Html(as_("viewer").get(f"/threads/{thread.pk}/", {"before": before}))

        assert self.shown(page) == ["thing 5", "thing 6", "thing 7"]
