"""Who waits for what, asked by a program of the site (RA.11)."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from durableweb import durable
from workflows.engine import serde
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.storage.sealing import QUESTION, seal

pytestmark = [pytest.mark.django_db, pytest.mark.rule("RA.11")]

NOW = timezone.now()


def asked(number: int, **more: Any) -> Interrupt:
    """A question asked `number` minutes ago on a thread of its own."""
    thread, _ = Thread.objects.get_or_create(
        id=f"t{number:03d}", defaults={"graph": more.get("graph", "letter")}
    )
    values = {
        "graph": "letter",
        "node": "ask",
        "value": serde.dumps({"text": f"question {number}"}),
        **more,
    }
    row = Interrupt.objects.create(
        thread=thread, checkpoint="c", interrupt_id=f"{number:032d}", task="t", **values
    )
    Interrupt.objects.filter(pk=row.pk).update(asked_at=NOW - timedelta(minutes=number))
    return row


def numbers(page: Any) -> list[int]:
    return [int(item.interrupt_id) for item in page]


class TestInterrupts:
    def test_the_pending_ones_come_oldest_first(self):
        for number in (1, 3, 2):
            asked(number)
        asked(4, status="resolved")

        page = durable.list_interrupts()

        assert numbers(page) == [3, 2, 1]
        assert page.items[0].value == {"text": "question 3"}
        assert (page.items[0].thread_id, page.items[0].status) == ("t003", "pending")
        assert page.next is None

    def test_encrypted_ones_are_read_as_those_of_the_pages_are(self, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        text = serde.dumps({"title": "Refund 40 EUR?"})
        asked(1, value=seal(text, "t001", QUESTION), title="ask")

        [question] = durable.list_interrupts()

        assert question.value == {"title": "Refund 40 EUR?"}
        assert question.title == "Refund 40 EUR?"

    def test_one_that_cannot_be_read_is_listed_with_the_reason(self, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        text = serde.dumps({"title": "Refund 40 EUR?"})
        asked(1, value=seal(text, "t001", QUESTION), title="ask")
        asked(2, value=seal(text, "t001", QUESTION), title="ask")  # moved here
        asked(3, value=seal("{}", "t003", QUESTION).replace(":", ":x", 2))
        unknown = '{"$t": "shop.Order", "v": {}}'
        asked(4, value=seal(unknown, "t004", QUESTION))
        changed = serde.dumps(Decimal("1.5")).replace("1.5", "nothing")
        asked(5, value=seal(changed, "t005", QUESTION))

        found = durable.list_interrupts()
        unbuilt, gone, broken, moved, question = found

        assert (question.value, question.problem) == ({"title": "Refund 40 EUR?"}, "")
        assert "does not decrypt" in moved.problem
        assert f"Question #{moved.number} cannot be read" in moved.problem
        assert f"Question #{broken.number} cannot be read" in broken.problem
        assert "register_type('shop.Order', cls)" in gone.problem
        assert "cannot be rebuilt" in unbuilt.problem
        assert [each.value for each in found][:4] == [None] * 4
        assert (moved.thread_id, moved.title) == ("t002", "ask")

    def test_they_are_narrowed_by_graph_node_key_thread_and_age(self):
        asked(1, graph="other")
        asked(2, node="sign")
        asked(3, key="total")
        asked(120)

        assert numbers(durable.list_interrupts(graph="other")) == [1]
        assert numbers(durable.list_interrupts(node="sign")) == [2]
        assert numbers(durable.list_interrupts(key="total")) == [3]
        assert numbers(durable.list_interrupts(thread_id="t003")) == [3]
        assert numbers(durable.list_interrupts(older_than=timedelta(hours=1))) == [120]
        assert numbers(durable.list_interrupts(older_than=3600)) == [120]

    def test_pages_follow_each_other_without_gap_or_repetition(self):
        for number in range(1, 8):
            asked(number)
        Interrupt.objects.update(asked_at=NOW)  # all in one instant
        seen: list[int] = []
        after = None

        for _ in range(4):
            page = durable.list_interrupts(limit=2, after=after)
            seen += numbers(page)
            after = page.next

        assert sorted(seen) == list(range(1, 8))
        assert (len(page), after) == (1, None)

    def test_nonsense_is_refused_by_name(self):
        with pytest.raises(ValueError, match="status is one of pending, decided"):
            durable.list_interrupts(status="open")
        with pytest.raises(TypeError, match="limit is '5'; give a whole number >= 1"):
            durable.list_interrupts(limit="5")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="limit is 0; give a whole number >= 1"):
            durable.list_threads(limit=0)
        for wrong in ("yesterday", f"{NOW.isoformat()} x"):
            with pytest.raises(ValueError, match="is no cursor"):
                durable.list_interrupts(after=wrong)


class TestThreads:
    def test_those_of_a_status_the_last_changed_first(self):
        for number, status in enumerate(["idle", "error", "error", "busy"]):
            Thread.objects.create(id=f"t{number}", graph="letter", status=status)
            Thread.objects.filter(pk=f"t{number}").update(
                updated_at=NOW - timedelta(hours=number)
            )

        found = durable.list_threads(status="error")

        assert [each.thread_id for each in found] == ["t1", "t2"]
        assert [each.thread_id for each in durable.list_threads(limit=1)] == ["t0"]
        old = durable.list_threads(older_than=timedelta(minutes=90))
        assert [each.thread_id for each in old] == ["t2", "t3"]
        assert len(durable.list_threads(graph="other")) == 0

    def test_pages_follow_each_other(self):
        for number in range(5):
            Thread.objects.create(id=f"t{number}", graph="letter")
        Thread.objects.update(updated_at=NOW)
        first = durable.list_threads(limit=3)
        second = durable.list_threads(limit=3, after=first.next)

        assert [each.thread_id for each in (*first, *second)] == [
            "t4",
            "t3",
            "t2",
            "t1",
            "t0",
        ]
        assert second.next is None

    def test_another_status_is_refused_by_name(self):
        with pytest.raises(ValueError, match="status is one of idle, busy"):
            durable.list_threads(status="asleep")

    @pytest.mark.rule("RB.1")
    def test_those_that_sleep_have_a_status_of_their_own(self):
        for status in ("waiting", "interrupted", "idle"):
            Thread.objects.create(id=status, graph="letter", status=status)

        [found] = durable.list_threads(status="waiting")

        assert (found.thread_id, found.status) == ("waiting", "waiting")


@pytest.mark.skipif(not settings.IS_POSTGRESQL, reason="needs PostgreSQL: its EXPLAIN")
@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda: durable.list_interrupts(), "interrupt_"),
        (lambda: durable.list_interrupts(status="resolved"), "interrupt_by_status"),
        (lambda: durable.list_interrupts(graph="letter"), "interrupt_"),
        (lambda: durable.list_interrupts(node="ask", older_than=60), "interrupt_"),
        (
            lambda: durable.list_interrupts(after=f"{NOW.isoformat()} 1"),
            "interrupt_",
        ),
        (lambda: durable.list_threads(), "thread_recent"),
        (lambda: durable.list_threads(status="error"), "thread_by_status"),
        (
            lambda: durable.list_threads(
                status="error", after=f"{NOW.isoformat()} t100"
            ),
            "thread_by_status",
        ),
    ],
)
def test_a_page_is_one_scan_of_an_index(ask, index):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workflows_thread (id, graph, title, status, head, seq,"
            " created_at, updated_at) SELECT 'many' || n, 'letter', '',"
            " CASE WHEN n % 100 = 0 THEN 'error' ELSE 'idle' END, '', 0, now(),"
            " now() - n * interval '1 second' FROM generate_series(1, 5000) AS n"
        )
        cursor.execute(
            "INSERT INTO workflows_interrupt (thread_id, graph, namespace, checkpoint,"
            " interrupt_id, task, task_path, node, ordinal, key, status, version, round,"
            " title, value, response_schema, digest, reason, priority, asked_at)"
            " SELECT 'many' || n, 'letter', '', 'c', lpad(n::text, 32, '0'), 't', '',"
            " 'ask', 0, '', (ARRAY['pending', 'resolved'])[n % 2 + 1], 1, 1, '', '1',"
            " '', '', '', 0, now() - n * interval '1 second'"
            " FROM generate_series(1, 5000) AS n"
        )
        cursor.execute("ANALYZE workflows_thread, workflows_interrupt")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ask()
    # Beside the page itself at most the attributes of its threads.
    others = [each["sql"] for each in queries.captured_queries[1:]]
    assert len(others) <= 1
    assert all("workflows_threadattribute" in sql for sql in others)

    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + queries[0]["sql"])
        [(plan,)] = cursor.fetchall()

    nodes = nodes_of((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"])
    kinds = [node["Node Type"] for node in nodes]
    scans = [node for node in nodes if "Scan" in node["Node Type"]]
    assert [each["Node Type"] for each in scans] == ["Index Scan"], kinds
    assert scans[0]["Index Name"].startswith(index)
    assert "Sort" not in kinds


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(each for part in plan.get("Plans", ()) for each in nodes_of(part))]


@pytest.mark.rule("RA.2", "RA.16")
def test_a_program_starts_in_the_name_of_the_system(letter, queue):
    started = durable.start("letter", {"text": "hi"}, title="A letter", run_timeout=60)
    waiting = durable.start(
        "letter", {}, thread_id=started.thread_id, if_busy="enqueue"
    )

    run = Run.objects.get(pk=started.run_id)
    assert (run.created_by, run.thread.title, run.run_timeout) == (None, "A letter", 60)
    assert queue.runs == [started.run_id, waiting.run_id]
    with pytest.raises(registry.UnknownGraphError):
        durable.start("nothing", {})
