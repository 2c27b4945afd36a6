"""Each statement of each verb fails once: nothing is half written, and the next try does it all."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import count
from types import ModuleType
from typing import Annotated, Any, TypedDict

import pytest
from django.apps import apps
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from durableweb.graph import START, StateGraph
from durableweb.types import interrupt
from tests.services.desk.bulk import order
from tests.support.deciding import decided
from workflows.models import BulkOrder, Decision, Interrupt, Run
from workflows.services import ends, registry
from workflows.services.cancel_run import CancelRun
from workflows.services.desk.assign_question import ArrangeQuestion
from workflows.services.desk.bulk_control import StopBulk
from workflows.services.desk.claim_question import ClaimQuestion, ReleaseQuestion
from workflows.services.desk.comment_on import CommentOn
from workflows.services.desk.drafts import SaveDraft
from workflows.services.desk.preferences import SetClaimTime, SetPreferences
from workflows.services.desk.saved_views import DeleteView, SaveView
from workflows.services.desk.set_policy import SetPolicy
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.edit_state import EditState
from workflows.services.execute_run import execute_run
from workflows.services.outbound.endpoints import SetWebhook
from workflows.services.outbound.events import EVENTS
from workflows.services.resume_run import ResumeRun
from workflows.services.save_and_resume import SaveAndResume
from workflows.services.start_run import StartRun
from workflows.storage import connections
from workflows.storage.outage import is_away

pytestmark = pytest.mark.django_db(transaction=True)

MOST_STATEMENTS = 150
# Read and written beside the verb's own transaction: who is at which number, and what is due.
Rows = dict[str, list[tuple[Any, ...]]]


class State(TypedDict, total=False):
    text: str
    said: Annotated[list[str], operator.add]


@dataclass
class Failing:
    """Lets the `at`-th statement fail, or the commit where `at` is 0; counts them."""

    at: int
    seen: int = 0
    failed: list[str] = field(default_factory=list)

    def __call__(
        self, execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.next(sql)
        return execute(sql, params, many, context)

    def next(self, sql: str) -> None:
        """One more statement begins."""
        self.seen += 1
        if self.seen == self.at:
            self.failed.append(sql)
            raise OperationalError("the connection was lost")


def count_our_own(faults: Failing, patched: pytest.MonkeyPatch) -> None:
    """Let the statements that go past Django's cursor be counted too.

    But for what is done after a commit: who asked need not hear that nobody was told of it.
    """
    patched.setattr(ends, "after_end", lambda *_: None)
    real = connections.execute

    def counted(wrapper: Any, sql: str, params: Any = ()) -> Any:
        if "pg_notify" not in sql:
            faults.next(sql)
        return real(wrapper, sql, params)

    for module in users_of_execute(len(sys.modules)):
        patched.setattr(module, "execute", counted)


@cache
def users_of_execute(loaded: int) -> list[ModuleType]:
    """The modules that have that function, looked for anew when more modules are loaded."""
    modules = [*sys.modules.values()]
    real = connections.execute
    return [each for each in modules if getattr(each, "execute", None) is real]


@contextmanager
def failing(at: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    """The database as it is when a statement cannot be done, Django's or one of our own."""
    faults = Failing(at)
    with connection.execute_wrapper(faults), monkeypatch.context() as patched:
        count_our_own(faults, patched)
        if at == 0:
            wrapper: Any = connection
            real = wrapper._commit

            def commit() -> None:
                if not faults.failed:
                    faults.failed.append("COMMIT")
                    raise OperationalError("the connection was lost")
                real()

            patched.setattr(wrapper, "_commit", commit)
        yield faults


def all_rows() -> Rows:
    """All that the product has written, by SQL: it is read after each statement."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_app_config("workflows").get_models():
            key = ", ".join(field.column for field in model._meta.pk_fields)
            cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY {key}")
            found[model.__name__] = cursor.fetchall()
    return found


def run_all() -> None:
    while due := Run.objects.filter(status="pending", due_at__year__lt=9999).first():
        execute_run(due.pk)


def ask(people: Any) -> Interrupt:
    """A real run at its question."""

    def write(state: State) -> State:
        said = interrupt({"question": "Send it?", "text": state["text"]})
        return {"said": [said["decision"]]}

    graph = StateGraph(State)
    graph.add_node("write", write)
    graph.add_edge(START, "write")
    registry.register(graph.compile(name="note"), name="note", editable=["text"])
    StartRun(people.operator, "note", {"text": "hello"}).execute()
    run_all()
    return Interrupt.objects.get(status="pending")


def decision(people: Any, row: Interrupt, kind: str, **more: Any) -> ResumeRun:
    row.refresh_from_db()
    return ResumeRun(
        people.reviewer, row.pk, kind, version=row.version, round=row.round, **more
    )


def edited(people: Any, row: Interrupt) -> dict[str, Any]:
    return {"checkpoint": row.thread.head, "edits": {"text": "better"}}


def taken_back(people: Any, row: Interrupt) -> UndoDecision:
    made = decided(decision(people, row, "approve"))
    Decision.objects.filter(pk=made.pk)
    return UndoDecision(people.reviewer, made.pk)


def released(people: Any, row: Interrupt) -> ReleaseQuestion:
    ClaimQuestion(people.reviewer, row.pk).execute()
    return ReleaseQuestion(people.reviewer, row.pk)


def deleted(people: Any, row: Interrupt) -> DeleteView:
    made = SaveView(people.reviewer, "Mine", "sort=age").execute()
    return DeleteView(people.reviewer, made.pk)


def stopped(people: Any, row: Interrupt) -> StopBulk:
    made: BulkOrder = order(people.reviewer, [row]).execute()
    return StopBulk(people.reviewer, made.pk)


VERBS: dict[str, Callable[[Any, Interrupt], Any]] = {
    "start": lambda people, row: StartRun(people.operator, "note", {"text": "a"}),
    "approve": lambda people, row: decision(people, row, "approve"),
    "reject": lambda people, row: decision(people, row, "reject", reason="no"),
    "send back": lambda people, row: decision(people, row, "changes", reason="no"),
    "edit and approve": lambda people, row: decision(
        people, row, "approve", **edited(people, row)
    ),
    "save and resume": lambda people, row: SaveAndResume(
        decision(people, row, "approve", reason="so", checkpoint=row.thread.head),
        {"text": "new"},
    ),
    "edit": lambda people, row: EditState(
        people.operator, row.thread_id, {"text": "new"}, row.thread.head, reason="so"
    ),
    "undo": taken_back,
    "claim": lambda people, row: ClaimQuestion(people.reviewer, row.pk),
    "release": released,
    "arrange": lambda people, row: ArrangeQuestion(
        people.operator,
        row.pk,
        assignee="reviewer",
        due_at=timezone.now() + timedelta(days=1),
        priority=5,
    ),
    "comment": lambda people, row: CommentOn(people.reviewer, row.pk, "@admin see"),
    "draft": lambda people, row: SaveDraft(people.reviewer, row.pk, {"reason": ["a"]}),
    "save a view": lambda people, row: SaveView(people.reviewer, "Mine", "sort=age"),
    "delete a view": deleted,
    "set a policy": lambda people, row: SetPolicy(
        people.admin, "note", "", {"quorum": 1}, reason="two see more"
    ),
    "set a webhook": lambda people, row: SetWebhook(
        people.admin,
        "Ours",
        "https://example.org/hook",
        frozenset({next(iter(EVENTS))}),
    ),
    "undo time": lambda people, row: SetPreferences(people.reviewer, 5),
    "claim time": lambda people, row: SetClaimTime(people.reviewer, 600),
    "cancel": lambda people, row: CancelRun(people.operator, row.run_id, "enough"),
    "order in bulk": lambda people, row: order(people.reviewer, [row]),
    "stop an order": stopped,
}

ALONE = ("draft", "delete a view")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_done_whole_or_not_at_all(
    people: Any, monkeypatch: pytest.MonkeyPatch, settings: Any, verb: str
) -> None:
    settings.UNDO_SECONDS = 60
    action = VERBS[verb](people, ask(people))
    before = all_rows()

    for at in count(1):
        assert at < MOST_STATEMENTS
        with failing(at, monkeypatch) as faults:
            try:
                action.execute()
            except DatabaseError as error:
                raised = error
            else:
                assert not faults.failed, f"nobody was told of {faults.failed}"
                break
        assert is_away(raised)
        assert all_rows() == before, f"half written at {faults.failed}"

    assert all_rows() != before
    assert at > 1


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_left_of_a_verb_whose_commit_fails(
    people: Any, monkeypatch: pytest.MonkeyPatch, settings: Any, verb: str
) -> None:
    settings.UNDO_SECONDS = 60
    action = VERBS[verb](people, ask(people))
    before = all_rows()

    with failing(0, monkeypatch) as faults:
        try:
            action.execute()
        except OperationalError:
            assert all_rows() == before
            action.execute()
    assert all_rows() != before
    # One statement alone is its own transaction.
    assert faults.failed == (["COMMIT"] if verb not in ALONE else [])
