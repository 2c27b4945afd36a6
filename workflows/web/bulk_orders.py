"""A bulk order that was given: how far it is, and what can still be done about it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from workflows.services.action import NotPending, ThreadBusy
from workflows.services.desk.bulk_control import RetryBulk, StopBulk, UndoBulk
from workflows.services.desk.bulk_progress import order_page


@require_safe
def detail(request: HttpRequest, number: int) -> HttpResponse:
    """The order with its results; the part that changes alone, where htmx asks for it."""
    state = request.GET.get("state", "")
    after = request.GET.get("after", "")
    is_number = after.isascii() and after.isdigit() and len(after) < 19
    page = order_page(request.user, number, state, int(after) if is_number else 0)
    here = {name: text for name, text in (("state", page.state),) if text}
    context = {
        "section": "queue",
        "page": page,
        "order": page.order,
        "counts": page.order.counts,
        "query": urlencode(here | ({"after": after} if is_number else {})),
        "next": urlencode(here | {"after": page.next_after or ""}),
    }
    is_part = request.headers.get("HX-Request") == "true"
    name = "_progress.html" if is_part else "order.html"
    return render(request, f"workflows/bulk/{name}", context)


@require_POST
def stop(request: HttpRequest, number: int) -> HttpResponse:
    """Decide no further question."""
    return _act(request, StopBulk(request.user, number), "It stops.")


@require_POST
def retry(request: HttpRequest, number: int) -> HttpResponse:
    """Try again what was refused, failed or left."""
    return _act(request, RetryBulk(request.user, number), "It tries again.")


@require_POST
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Take back what no workflow has gone on with."""
    done = "What has not gone on is being taken back."
    return _act(request, UndoBulk(request.user, number), done)


def _act(
    request: HttpRequest, action: StopBulk | RetryBulk | UndoBulk, done: str
) -> HttpResponse:
    try:
        action.execute()
    except (NotPending, ThreadBusy) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return HttpResponseRedirect(
        reverse("workflows:bulk_order", args=[action.order]), status=303
    )
