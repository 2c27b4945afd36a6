"""What programs send to have something done: one Schema for each body, none of which takes a word it does not know."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Header
from pydantic import Field

from workflows.api.shapes import Body, Instant

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Made up by the program, 1 to 200 characters: sent again, with the same body, it gives the first "
        "answer again.",
    ),
]
LONGEST_REASON = 1_000
"""Characters of the reason to cancel a run, as on its page."""
LARGEST = 2**63 - 1


class StartBody(Body):
    """A start of a workflow."""

    input: Any = Field(
        default=None, description="What the workflow takes; see its input_schema."
    )
    thread_id: str | None = Field(
        default=None,
        description="The thread to start on; a new one where it is left out.",
    )
    title: str = Field(default="", description="What people call the thread.")
    if_busy: str = Field(
        default="reject", description="reject, enqueue, interrupt or rollback (RA.2)."
    )
    run_timeout: float | None = Field(
        default=None, description="Seconds that the run may be at work."
    )
    start_timeout: float | None = Field(
        default=None,
        description="Seconds after which it is given up where no worker began it.",
    )
    queue: str | None = Field(
        default=None,
        description='That of the workflow where it is left out; "" is none.',
    )
    priority: int = Field(default=0, description="The lowest comes first in its queue.")
    delay: float | None = Field(
        default=None, description="Seconds that pass at the least before it begins."
    )
    dedup_key: str | None = Field(
        default=None,
        description="Refused while a run with the same one has not ended (RB.9).",
    )


class ContinueBody(Body):
    """How to go on."""

    if_busy: str = Field(default="reject", description="As at a start.")


class CancelBody(Body):
    """How a run is to end."""

    reason: str = Field(default="", max_length=LONGEST_REASON)
    mode: Literal["step", "now"] = Field(
        default="step", description="After its present step, or as soon as it can be."
    )


class SignalBody(Body):
    """A signal."""

    topic: str
    payload: Any = None
    key: str | None = Field(
        default=None,
        description="Of those with one key on a topic of a thread one is kept.",
    )


class UpdateBody(Body):
    """An update that the workflow's author foresaw."""

    name: str
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="By name, as the update's schema has them."
    )
    key: str | None = Field(
        default=None,
        description="Of those with one key on a thread one is carried out, and all get its answer.",
    )
    wait: float = Field(
        default=5,
        ge=0,
        le=30,
        description="Seconds to wait for the end of a step that is at work.",
    )


class ForkBody(Body):
    """Where another thread begins."""

    checkpoint: str = Field(description="That of a step of the thread itself.")
    values: dict[str, Any] = Field(
        default_factory=dict,
        description="By channel, in the place of what was there; it takes the scope edit too, and a reason. What is sent "
        "as it was read of that step keeps its type.",
    )
    reason: str = ""


class EditBody(Body):
    """An edit of a thread's state."""

    values: dict[str, Any] = Field(
        default_factory=dict,
        description="By channel, in the place of what is there. What is sent as it was read keeps its type.",
    )
    updates: dict[str, Any] = Field(
        default_factory=dict,
        description="By channel, to go through the reducers of these.",
    )
    checkpoint: str = Field(description="The one at which the state was read.")
    question: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST,
        description="The open question of the thread that lets a reviewer edit.",
    )


class PreviewBody(EditBody):
    """An edit to look at before it is made."""


class StateBody(EditBody):
    """An edit that is made."""

    reason: str = Field(description="Why; it stands in the history and in the audit.")


class DecisionBody(Body):
    """An answer to a question."""

    kind: str = Field(description="One of the question's kinds.")
    value: Any = Field(
        default=None,
        description="What the kind asks for: the edited proposal, the form's value, the words of an answer, or a list "
        "with one {kind, value, reason} a card. Left out, the proposal stands.",
    )
    reason: str = ""
    version: int = Field(description="That of the question as it was read.")
    round: int = Field(description="That of the question as it was read.")
    edits: dict[str, Any] = Field(
        default_factory=dict,
        description="New values of the state by channel, which go on with the answer; it takes the scope edit too, "
        "the checkpoint and a reason.",
    )
    updates: dict[str, Any] = Field(
        default_factory=dict,
        description="The same for what goes through the reducers of channels.",
    )
    checkpoint: str = Field(
        default="",
        description="The one at which the state was read that edits are made on.",
    )
    hold: bool = Field(
        default=False,
        description="Wait until the thread's other questions are answered.",
    )


class ClaimBody(Body):
    """How a question is claimed."""

    seconds: int = Field(
        default=0,
        description="At least so long; the question's policy says how long else.",
    )
    take_over: bool = Field(
        default=False, description="Also where somebody else has claimed it."
    )


class CommentBody(Body):
    """A remark on a question."""

    text: str = Field(description="Whoever is named with @ is told.")


class ArrangeBody(Body):
    """Who should answer a question, and by when. What is left out stays as it is."""

    assignee: str | None = Field(
        default=None, description="A user name; null for nobody."
    )
    group: str | None = Field(
        default=None, description="The name of a group; null for none."
    )
    snooze_until: Instant | None = None
    due_at: Instant | None = None
    priority: int = Field(
        default=0, description="From -100 to 100; the highest comes first."
    )


class TriggerBody(Body):
    """A start of a schedule's workflow, beside its instants."""

    key: str | None = Field(
        default=None, description="With one that came before nothing is started."
    )


class NoBody(Body):
    """Nothing has to be said."""
