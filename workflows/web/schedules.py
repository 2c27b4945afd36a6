"""Schedules: what starts by the clock, and what operators may do about it."""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from workflows.models import Tick
from workflows.services.access import Rights
from workflows.services.action import InvalidAnswer
from workflows.services.keys import MAX_KEY_LENGTH
from workflows.services.schedules.acting import PauseSchedule, ResumeSchedule
from workflows.services.schedules.backfill import MOST, BackfillSchedule
from workflows.services.schedules.reading import (
    MOST_TICKS,
    ScheduleSummary,
    schedule_detail,
    schedule_list,
    ticks_of,
)
from workflows.services.schedules.trigger import TriggerSchedule
from workflows.web.asking import rights_of
from workflows.web.refusals import local_path

LONGEST_TIME = 40
NO_TIME = "Takes a date and a time, such as 2026-11-23T03:00."


@dataclass(frozen=True)
class _Shown:
    """A schedule, and whether whoever looks may operate it."""

    schedule: ScheduleSummary
    may_operate: bool

    @classmethod
    def of(cls, schedule: ScheduleSummary, rights: Rights) -> "_Shown":
        may = schedule.is_declared and rights.can_operate(schedule.graph)
        return cls(schedule, may)


@dataclass
class _Typed:
    """What stands in the form that makes up for the past."""

    start: str = ""
    end: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def time(self, place: str, zone: str) -> datetime | None:
        """What was typed there, by the clocks of `zone`; None, with an error, for what is no time."""
        text = getattr(self, place)
        with suppress(ValueError):
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
        self.errors[place] = NO_TIME
        return None


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All schedules that the person may see; with `late` those that are overdue."""
    rights = rights_of(request)
    only_late = request.GET.get("late") == "1"
    items = [
        _Shown.of(each, rights)
        for each in schedule_list(request.user)
        if each.is_late or not only_late
    ]
    context = {
        "section": "schedules",
        "items": items,
        "only_late": only_late,
        "key": str(uuid.uuid4()),
        "may_operate": any(each.may_operate for each in items),
    }
    return render(request, "workflows/schedules/index.html", context)


@require_safe
def detail(request: HttpRequest, name: str) -> HttpResponse:
    """One schedule, and what became of its instants; `before` turns the page."""
    return _page(request, name, _Typed())


@require_POST
def pause(request: HttpRequest, name: str) -> HttpResponse:
    """Let it start nothing by the clock."""
    done = PauseSchedule(request.user, name).execute()
    said = "is paused" if done else "was paused already"
    messages.success(request, f"{name} {said}: it starts nothing by the clock")
    return _back(request, name)


@require_POST
def resume(request: HttpRequest, name: str) -> HttpResponse:
    """Let it go on."""
    done = ResumeSchedule(request.user, name).execute()
    said = "goes on with its next instant" if done else "was not paused"
    messages.success(request, f"{name} {said}")
    return _back(request, name)


@require_POST
def run(request: HttpRequest, name: str) -> HttpResponse:
    """Start it now; the same form starts one run."""
    key = request.POST.get("key", "")[:MAX_KEY_LENGTH] or None
    tick = TriggerSchedule(request.user, name, key=key).execute()
    if tick.status == Tick.Status.QUEUED:
        said = "starts when the thread before it has ended"
    else:
        said = f"was started: run {tick.run_id}"
    messages.success(request, f"{name} {said}")
    return _back(request, name)


@require_POST
def backfill(request: HttpRequest, name: str) -> HttpResponse:
    """Start what was not started between two times."""
    zone = schedule_detail(request.user, name).tz
    typed = _Typed(
        request.POST.get("start", "")[:LONGEST_TIME],
        request.POST.get("end", "")[:LONGEST_TIME],
    )
    start, end = typed.time("start", zone), typed.time("end", zone)
    if start is None or end is None:
        # Who may not do it is told so, whatever they typed.
        PauseSchedule(request.user, name).check()
        return _page(request, name, typed, 400)
    try:
        count = BackfillSchedule(request.user, name, start, end).execute()
    except InvalidAnswer as refusal:
        typed.errors = {
            place: f"It {text}."
            if text.startswith("lies ")
            else f"{text[:1].upper()}{text[1:]}."
            for place, text in refusal.errors.items()
        }
        return _page(request, name, typed, 400)
    if count:
        many = "instants wait their turn" if count > 1 else "instant waits its turn"
        messages.success(request, f"{name}: {count:,} {many}")
    else:
        messages.info(request, f"{name}: there is nothing to make up for then")
    return _back(request, name)


def _page(
    request: HttpRequest, name: str, typed: _Typed, status: int = 200
) -> HttpResponse:
    before = _number(request.GET.get("before", ""))
    shown = _Shown.of(schedule_detail(request.user, name), rights_of(request))
    ticks = ticks_of(request.user, name, before)
    is_full = len(ticks) == MOST_TICKS
    context: dict[str, Any] = {
        "section": "schedules",
        "shown": shown,
        "schedule": shown.schedule,
        "ticks": ticks,
        "is_first_page": before is None,
        "earlier": ticks[-1].number if is_full else None,
        "typed": typed,
        "most": MOST,
        "key": str(uuid.uuid4()),
        "clock": timezone.get_current_timezone_name(),
    }
    return render(request, "workflows/schedules/detail.html", context, status=status)


def _back(request: HttpRequest, name: str) -> HttpResponse:
    back = local_path(request.POST.get("back", ""))
    return HttpResponseRedirect(
        back or reverse("workflows:schedule", args=[name]), status=303
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
