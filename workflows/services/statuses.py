"""The one table from refusals of the services to the answers of the site and of the API."""

from workflows.services.action import (
    InvalidAnswer,
    KeyReused,
    NotAllowed,
    NotPending,
    NotVisible,
    Refused,
    StaleCheckpoint,
    ThreadBusy,
    Unreadable,
    UpdateNotDone,
)
from workflows.services.desk.undo_decision import TooLate
from workflows.services.strict_json import JsonProblem

STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotVisible, 404),
    (NotAllowed, 403),
    (NotPending, 409),
    (StaleCheckpoint, 409),
    (ThreadBusy, 409),
    (KeyReused, 409),
    (UpdateNotDone, 409),
    (TooLate, 409),
    (InvalidAnswer, 400),
    (JsonProblem, 400),
    (Unreadable, 503),
    (Refused, 400),
)


def status_of(refusal: Exception) -> int | None:
    """The status of a refusal; None for what is a fault of ours."""
    return next((code for kind, code in STATUS if isinstance(refusal, kind)), None)
