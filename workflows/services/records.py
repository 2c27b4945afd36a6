"""The plain records that pages, sockets and the API are given; templates never walk rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflows.services.asleep import WaitRecord
from workflows.services.in_line import LineRecord
from workflows.services.relatives import Family, Others
from workflows.services.schema_words import NOTHING, Saying
from workflows.services.shapes import ActionCard
from workflows.services.thread_attributes import AttributeRecord
from workflows.services.thread_mailbox import SignalRecord
from workflows.storage.clock import machine_now

MAX_CONTEXT = 8
SHORT_TEXT = 120


@dataclass(frozen=True)
class EventRecord:
    """One event of a thread; `data` is plain JSON (shapes: see docs/reference)."""

    thread_id: str
    seq: int
    kind: str
    data: Mapping[str, Any]
    run: int | None
    at: datetime


@dataclass(frozen=True)
class StateField:
    """One channel of the state as a page shows it.

    Of a secret that the person may not read only the name is given, with `is_masked`.
    """

    name: str
    tree: Any = None
    is_masked: bool = False
    is_editable: bool = False
    is_cut: bool = False
    size: int = 0
    problem: str = ""


@dataclass(frozen=True)
class State:
    """The state of a thread at `checkpoint`; `next` names what is due after it.

    `is_undoing` where nothing is due but to undo what was done, `is_undone` where that is over (RB.8).
    """

    checkpoint: str
    fields: tuple[StateField, ...] = ()
    next: tuple[str, ...] = ()
    step: int | None = None
    problem: str = ""
    is_undoing: bool = False
    is_undone: bool = False


@dataclass(frozen=True)
class QueueItem:
    """One open question in the queue; `is_mine` where the person it is shown to has claimed it."""

    number: int
    title: str
    graph: str
    graph_title: str
    node: str
    thread_id: str
    thread_title: str
    asked_at: datetime
    round: int
    version: int
    status: str
    priority: int = 0
    due_at: datetime | None = None
    assignee: str = ""
    group: str = ""
    claimed_by: str = ""
    reason: str = ""
    may_decide: bool = False
    is_mine: bool = False
    is_put_off: bool = False

    @property
    def is_overdue(self) -> bool:
        """Whether its due moment has passed."""
        return self.due_at is not None and self.due_at <= machine_now()

    @property
    def cursor(self) -> str:
        """Where the next page of the queue begins."""
        return f"{self.asked_at.isoformat()},{self.number}"


@dataclass(frozen=True)
class DecisionRecord:
    """One decision; `answer`, `original` and `edits` are trees.

    `is_held`: its run waits until the thread's other questions are answered.
    """

    number: int
    interrupt: int
    round: int
    kind: str
    who: str
    reason: str
    at: datetime
    answer: Any = None
    original: Any = None
    edits: Any = None
    run: int | None = None
    checkpoint: str = ""
    is_held: bool = False


@dataclass(frozen=True)
class Sibling:
    """Another question of the same thread."""

    number: int
    title: str
    node: str
    status: str
    asked_at: datetime


@dataclass(frozen=True)
class ReviewItem:
    """All that a review page shows.

    `payload` is what the workflow asked, `proposed` the part that a person may edit, both as
    trees; `kinds` are the decisions that the question takes. `version`, `round` and
    `checkpoint` go back with the decision. `refusal` tells why an earlier answer did not fit.
    `saying` is where its schema has a place for the decision, `has_cards` that each of `cards`
    is decided on its own, `close_ends_run` what closing without an answer does. `problem`
    tells why the question cannot be read. `events` are the thread's last ones, `seq` the last
    that this record knows of. `sleep` is what the thread of a closed question waits for,
    `others` are the threads that these name. At `ends_at` a question that nobody answers is
    given up (RB.4).
    """

    number: int
    title: str
    question: str
    shape: str
    kinds: tuple[str, ...]
    payload: Any
    proposed: Any
    schema: Mapping[str, Any] | None
    cards: tuple[ActionCard, ...]
    graph: str
    graph_title: str
    node: str
    thread_id: str
    thread_title: str
    thread_status: str
    run: int | None
    status: str
    version: int
    round: int
    checkpoint: str
    asked_at: datetime
    state: State
    saying: Saying = NOTHING
    has_cards: bool = False
    close_ends_run: bool = False
    problem: str = ""
    started_by: str = ""
    events: tuple[EventRecord, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    sleep: WaitRecord | None = None
    others: Others = field(default_factory=dict)
    decision: DecisionRecord | None = None
    earlier: tuple[DecisionRecord, ...] = ()
    refusal: str = ""
    is_cut: bool = False
    due_at: datetime | None = None
    ends_at: datetime | None = None
    assignee: str = ""
    group: str = ""
    priority: int = 0
    snoozed_until: datetime | None = None
    claim: ClaimRecord | None = None
    votes: tuple[VoteRecord, ...] = ()
    needed: int = 1
    policy: str = ""
    reasons: tuple[str, ...] = ()
    comments: tuple[CommentRecord, ...] = ()
    why_not: str = ""
    may_arrange: bool = False
    may_undo: bool = False
    may_decide: bool = False
    may_edit: bool = False
    position: int = 1
    of: int = 1
    seq: int = 0

    @property
    def context(self) -> tuple[StateField, ...]:
        """The short facts of the state, which say most in the least room."""
        found = (
            part
            for part in self.state.fields
            if not part.is_masked and not part.problem and _is_short(part.tree)
        )
        return tuple(found)[:MAX_CONTEXT]


@dataclass(frozen=True)
class ClaimRecord:
    """Who is at work on a question, until when."""

    who: str
    until: datetime
    is_mine: bool


@dataclass(frozen=True)
class VoteRecord:
    """One approval of a question that needs several."""

    who: str
    at: datetime
    is_mine: bool


@dataclass(frozen=True)
class CommentRecord:
    """One remark on a question."""

    number: int
    who: str
    text: str
    at: datetime


@dataclass(frozen=True)
class HeartbeatRecord:
    """What one task said last of its progress; `details` is a tree."""

    node: str
    details: Any
    at: datetime


@dataclass(frozen=True)
class RunRecord:
    """One run. `reason` is a code for what stopped it, `cancel_reason` a person's words.

    `traceback` and `heartbeats` are given to operators only. `start_by` is when a run that
    waits is given up, `deadline` when one at work is. `not_before` is when one is due that was to wait; `line` says on its
    own page where it stands in its queue.
    """

    id: int
    thread_id: str
    thread_title: str
    graph: str
    graph_title: str
    kind: str
    status: str
    reason: str
    by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    recoveries: int = 0
    error: str = ""
    error_node: str = ""
    error_attempt: int | None = None
    traceback: str = ""
    warnings: str = ""
    cancel_requested: bool = False
    cancel_mode: str = ""
    cancel_reason: str = ""
    start_by: datetime | None = None
    deadline: datetime | None = None
    heartbeats: tuple[HeartbeatRecord, ...] = ()
    input: Any = None
    queue: str = ""
    not_before: datetime | None = None
    line: LineRecord | None = None

    @property
    def is_undoing(self) -> bool:
        """Whether it was cancelled, and undoes what its thread has done before it ends."""
        return self.cancel_mode == "undo" and self.status in ("pending", "running")


@dataclass(frozen=True)
class LabelRecord:
    """One label of a step's checkpoint; `namespace` is that of a subgraph, `who` "" for a program.

    `step` is None where a checkpoint came without one.
    """

    text: str
    checkpoint: str
    namespace: str
    step: int | None
    who: str
    at: datetime


@dataclass(frozen=True)
class ThreadRecord:
    """One thread with what a page needs: runs, questions, decisions, state, labels and events.

    `sleep` is None where nothing sleeps, or waits for a signal, an event or a thread. `signals` are the oldest that nobody
    has taken, of `signals_count`. `others` are the threads that the page names.
    """

    id: str
    title: str
    graph: str
    graph_title: str
    status: str
    head: str
    seq: int
    created_at: datetime
    updated_at: datetime
    by: str = ""
    runs: tuple[RunRecord, ...] = ()
    questions: tuple[QueueItem, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    state: State = field(default_factory=lambda: State(""))
    events: tuple[EventRecord, ...] = ()
    labels: tuple[LabelRecord, ...] = ()
    attributes: tuple[AttributeRecord, ...] = ()
    signals: tuple[SignalRecord, ...] = ()
    signals_count: int = 0
    sleep: WaitRecord | None = None
    family: Family = field(default_factory=Family)
    others: Others = field(default_factory=dict)
    may_continue: bool = False
    may_wake: bool = False
    may_signal: bool = False
    may_edit: bool = False
    may_cancel: bool = False


@dataclass(frozen=True)
class StepRecord:
    """One step of a thread as it was saved: its state, its labels, and what made it.

    `is_undone_since` where the thread had done something until then that was undone later (RB.8).
    """

    thread: ThreadRecord
    checkpoint: str
    number: int
    source: str
    at: datetime
    state: State
    labels: tuple[LabelRecord, ...] = ()
    is_head: bool = False
    may_label: bool = False
    may_fork: bool = False
    is_undone_since: bool = False


@dataclass(frozen=True)
class RunDetail:
    """One run with the events it caused, oldest first."""

    run: RunRecord
    thread: ThreadRecord
    events: tuple[EventRecord, ...] = ()


def _is_short(tree: Any) -> bool:
    if isinstance(tree, str):
        return 0 < len(tree) <= SHORT_TEXT and "\n" not in tree
    return isinstance(tree, bool | int | float)
