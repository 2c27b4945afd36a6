"""What a thread that tries again and again says of its failures: an outage in one line, once."""

from __future__ import annotations

import logging

from workflows.services.writable import last_refusal
from workflows.storage.outage import is_away, why_unwritable

log = logging.getLogger(__name__)

AWAY = "away"
BROKEN = "broken"


def tell_failure(
    error: BaseException,
    before: str,
    what: str = "looking for runs failed; trying again",
) -> str:
    """Log that `what`; returns what to give as `before` the next time.

    While the database is away that is one line for the whole outage, and no traceback.
    """
    if not is_away(error):
        log.error(what, exc_info=error)
        return BROKEN
    last_refusal.note(error)
    if before != AWAY:
        log.warning(
            "%s; runs wait, and go on when it does: %s",
            "the database cannot be written"
            if why_unwritable(error)
            else "the database does not answer",
            one_line(error),
        )
    return AWAY


def one_line(error: BaseException) -> str:
    """The first line of what the driver says."""
    return str(error).strip().partition("\n")[0]
