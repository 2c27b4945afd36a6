"""Who asks: what they may and by which rules, read once for the whole request.

For showing things. An action that changes something asks anew, in its own transaction.
"""

from django.http import HttpRequest

from workflows.services.access import Rights
from workflows.services.desk.deciding import Decider


def decider_of(request: HttpRequest) -> Decider:
    """What whoever asks may decide, with the rules as they stood when first read."""
    known: Decider | None = request.__dict__.get("_decider")
    if known is None or known.person is not request.user:
        known = request.__dict__["_decider"] = Decider(request.user)
    return known


def rights_of(request: HttpRequest) -> Rights:
    """What whoever asks may do at all."""
    return decider_of(request).rights
