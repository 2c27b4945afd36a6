"""One question: read it, see what an edit would change, decide it."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from workflows.engine.errors import DecryptionError
from workflows.models import Decision, Vote
from workflows.services.access import Person
from workflows.services.action import (
    InvalidAnswer,
    NotPending,
    Refused,
    StaleCheckpoint,
)
from workflows.services.desk.drafts import draft_of, fields_of, keep_refused
from workflows.services.desk.holding import is_held
from workflows.services.desk.next_question import next_question
from workflows.services.desk.notices import ReadNotices, unread
from workflows.services.desk.queue_view import QueueView
from workflows.services.desk.undo_offer import undo_tags
from workflows.services.records import ReviewItem
from workflows.services.review_item import Look, look_at, review_item
from workflows.services.review_queue import pending
from workflows.web import batch_form, pane
from workflows.web.asking import decider_of
from workflows.web.desk import typed_fields
from workflows.web.review_attempt import DONE, Attempt, draft_from
from workflows.web.review_form import (
    Draft,
    ReviewForm,
    asked,
    is_list_button,
    review_form,
)
from workflows.web.review_late import answer_late
from workflows.web.review_page import Conflict, Steps, page_context
from workflows.web.schema import MISSING


@require_safe
def detail(request: HttpRequest, number: int) -> HttpResponse:
    """The question with all that is needed to decide it."""
    context = opened(request, number)
    if pane.is_prefetch(request):
        context["is_unread"] = unread(request.user, question=number) > 0
    else:
        ReadNotices(request.user, question=number).execute()
    return pane.answer(request, context)


def opened(request: HttpRequest, number: int) -> dict[str, Any]:
    """Context of a question that somebody opens, with the draft they left."""
    item = review_item(request.user, number, decider_of(request))
    form = review_form(item)
    kept = _kept(request.user, number) if item.may_decide else None
    if kept is None:
        return _context(request, item, form)
    typed, kept_at, seen = kept
    reading = form.read(typed, MultiValueDict())
    draft = draft_from(typed, form, reading)
    draft = replace(
        draft,
        # Of a draft that says nothing beyond the question, nothing is told.
        kept_at=kept_at if item.has_cards or draft.is_something else None,
        is_outdated=seen != (item.version, item.round),
    )
    cards = None
    if item.has_cards:
        cards = batch_form.read(item, typed, MultiValueDict()).cards
    return _context(request, item, form, reading=reading, draft=draft, cards=cards)


@require_POST
def show_diff(request: HttpRequest, number: int) -> HttpResponse:
    """What the form would change, as a fragment; as a whole page without htmx."""
    is_part = request.headers.get("HX-Request") == "true"
    look = look_at(decider_of(request), number)
    item = look.item if is_part else look.whole()
    form = review_form(item)
    reading = form.read(request.POST, request.FILES)
    draft = draft_from(request.POST, form, reading)
    if is_part:
        context = {"rows": draft.rows, "readable": draft.is_readable}
        return render(request, "workflows/review/_diff.html", context)
    return pane.answer(
        request, _context(request, item, form, reading=reading, draft=draft)
    )


@require_POST
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Record a decision, or show the page again with what stands in its way."""
    decider = decider_of(request)
    look = look_at(decider, number)
    if look.is_closed:
        # It stays closed: who is late waits for no lock, unless for an answer of their own.
        made = look.made_with(request.POST.get("key", ""))
        return _done(request, look, made) if made else answer_late(request, look)
    attempt = Attempt(request, look.item)
    typed = typed_fields(request.POST)
    if is_list_button(request.POST):
        return _again(attempt, look)
    try:
        action = attempt.action()
        if action is None:
            # Whoever is late or may not decide hears that, not a remark on the form.
            attempt.place().check()
            return _again(attempt, look, status=400)
        return _done(request, look, replace(action, typed=typed).execute())
    except InvalidAnswer as refusal:
        attempt.refuse(refusal)
        return _again(attempt, look, status=400)
    except Refused as refusal:
        again = look_at(decider, number)
        if again.is_closed:
            return answer_late(request, again)
        keep_refused(decider, look.row, typed)
        if not isinstance(refusal, NotPending | StaleCheckpoint):
            raise
        return _again(attempt, again, status=409, conflict=Conflict.of(refusal))


def _done(request: HttpRequest, look: Look, made: Decision | Vote) -> HttpResponse:
    """Say what was decided, and go on to the next question."""
    number, item = look.row.pk, look.item
    done = f"{DONE[made.kind]} #{number}"
    if isinstance(made, Vote):
        text = f"Your approval of #{number} counts; it waits for more people."
        messages.success(request, text)
    elif is_held(made.start_at):
        text = f"{done}. It is held until the other open questions of its thread are "
        messages.success(request, text + "answered.")
    else:
        tags = undo_tags(made.pk, made.start_at)
        messages.success(request, done, extra_tags=tags)
    if pane.view_of(request) is not None:
        steps = Steps.of(item)
        sibling = steps.after or steps.before
        is_open = isinstance(made, Vote)
        return pane.go_on(request, number, done, sibling, is_open=is_open)
    graph = request.POST.get("workflow", "")
    return HttpResponseRedirect(_next(request, item, graph), status=303)


@require_safe
def go_to_next(request: HttpRequest, number: int) -> HttpResponse:
    """Leave a question that somebody else has dealt with for the next one.

    `view` is the query of the view of the queue beside which it stood, `workflow` the filter
    of its own page.
    """
    look = look_at(decider_of(request), number)
    query = request.GET.get("view")
    if query is None:
        graph = request.GET.get("workflow", "")
        return HttpResponseRedirect(_next(request, look.item, graph))
    view = QueueView.read(QueryDict(query[: pane.LONGEST_VIEW]))
    steps = Steps.of(look.item)
    after = steps.after or next_question(request.user, view, number, look.decider)
    query = view.query(item=after or "")
    return HttpResponseRedirect(f"{reverse('workflows:queue')}?{query}")


def _again(attempt: Attempt, look: Look, status: int = 200, **how: Any) -> HttpResponse:
    """The page of a question with what was posted."""
    request = attempt.request
    attempt.item = look.whole()
    context = _context(
        request,
        attempt.item,
        attempt.form,
        reading=attempt.reading,
        draft=attempt.draft,
        notices=attempt.notices,
        faulty=attempt.faults,
        cards=attempt.cards,
        **how,
    )
    return pane.answer(request, context, status)


def _kept(
    person: Person, number: int
) -> tuple[QueryDict, datetime, tuple[int, int]] | None:
    """The person's draft, when it is from, and the version and round it was typed for.

    One that does not decrypt any more is as good as none.
    """
    kept = draft_of(person, number)
    if kept is None:
        return None
    try:
        fields = fields_of(kept)
    except DecryptionError:
        return None
    return posted_again(fields), kept.updated_at, (kept.version, kept.round)


def posted_again(fields: dict[str, list[str]]) -> QueryDict:
    """What a draft holds, as it was posted."""
    typed = QueryDict(mutable=True)
    for name, texts in fields.items():
        typed.setlist(name, texts)
    return typed


def _context(
    request: HttpRequest,
    item: ReviewItem,
    form: ReviewForm,
    *,
    reading: Any = None,
    draft: Draft | None = None,
    notices: list[str] | None = None,
    faulty: list[Any] | None = None,
    cards: list[batch_form.CardForm] | None = None,
    conflict: Conflict | None = None,
) -> dict[str, Any]:
    source = request.POST if request.method == "POST" else request.GET
    return page_context(item, form) | {
        "section": "queue",
        "asked": asked(item),
        "root": reading.root if reading else form.draw(),
        "faulty": faulty if faulty is not None else reading.faulty if reading else [],
        "draft": draft or Draft(),
        "notices": notices or [],
        "cards": cards or (batch_form.draw(item) if item.has_cards else []),
        "conflict": conflict,
        "steps": Steps.of(item),
        "filter": source.get("workflow", ""),
        "key": request.POST.get("key", "") or str(uuid.uuid4()),
        "has_shown": form.shown is not MISSING,
    }


def _next(request: HttpRequest, item: ReviewItem, graph: str) -> str:
    """Where to go after a decision: this thread's next question, else the queue's."""
    query = f"?{urlencode({'workflow': graph})}" if graph else ""
    steps = Steps.of(item)
    number = steps.after or steps.before
    if not number:
        waiting = pending(
            request.user, graph=graph or None, limit=10, decider=decider_of(request)
        )
        mine = [
            each for each in waiting if each.may_decide and each.number != item.number
        ]
        number = mine[0].number if mine else 0
    if not number:
        return reverse("workflows:queue") + query
    return reverse("workflows:review", args=[number]) + query
