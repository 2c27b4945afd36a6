"""What the frame around every page shows: how much waits, what one may do, is anybody working."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.functional import cached_property

from workflows.services import ports, registry
from workflows.services.access import ROLES, Rights
from workflows.services.desk.notices import unread
from workflows.services.desk.preferences import undo_seconds_of
from workflows.services.review_queue import count


class Frame:
    """Asked only by templates that draw the frame; each answer costs at most one query."""

    def __init__(self, request: HttpRequest) -> None:
        self._person = request.user
        self._rights = Rights(request.user)

    @cached_property
    def waiting(self) -> int:
        return count(self._person)

    @cached_property
    def undo_seconds(self) -> int | None:
        """How long the person wants to be able to take a decision back."""
        return undo_seconds_of(self._person)

    @cached_property
    def notices(self) -> int:
        """How many notices the person has not read."""
        return unread(self._person)

    @cached_property
    def may_start(self) -> bool:
        return any(self._rights.can_start(item.name) for item in registry.offered())

    @cached_property
    def roles(self) -> list[str]:
        return [role for role in ROLES if role in self._rights.groups] or (
            ["admin"] if self._rights.is_admin else []
        )

    @cached_property
    def worker_alive(self) -> bool:
        """Whether runs are carried out; a queue that cannot tell counts as alive."""
        ask: Callable[[], bool] | None = getattr(ports.run_queue(), "has_worker", None)
        return ask() if ask is not None else True


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `frame` on pages of people who are logged in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"frame": Frame(request)}
