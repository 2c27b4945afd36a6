"""What the page of a question shows around its form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.services.action import AlreadyDecided, NotPending, StaleQuestion
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
        if isinstance(refusal, AlreadyDecided):
            kind_of = "decided"
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
            return cls(tuple(others), 0, others[0].number if others else 0)
        every = sorted([*others, own], key=lambda each: (each.asked_at, each.number))
        at = every.index(own)
        before = every[at - 1].number if at else 0
        after = every[at + 1].number if at + 1 < len(every) else 0
        return cls(tuple(every), before, after)


def page_context(item: ReviewItem, form: ReviewForm) -> dict[str, Any]:
    """The parts of the page that depend on the question alone."""
    kinds = set(item.kinds)
    return {
        "item": item,
        "shown": None if form.shown is MISSING else form.shown,
        "proposal_title": TITLES.get(item.shape, "Proposal"),
        "can_edit_form": form.form is not None and "edit" in kinds,
        "can_reject": form.can_reject and "reject" in kinds and item.shape != "batch",
        "can_respond": form.can_respond
        and "respond" in kinds
        and item.shape != "batch",
        "is_form_first": form.is_first,
        "takes_files": form.form is not None and form.form.takes_files,
    }
