"""Around a decision: claim, arrange, comment, keep a draft, take a decision back."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    QueryDict,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from workflows.services import strict_json
from workflows.services.action import InvalidAnswer, NotPending, Refused
from workflows.services.desk.assign_question import UNCHANGED, ArrangeQuestion
from workflows.services.desk.claim_question import (
    ClaimQuestion,
    ReleaseQuestion,
    until_words,
)
from workflows.services.desk.comment_on import CommentOn
from workflows.services.desk.drafts import SaveDraft
from workflows.services.desk.undo_decision import TooLate, UndoDecision
from workflows.services.review_item import review_item
from workflows.storage.clock import machine_now
from workflows.web.asking import decider_of

# What a form sends beside the reviewer's own words.
NOT_TYPED = frozenset(
    {"csrfmiddlewaretoken", "key", "version", "round", "checkpoint", "view"}
)


@require_POST
def claim(request: HttpRequest, number: int) -> HttpResponse:
    """Take the question, or with `take_over` take it from whoever has it.

    `seconds` holds it longer than its policy says.
    """
    take_over = "take_over" in request.POST
    seconds = _number(request, "seconds", 0)
    try:
        row = ClaimQuestion(request.user, number, take_over, seconds).execute()
    except (InvalidAnswer, NotPending) as refusal:
        return _back(request, number, refusal)
    until = ""
    if seconds and row.claimed_until:
        until = f" until {until_words(row.claimed_until)}"
    return _back(request, number, done=f"#{number} is yours{until}.")


@require_POST
def release(request: HttpRequest, number: int) -> HttpResponse:
    """Give the question back."""
    ReleaseQuestion(request.user, number).execute()
    return _back(request, number, done=f"#{number} is free again.")


@require_POST
def arrange(request: HttpRequest, number: int) -> HttpResponse:
    """Assign, put off, set when it is due and how urgent it is."""
    try:
        ArrangeQuestion(request.user, number, **_arrangement(request)).execute()
    except InvalidAnswer as refusal:
        return _back(request, number, refusal)
    return _back(request, number, done=f"#{number} is arranged.")


@require_POST
def comment(request: HttpRequest, number: int) -> HttpResponse:
    """Say something about the question."""
    text = request.POST.get("text", "")
    fault = strict_json.text_fault(text)
    try:
        if fault:
            raise InvalidAnswer({"text": f"it {fault}"})
        CommentOn(request.user, number, text).execute()
    except InvalidAnswer as refusal:
        return _back(request, number, refusal)
    if request.headers.get("HX-Request") == "true":
        context = {"item": review_item(request.user, number, decider_of(request))}
        return render(request, "workflows/review/_comments.html", context)
    return _back(request, number)


@require_POST
def draft(request: HttpRequest, number: int) -> HttpResponse:
    """Keep what stands in the form; `drop` throws the draft away."""
    if "drop" in request.POST:
        SaveDraft(request.user, number, {}).execute()
        return _back(request, number)
    version, round_ = (_number(request, name) for name in ("version", "round"))
    fields = typed_fields(request.POST)
    SaveDraft(request.user, number, fields, version, round_).execute()
    return JsonResponse({"saved": machine_now().isoformat()})


@require_POST
def undo(request: HttpRequest, decision: int) -> HttpResponse:
    """Take a decision back and show its question again."""
    try:
        number = UndoDecision(request.user, decision).execute().pk
    except TooLate as refusal:
        return _back(request, refusal.question, refusal)
    return _back(request, number, done=f"Taken back: #{number} waits again.")


def typed_fields(post: QueryDict) -> dict[str, list[str]]:
    """What a posted form holds of the reviewer's own."""
    return {
        name: [text for text in texts if isinstance(text, str)]
        for name, texts in post.lists()
        if name not in NOT_TYPED
    }


def _arrangement(request: HttpRequest) -> dict[str, Any]:
    errors: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name in ("assignee", "group"):
        found[name] = request.POST.get(name, UNCHANGED)
        if isinstance(found[name], str):
            found[name] = found[name].strip()
    for name in ("due_at", "snooze_until"):
        found[name] = UNCHANGED
        if name in request.POST:
            found[name] = _moment(request.POST[name].strip(), name, errors)
    if "priority" in request.POST:
        text = request.POST["priority"].strip() or "0"
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 5):
            errors["priority"] = "a whole number from -100 to 100"
        else:
            found["priority"] = int(text)
    if errors:
        raise InvalidAnswer(errors)
    return found


def _moment(text: str, name: str, errors: dict[str, str]) -> datetime | None:
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        errors[name] = "a date and a time, such as 2026-11-30T09:00"
        return None
    return moment if moment.tzinfo else timezone.make_aware(moment)


def _number(request: HttpRequest, name: str, usual: int = 1) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else usual


def _back(
    request: HttpRequest,
    number: int,
    refusal: Refused | None = None,
    *,
    done: str = "",
) -> HttpResponse:
    if refusal is not None:
        messages.error(request, str(refusal))
    elif done:
        messages.success(request, done)
    return HttpResponseRedirect(reverse("workflows:review", args=[number]), status=303)
