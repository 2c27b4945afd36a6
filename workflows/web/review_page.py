"""What the page of a question shows around its form."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.services.action import AlreadyDecided, NotPending, StaleQuestion
from workflows.services.desk.deciding import ClaimedByOther
from workflows.services.desk.votes import AlreadyVoted, VotesDiffer
from workflows.services.records import ReviewItem, Sibling
from workflows.services.shapes import SCHEMA
from workflows.web.review_form import ReviewForm
from workflows.web.schema import MISSING

TITLES = {
    "tool_approval": "Call that waits for approval",
    "agent_inbox": "Action that waits for approval",
    SCHEMA: "What the workflow found",
}


@dataclass(frozen=True)
class Box:
    """A decision that opens a box for words; `name` is the field that is posted.

    `is_needed` says that nothing is sent without words, `is_hard` that the workflow does not
    get what it asked for, `is_default` that this is what the question is mostly for.
    """

    kind: str
    name: str
    key: str
    icon: str
    opens: str
    asks: str
    hint: str
    sends: str
    is_needed: bool = False
    is_hard: bool = False
    is_default: bool = False


BOXES = (
    Box(
        *("reject", "reject_reason", "r", "x", "Reject…"),
        *("Why do you reject it?", "the workflow gets these words", "Reject"),
        is_hard=True,
    ),
    Box(
        *("changes", "changes_needed", "b", "return", "Send back…"),
        *("What should change?", "the workflow gets these words", "Send back"),
        is_needed=True,
    ),
    Box(
        *("respond", "response", "t", "message", "Answer…"),
        *("Your answer in words", "", "Send answer"),
        is_needed=True,
    ),
    Box(
        *("close", "close_reason", "i", "stop", "Close…"),
        *("Why is there no answer?", "for the record", "Close without answer"),
        is_hard=True,
    ),
)


@dataclass(frozen=True)
class Conflict:
    """Why a decision did not count; `kind_of` picks the words."""

    kind_of: str
    text: str
    who: str = ""
    when: datetime | None = None
    kind: str = ""
    reason: str = ""

    @classmethod
    def of(cls, refusal: Exception) -> "Conflict":
        """The conflict that a refusal tells of."""
        if isinstance(refusal, AlreadyVoted):
            kind_of = "voted"
        elif isinstance(refusal, AlreadyDecided):
            kind_of = "decided"
        elif isinstance(refusal, ClaimedByOther):
            kind_of = "claimed"
        elif isinstance(refusal, VotesDiffer):
            kind_of = "differs"
        elif isinstance(refusal, NotPending) and not isinstance(refusal, StaleQuestion):
            kind_of = "closed"
        else:
            kind_of = "changed"
        return cls(
            kind_of,
            str(refusal),
            getattr(refusal, "who", ""),
            getattr(refusal, "when", None),
            getattr(refusal, "kind", ""),
            getattr(refusal, "reason", ""),
        )


@dataclass(frozen=True)
class Steps:
    """The open questions of a thread, with the neighbours of one of them."""

    all: tuple[Sibling, ...] = ()
    before: int = 0
    after: int = 0

    @classmethod
    def of(cls, item: ReviewItem) -> "Steps":
        """The stepper of a question; one that is closed leads to those that are open."""
        own = Sibling(item.number, item.title, item.node, "pending", item.asked_at)
        others = [each for each in item.siblings if each.status == "pending"]
        if item.status != "pending":
            late = [each for each in others if _place(each) > _place(own)]
            following = next(iter(late or others), None)
            return cls(tuple(others), 0, following.number if following else 0)
        every = sorted([*others, own], key=_place)
        at = every.index(own)
        before = every[at - 1].number if at else 0
        after = every[at + 1].number if at + 1 < len(every) else 0
        return cls(tuple(every), before, after)


def _place(question: Sibling) -> tuple[datetime, int]:
    return question.asked_at, question.number


def page_context(item: ReviewItem, form: ReviewForm) -> dict[str, Any]:
    """The parts of the page that depend on the question alone."""
    kinds = set(item.kinds)
    boxes = [box for box in BOXES if box.kind in kinds and _has_box(box, item)]
    can_approve = "approve" in kinds or item.has_cards
    if not can_approve and "edit" not in kinds and boxes:
        first = next((box for box in boxes if not box.is_hard), boxes[0])
        boxes = [replace(box, is_default=box is first) for box in boxes]
    return {
        "item": item,
        "shown": None if form.shown is MISSING else form.shown,
        "proposal_title": TITLES.get(item.shape, "Proposal"),
        "can_edit_form": form.form is not None and "edit" in kinds,
        "can_approve": can_approve,
        "says_no": bool(kinds & {"reject", "changes"}),
        "boxes": boxes,
        "is_form_first": form.is_first,
        "takes_files": form.form is not None and form.form.takes_files,
    }


def _has_box(box: Box, item: ReviewItem) -> bool:
    # Each card has its own decision; only to close the question is about all of them.
    return not item.has_cards or (box.kind == "close" and item.close_ends_run)
