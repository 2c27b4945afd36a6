"""Answer questions: decisions, votes, and taking a decision back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from workflows.api.bodies import DecisionBody, Key, NoBody
from workflows.api.door import operation, person_of
from workflows.api.editing import check_apart
from workflows.api.results import (
    DecisionMade,
    Reopened,
    VoteCast,
    below,
    check_idempotency_key,
)
from workflows.engine.ids import digest
from workflows.models import Decision, Vote
from workflows.services.access import DECIDE, EDIT
from workflows.services.action import InvalidAnswer, KeyReused, Refused
from workflows.services.desk.deciding import Decider
from workflows.services.desk.holding import is_held
from workflows.services.desk.shape import shape_shown
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.desk.votes import counted
from workflows.services.resume_run import MAX_REASON_LENGTH, ResumeRun
from workflows.services.review_item import Look, look_at
from workflows.services.save_and_resume import SaveAndResume
from workflows.services.state_to_edit import state_to_edit
from workflows.services.typed_answers import restored_answer
from workflows.services.typed_state import values_of

router = Router(tags=["Questions"])


@operation(
    router,
    "POST",
    "/questions/{number}/decision",
    DECIDE,
    response={200: DecisionMade, 202: VoteCast},
    summary="Decide a question",
)
def decide(
    request: HttpRequest, number: int, body: DecisionBody, idempotency_key: Key = None
) -> Status[Any]:
    """Answers a question, in the `version` and `round` that were read. Of several who decide one is first; all others are told who, when and what (409 `already_decided`).

    The answer is 200 with the decision, and until when it can be taken back, or 202 for an approval that waits for those of
    others. Sent again with the same `Idempotency-Key` it gives the first answer again; with other content it is refused
    (409 `key_reused`).
    """
    check_idempotency_key(idempotency_key)
    check_apart(body.edits, body.updates)
    person = person_of(request)
    decider = Decider(person)
    look = look_at(decider, number)
    action = ResumeRun(
        person,
        number,
        body.kind,
        reason=body.reason,
        version=body.version,
        round=body.round,
        checkpoint=body.checkpoint,
        idempotency_key=idempotency_key,
        channel=Decision.Channel.API,
        hold=body.hold,
        sent=digest(json.dumps(body.model_dump(), sort_keys=True)),
    )
    made = _late(look, action) if look.is_closed else _decided(look, action, body)
    if isinstance(made, Vote):
        return Status(202, _vote(made, decider))
    return Status(200, _decision(made))


def _decided(look: Look, action: ResumeRun, body: DecisionBody) -> Decision | Vote:
    """The decision that is made now, or was a moment ago."""
    try:
        return _whole(look, action, body).execute()
    except InvalidAnswer as refusal:
        raise _placed(refusal, look, body) from refusal
    except KeyReused:
        raise
    except Refused:
        again = look_at(Decider(action.person), action.interrupt)
        if not again.is_closed:
            raise
        return _late(again, action)


def _late(look: Look, action: ResumeRun) -> Decision | Vote:
    """The answer again that was given before; raises what tells why the question takes none.

    Whoever is late waits for no lock, unless for an answer of their own.
    """
    key = action.idempotency_key or ""
    if look.made_with(key) or (key and look.decider.rules(look.row).quorum > 1):
        return action.execute()
    raise look.why_closed()


def _whole(
    look: Look, action: ResumeRun, body: DecisionBody
) -> ResumeRun | SaveAndResume:
    """The decision with its value, and the edits that go with it."""
    if body.value is not None:
        value = restored_answer(shape_shown(look.row), body.value)
        action = replace(action, value=value)
    if not (body.edits or body.updates):
        return action
    # Whoever may not decide hears that, and not what is wrong with an edit.
    look.decider.check(look.row)
    look.decider.rights.require_scope(EDIT)
    thread, names = look.row.thread_id, frozenset(body.edits)
    state = state_to_edit(action.person, thread, action.interrupt, names)
    return SaveAndResume(
        action, values_of(state, body.edits, body.checkpoint), body.updates
    )


@operation(
    router,
    "POST",
    "/decisions/{number}/undo",
    DECIDE,
    response=Reopened,
    summary="Take a decision back",
    tags=["Decisions"],
)
def undo(
    request: HttpRequest,
    number: int,
    body: NoBody = NoBody(),  # noqa: B008 - nobody changes it
) -> Reopened:
    """Takes a decision back, and its question waits again in its next round. When the workflow has gone on with it, it is too late (409 `too_late`)."""
    row = UndoDecision(person_of(request), number, Decision.Channel.API).execute()
    return Reopened(
        question=row.pk, version=row.version, round=row.round, status=row.status
    )


def _decision(made: Decision) -> DecisionMade:
    held = is_held(made.start_at)
    return DecisionMade(
        number=made.pk,
        question=made.interrupt_id,
        round=made.round,
        kind=made.kind,
        who=made.person_name,
        reason=made.reason,
        channel=made.channel,
        at=made.created_at,
        thread_id=made.interrupt.thread_id,
        run=made.run_id,
        is_held=held,
        undo_until=None if held else made.start_at,
    )


def _vote(cast: Vote, decider: Decider) -> VoteCast:
    return VoteCast(
        question=cast.interrupt_id,
        round=cast.round,
        kind=cast.kind,
        who=cast.person_name,
        at=cast.created_at,
        votes=counted(cast),
        needed=decider.rules(cast.interrupt).quorum,
    )


def _placed(refusal: InvalidAnswer, look: Look, body: DecisionBody) -> InvalidAnswer:
    """The refusal with the places of this body."""
    found: dict[str, str] = {}
    for path, text in refusal.errors.items():
        channel = path.partition(".")[0]
        if channel in body.edits:
            found[below("edits", path)] = text
        elif channel in body.updates:
            found[below("updates", path)] = text
        elif (
            path in ("kind", "checkpoint")
            or _is_reason(path, look, body)
            or path == "value"
            or path.startswith("value.")
        ):
            found[path] = text
        else:
            found[below("value", path)] = text
    return InvalidAnswer(found)


def _is_reason(path: str, look: Look, body: DecisionBody) -> bool:
    """Whether the reason itself is meant, and no field of that name in a form."""
    if path != "reason":
        return False
    is_form = bool(look.row.response_schema)
    is_wrong = not body.reason.strip() or len(body.reason) > MAX_REASON_LENGTH
    return is_wrong or not is_form
