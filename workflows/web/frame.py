"""What the frame around every page shows: how much waits, what one may do, is anybody working."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property

from workflows.models import Preference
from workflows.services import ports, registry
from workflows.services.access import ROLES
from workflows.services.desk.keys import Key, keys_of
from workflows.services.desk.notices import unread
from workflows.services.desk.preferences import preferences_of
from workflows.services.review_queue import count, count_shown
from workflows.web.asking import rights_of


class Frame:
    """Asked only by templates that draw the frame; each answer costs at most one query."""

    def __init__(self, request: HttpRequest) -> None:
        self._person = request.user
        self._rights = rights_of(request)

    @cached_property
    def waiting(self) -> int | str:
        """How many questions wait that the person may see."""
        return count_shown(count(self._person, rights=self._rights))

    @cached_property
    def preferences(self) -> Preference:
        """How the person wants the pages to behave."""
        return preferences_of(self._person)

    @property
    def own_keys(self) -> str:
        """The person's own keys as JSON; empty where all are the first ones."""
        return json.dumps(self.preferences.keys) if self.preferences.keys else ""

    @property
    def keys(self) -> list[tuple[str, list[Key]]]:
        """All single keys by group, as they are for this person."""
        return keys_of(self.preferences.keys)

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

    @property
    def has_business(self) -> bool:
        """Whether the person has any role here."""
        return self._rights.has_business

    @cached_property
    def has_tokens(self) -> bool:
        """Whether a token of the person could do anything: they have business, the site an API."""
        return self.has_business and has_api()

    @property
    def is_admin(self) -> bool:
        """Whether the person looks after this site."""
        return self._rights.is_admin

    @cached_property
    def worker_alive(self) -> bool:
        """Whether runs are carried out; a queue that cannot tell counts as alive."""
        ask: Callable[[], bool] | None = getattr(ports.run_queue(), "has_worker", None)
        return ask() if ask is not None else True


def has_api() -> bool:
    """Whether the API is among the addresses of this site; a host may leave it out."""
    try:
        reverse("workflows_api:api-root")
    except NoReverseMatch:
        return False
    return True


class BriefFrame(Frame):
    """The frame of an answer that many may wait for: it counts nothing."""

    waiting = 0
    notices = 0
    worker_alive = True


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `frame` on pages of people who are logged in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"frame": Frame(request)}
