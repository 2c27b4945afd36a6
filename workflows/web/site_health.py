"""How the site does, in numbers that lead to what they count; and what takes room."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from workflows.services import registry
from workflows.services.access import Rights, require
from workflows.services.failures import DAYS, UNKNOWN, failures
from workflows.services.health.asked import MEDIAN_DAYS, Hour, Pace, asked, pace
from workflows.services.health.storage import storage
from workflows.services.health.work import processes, work
from workflows.storage.clock import database_now
from workflows.web.asking import rights_of

# The chart is drawn on a ground of so many units.
WIDTH, HEIGHT = 480, 80
GAP = 4


@dataclass(frozen=True)
class _Bar:
    """One hour of the chart, in units from its upper left corner."""

    hour: Hour
    x: int
    y: int
    width: int
    height: int


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The numbers of what the person may see; the part that changes alone, where htmx asks for it."""
    rights, now = rights_of(request), database_now()
    groups, is_cut = failures(rights, now)
    speed = pace(rights, now)
    context: dict[str, Any] = {
        "section": "health",
        "now": now,
        "asked": asked(rights, now),
        "pace": speed,
        "bars": _bars(speed),
        "chart": (WIDTH, HEIGHT),
        "since": speed.hours[0].start,
        "median_days": MEDIAN_DAYS,
        "work": work(rights, now),
        "failures": groups,
        "failure_days": DAYS,
        "is_cut": is_cut,
        "unknown": UNKNOWN,
        "operates": operates(rights),
        "is_paused": request.GET.get("paused") == "1",
    }
    if context["operates"]:
        found = processes(rights, now)
        alive = [each for each in found if each.told and each.is_alive]
        context |= {
            "processes": found,
            "alive": len(alive),
            "hands": sum(each.hands for each in alive),
        }
    is_part = request.headers.get("HX-Request") == "true"
    name = "_numbers.html" if is_part else "index.html"
    return render(request, f"workflows/health/{name}", context)


@require_safe
def room(request: HttpRequest) -> HttpResponse:
    """What takes room, for those who operate a workflow."""
    rights = rights_of(request)
    require(
        operates(rights), "What takes room is shown to those who operate workflows."
    )
    context = {"section": "health", "storage": storage(rights), "now": database_now()}
    return render(request, "workflows/health/storage.html", context)


def operates(rights: Rights) -> bool:
    """Whether the person operates any workflow."""
    return any(rights.can_operate(item.name) for item in registry.all())


def _bars(speed: Pace) -> list[_Bar]:
    step = WIDTH // len(speed.hours)
    most = max(speed.most, 1)
    return [
        _Bar(hour, at * step, HEIGHT - tall, step - GAP, tall)
        for at, hour in enumerate(speed.hours)
        for tall in [max(1 if hour.count else 0, hour.count * HEIGHT // most)]
    ]
