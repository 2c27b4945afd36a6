"""Run inside `manage.py shell`: what the screens show, small, and in every state they have."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from tests.screens.schedules import make_schedules
from tests.screens.tokens import make_tokens
from tests.web.conftest import ask, happen
from workflows.models import (
    Awaited,
    BulkItem,
    BulkOrder,
    Child,
    Comment,
    Decision,
    Delivery,
    Interrupt,
    Notice,
    Policy,
    Reopening,
    Run,
    SavedView,
    Thread,
    Webhook,
)
from workflows.services.outbound.links import make_link
from workflows.services.signals import SendSignal
from workflows.services.start_run import StartRun
from workflows.storage.saver import DjangoSaver

GRAPH = "fetch_page"
LETTER = {"title": "Send the letter?", "to": "Ada", "copies": 2}
FORM = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "notes": {"type": "string", "title": "Notes", "minLength": 1, "format": "long"},
        "reason": {"type": "string"},
        "day": {"type": "string", "format": "date", "title": "Day"},
        "size": {"enum": ["small", "large"], "title": "Size"},
        "limit": {"type": ["integer", "null"], "title": "Limit"},
        "tags": {"type": "array", "items": {"type": "string"}, "title": "Tags"},
        "sender": {
            "type": "object",
            "title": "Sender",
            "properties": {"name": {"type": "string"}, "paid": {"type": "boolean"}},
            "required": ["name"],
        },
    },
    "required": ["approved", "notes"],
}
CALLS = {
    "action_requests": [
        {"name": "send", "args": {"to": "Ada"}, "description": "Sends the letter."},
        {"name": "delete", "args": {"id": 7}},
    ],
    "review_configs": [
        {"action_name": "delete", "allowed_decisions": ["approve", "reject"]}
    ],
}
# One question of each shape: a name, its value, its schema.
SHAPES: tuple[tuple[str, Any, Any], ...] = (
    ("plain", "Send it?", None),
    ("proposal", LETTER, None),
    ("form", {"title": "Release notes", "notes": "# One", "tags": ["a"]}, FORM),
    (
        "tool",
        {
            "type": "tool_approval",
            "tool_call_id": "1",
            "name": "pay",
            "args": {"eur": 5},
        },
        None,
    ),
    ("batch", CALLS, None),
    (
        "inbox",
        [
            {
                "action_request": {"action": "email", "args": {"to": "Ada"}},
                "config": {
                    "allow_accept": True,
                    "allow_edit": True,
                    "allow_respond": True,
                    "allow_ignore": True,
                },
                "description": "**Reply** to [Ada](https://example.org/)?",
            }
        ],
        None,
    ),
    (
        "markdown",
        {
            "title": "Read this",
            "question": "# Head\n\n- one\n- two\n\n`code` and [a link](https://example.org/)"
            "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> said\n\n```\nlong\n```",
        },
        None,
    ),
    (
        "records",
        {
            "title": "Pay these?",
            "rows": [{"to": "Ada", "eur": 5}, {"to": "Bo", "eur": 7}],
        },
        None,
    ),
)


def fill() -> None:
    """Make it all; prints the numbers by name as JSON."""
    demo = User.objects.get(username="demo")
    other = User.objects.get(username="other")
    names: dict[str, Any] = {}
    for name, value, schema in SHAPES:
        names[name] = ask(_thread(name), value, schema).pk
    names |= _in_states(demo, other)
    names |= _outbound(demo)
    names |= make_tokens(demo)
    names["decision"] = _reopened(other)
    names["order"] = _bulk_order(demo)
    names["failed"] = _failed_run()
    names["asleep"] = _asleep("asleep")
    _asleep("asks-asleep", "interrupted")
    _waiting_for_signals()
    make_schedules(demo, _thread("scheduled"))
    names["start"] = (
        StartRun(
            demo, GRAPH, {"url": "http://127.0.0.1:9/nothing"}, title="Nobody answers"
        )
        .execute()
        .pk
    )
    Policy.objects.create(
        graph=GRAPH, node="sign", body='{"quorum": 2, "due": 3600}', reason="two pairs"
    )
    SavedView.objects.create(
        person=other, name="Shared view", query="sort=due", is_shared=True
    )
    sys.stdout.write(f"names {json.dumps(names)}\n")


def _thread(name: str) -> Thread:
    thread = Thread.objects.create(
        id=f"screen-{name}", graph=GRAPH, title=f"Case {name}", status="interrupted"
    )
    happen(thread, "task", task="t", node="fetch_page", status="done")
    return thread


def _in_states(demo: User, other: User) -> dict[str, int | str]:
    now = timezone.now()
    several = _thread("several")
    DjangoSaver().put_attributes(
        several.pk, {"customer": "c7", "due": now, "tags": ["a", "b"], "none": []}
    )
    questions = [
        ask(several, f"Question {number}?", node="ask") for number in (1, 2, 3)
    ]
    busy = ask(
        _thread("busy"),
        LETTER,
        priority=5,
        due_at=now - timedelta(days=1),
        due_order=now - timedelta(days=1),
        assigned_group=Group.objects.get(name="reviewer"),
    )
    Comment.objects.create(
        interrupt=busy,
        person=other,
        person_name="other",
        text="What do you think, @demo?",
    )
    Notice.objects.create(
        person=demo,
        kind="mention",
        text="other named you",
        url="/queue/",
        interrupt=busy,
    )
    until = datetime(2099, 1, 1, tzinfo=UTC)
    claimed, yours = (
        ask(_thread(name), LETTER, claimed_by=who, claimed_until=until)
        for name, who in (("claimed", other), ("yours", demo))
    )
    decided = ask(_thread("decided"), LETTER, status=Interrupt.Status.RESOLVED)
    Decision.objects.create(
        interrupt=decided,
        round=1,
        kind="reject",
        person=other,
        person_name="other",
        reason="Not like this",
        answer='{"decision":"reject"}',
    )
    gone = ask(_thread("gone"), "Withdrawn?", status=Interrupt.Status.WITHDRAWN)
    return {
        "several": questions[1].pk,
        "waiting": questions[2].run_id,
        "thread": several.pk,
        "busy": busy.pk,
        "assigned": ask(_thread("assigned"), LETTER, assignee=other).pk,
        "claimed": claimed.pk,
        "yours": yours.pk,
        "decided": decided.pk,
        "withdrawn": gone.pk,
        "quorum": ask(_thread("quorum"), LETTER, node="sign").pk,
        "late": ask(_thread("late"), LETTER).pk,
        "conflict": ask(_thread("conflict"), LETTER).pk,
        "put_off": ask(
            _thread("off"), "Later?", snoozed_until=datetime(2099, 1, 1, tzinfo=UTC)
        ).pk,
    }


def _reopened(other: User) -> int:
    """A decision with changes, whose question was asked again on a fork."""
    thread = _thread("reopened")
    first = ask(thread, LETTER, status=Interrupt.Status.RESOLVED)
    sent = {"title": LETTER["title"], "to": "Bob and all the others", "copies": 3}
    answer = {"decision": "approve", "value": sent, "reason": ""}
    made = Decision.objects.create(
        interrupt=first,
        round=1,
        kind="edit",
        person=other,
        person_name="other",
        reason="One more of them",
        original=first.value,
        answer=json.dumps(answer),
    )
    ask(thread, LETTER)
    Reopening.objects.create(
        decision=made,
        last_question=first.pk,
        checkpoint="x",
        person_name="operator",
        reason="The wrong address",
    )
    return made.pk


def _outbound(demo: User) -> dict[str, int | str]:
    """A webhook with calls in every state, and links to questions."""
    hook = Webhook.objects.create(
        name="Tickets",
        url="https://hooks.example/a-rather-long-address-of-somebody-else",
        events='["question.asked"]',
        last_at=timezone.now(),
        last_error="answered 503: not accepted",
        paused_until=datetime(2099, 1, 1, tzinfo=UTC),
    )
    for status in Delivery.Status.values:
        Delivery.objects.create(
            channel="webhook",
            webhook=hook,
            kind="question.asked",
            status=status,
            attempts=8,
            last_error="" if status == "sent" else "answered 503: not accepted",
            last_status=200,
            next_at=datetime(2099, 1, 1, tzinfo=UTC),
        )
    late = ask(_thread("link-late"), LETTER)
    links = {
        "link": ask(_thread("link"), LETTER),
        "link_to_calls": ask(_thread("link-calls"), CALLS),
        "link_used": ask(_thread("link-used"), LETTER),
        "link_late": late,
    }
    tokens = {
        name: make_link(demo, row).url.rstrip("/").rpartition("/")[2]
        for name, row in links.items()
    }
    Interrupt.objects.filter(pk=late.pk).update(status=Interrupt.Status.WITHDRAWN)
    return {"webhook": hook.pk, **tokens}


def _bulk_order(demo: User) -> int:
    """An order that was stopped, with a question in each state."""
    order = BulkOrder.objects.create(
        graph=GRAPH,
        node="ask",
        kind="reject",
        reason="Too late for this year",
        person=demo,
        person_name="demo",
        thread="bulk-screen",
        stopped_at=timezone.now(),
        stopped_by="demo",
    )
    for state in BulkItem.State.values:
        asked = ask(_thread(f"bulk {state}"), LETTER)
        why = "Question #7 was rejected by other." if state == "refused" else ""
        BulkItem.objects.create(
            order=order, interrupt=asked, version=1, round=1, state=state, why=why
        )
    return order.pk


def _failed_run() -> int:
    thread = _thread("failed")
    Thread.objects.filter(pk=thread.pk).update(status="error")
    run = Run.objects.create(
        thread=thread,
        graph=GRAPH,
        kind="start",
        status="error",
        error="ValueError: no such page",
        error_node="fetch_page",
        traceback="Traceback (most recent call last):\n  ...",
        payload='{"url":"http://127.0.0.1/"}',
    )
    happen(thread, "run", run=run.pk, kind="start", status="error")
    return run.pk


def _waiting_for_signals() -> None:
    """A thread that waits for three signals, one of them until a time, an event and two threads; others lie in its mailbox."""
    thread = _thread("signals")
    until = datetime(2099, 1, 1, tzinfo=UTC)
    Thread.objects.filter(pk=thread.pk).update(status="waiting", wake_at=until)
    for node, topics, end in (
        ("collect_the_money", ["paid"], until.isoformat()),
        ("wait_for_the_parcel", ["sent", "the-parcel-came-back-to-us"], ""),
    ):
        said = {"task": node, "node": node, "status": "waiting", "namespace": ""}
        happen(thread, "task", **said, topics=topics, until=end)
        for topic in topics:
            Awaited.objects.create(
                thread=thread, wait=topic[:32], kind="signal", topic=topic
            )
    told = "the-rates-of-the-central-bank-were-published"
    said = {"task": "rates", "node": "wait_for_the_rates", "status": "waiting"}
    happen(thread, "task", **said, namespace="", events=[told], until="")
    Awaited.objects.create(
        thread=thread, wait="rates", kind="event", topic=told, key="EUR"
    )
    _children(thread)
    for topic, payload in (("payed", {"amount": 120}), ("refund", None)):
        SendSignal(None, thread.pk, topic, payload).execute()


def _children(thread: Thread) -> None:
    """Threads that it has started, in their states, two that are gone, and a wait for two that go on."""
    names = []
    for at_end in Child.AtEnd.values:
        for status in ("busy", "interrupted", "error"):
            title = f"The {status} page that they sent us, to be called {at_end}"
            name = f"screen-child-{at_end}-{status}"
            Thread.objects.create(id=name, graph=GRAPH, title=title, status=status)
            names.append((name, at_end))
    names += [(f"gone-{number}", "cancel") for number in (1, 2)]
    for name, at_end in names:
        Child.objects.create(
            thread_id=thread.pk, place=name, child_id=name, on_parent_end=at_end
        )
        happen(thread, "child", thread=name, graph=GRAPH, node="fetch_the_pages")
    waited = [names[0][0], names[1][0]]
    said = {"task": "pages", "node": "fetch_the_pages", "status": "waiting"}
    happen(thread, "task", **said, namespace="", children=waited, until="")
    for name in waited:
        Awaited.objects.create(thread=thread, wait=name, kind="child", topic=name)


def _asleep(name: str, status: str = "waiting") -> int:
    """A thread that sleeps in two nodes, and asks a person where its status says so."""
    thread = _thread(name)
    until = datetime(2099, 1, 1, tzinfo=UTC)
    Thread.objects.filter(pk=thread.pk).update(status=status, wake_at=until)
    for node in ("remind_the_customer", "wait_for_the_bank"):
        said = {"task": node, "node": node, "status": "waiting", "namespace": ""}
        happen(thread, "task", **said, until=until.isoformat())
    if status == "interrupted":
        ask(thread, "Pay at once?", node="ask")
    run = Run.objects.create(thread=thread, graph=GRAPH, kind="start", status=status)
    happen(thread, "run", run=run.pk, kind="start", status=status)
    return run.pk
