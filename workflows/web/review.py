"""One question: read it, see what an edit would change, decide it."""

import uuid
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from workflows.models import Vote
from workflows.services.action import InvalidAnswer, NotPending, StaleCheckpoint
from workflows.services.desk.drafts import SaveDraft, draft_of, fields_of
from workflows.services.desk.notices import ReadNotices, unread
from workflows.services.desk.undo_offer import undo_tags
from workflows.services.records import ReviewItem
from workflows.services.resume_run import ResumeRun
from workflows.services.review_item import review_item
from workflows.services.review_queue import pending
from workflows.web import batch_form, pane, strict_json
from workflows.web.desk import typed_fields
from workflows.web.forms import attach
from workflows.web.review_form import (
    Draft,
    ReviewForm,
    asked,
    is_list_button,
    review_form,
)
from workflows.web.review_page import Conflict, Steps, page_context
from workflows.web.schema import MISSING
from workflows.web.tagged import restore

DONE = {
    "approve": "Approved",
    "edit": "Approved with changes:",
    "reject": "Rejected",
    "respond": "Answered",
}


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
    item = review_item(request.user, number)
    form = review_form(item)
    kept = draft_of(request.user, number) if item.may_decide else None
    if kept is None:
        return _context(request, item, form)
    typed = posted_again(fields_of(kept))
    reading = form.read(typed, MultiValueDict())
    draft = replace(
        _draft(typed, form, reading),
        kept_at=kept.updated_at,
        is_outdated=(kept.version, kept.round) != (item.version, item.round),
    )
    cards = None
    if item.shape == "batch":
        cards = batch_form.read(item, typed, MultiValueDict()).cards
    return _context(request, item, form, reading=reading, draft=draft, cards=cards)


@require_POST
def show_diff(request: HttpRequest, number: int) -> HttpResponse:
    """What the form would change, as a fragment; as a whole page without htmx."""
    item = review_item(request.user, number)
    form = review_form(item)
    reading = form.read(request.POST, request.FILES)
    draft = _draft(request.POST, form, reading)
    if request.headers.get("HX-Request") == "true":
        context = {"rows": draft.rows, "readable": draft.is_readable}
        return render(request, "workflows/review/_diff.html", context)
    return pane.answer(
        request, _context(request, item, form, reading=reading, draft=draft)
    )


@require_POST
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Record a decision, or show the page again with what stands in its way."""
    item = review_item(request.user, number)
    attempt = Attempt(request, item)
    if is_list_button(request.POST):
        return attempt.page()
    try:
        action = attempt.action()
        if action is None:
            # Whoever is late or may not decide hears that, not a remark on the form.
            attempt.place().check()
            return attempt.page(status=400)
        SaveDraft(
            request.user, number, typed_fields(request.POST), item.version, item.round
        ).execute()
        made = action.execute()
    except InvalidAnswer as refusal:
        attempt.refuse(refusal)
        return attempt.page(status=400)
    except (NotPending, StaleCheckpoint) as refusal:
        attempt.item = review_item(request.user, number)
        return attempt.page(status=409, conflict=Conflict.of(refusal))
    if isinstance(made, Vote):
        text = f"Your approval of #{number} counts; it waits for more people."
        messages.success(request, text)
    else:
        tags = undo_tags(made.pk, made.start_at)
        messages.success(request, f"{DONE[action.kind]} #{number}", extra_tags=tags)
    if pane.view_of(request) is not None:
        steps = Steps.of(item)
        done = f"{DONE[action.kind]} #{number}"
        return pane.go_on(request, number, done, steps.after or steps.before)
    return HttpResponseRedirect(_next(request, item), status=303)


class Attempt:
    """One posted decision: read, checked for shape, and shown again if need be."""

    def __init__(self, request: HttpRequest, item: ReviewItem) -> None:
        self.request = request
        self.item = item
        self.form = review_form(item)
        self.notices: list[str] = []
        self.cards: list[batch_form.CardForm] = []
        self.reading = self.form.read(request.POST, request.FILES)
        self.draft = _draft(request.POST, self.form, self.reading)

    def place(self) -> ResumeRun:
        """The decision without its content: may it be made here and now?"""
        return ResumeRun(
            self.request.user,
            self.item.number,
            self.draft.kind,
            version=self._number("version"),
            round=self._number("round"),
        )

    def action(self) -> ResumeRun | None:
        """The decision as the service takes it; None when something has to be mended."""
        kind = self.draft.kind
        value: Any = None
        if kind not in DONE:
            self.notices.append("Choose a decision.")
        elif self.item.shape == "batch":
            kind, value = self._batch(kind)
        elif kind in {"approve", "edit"}:
            kind, value = self._approval(kind)
        elif kind == "respond":
            value = self.draft.response
            if not value.strip():
                self.notices.append("Write your answer before you send it.")
        self._check_text()
        if self.notices or (self.reading and kind == "edit" and self.reading.errors):
            return None
        return replace(
            self.place(),
            kind=kind,
            value=value,
            reason=self.draft.reason,
            checkpoint=self.request.POST.get("checkpoint", "")[:36],
            idempotency_key=self.request.POST.get("key", "")[:200] or None,
        )

    def refuse(self, refusal: InvalidAnswer) -> None:
        """Put the service's errors at their fields; the rest goes to the top."""
        if self.reading is None:
            self.notices.extend(refusal.errors.values())
        else:
            self.notices.extend(attach(self.reading.root, refusal.errors))

    def page(self, status: int = 200, conflict: Conflict | None = None) -> HttpResponse:
        context = _context(
            self.request,
            self.item,
            self.form,
            reading=self.reading,
            draft=self.draft,
            notices=self.notices,
            cards=self.cards,
            conflict=conflict,
        )
        return pane.answer(self.request, context, status)

    def _approval(self, kind: str) -> tuple[str, Any]:
        reading = self.reading
        if reading is None:
            return "approve", None
        if reading.errors:
            if kind == "edit" or self.form.is_first:
                return "edit", None
            self.notices.append("Mend or undo your edit before you approve.")
            return kind, None
        if not self.draft.rows and not (self.form.is_first and not self.item.proposed):
            return "approve", None
        if kind == "approve" and not self.form.is_first:
            self.draft = replace(self.draft, is_open=True)
            self.notices.append(
                "You changed the proposal. Press “Approve with changes” to send your "
                "version, or undo the changes to approve it as it stands."
            )
        return "edit", restore(reading.value, self.item.proposed)

    def _batch(self, kind: str) -> tuple[str, Any]:
        reading = batch_form.read(self.item, self.request.POST, self.request.FILES)
        self.cards = reading.cards
        if not reading.is_complete:
            self.notices.append("Each call needs a decision.")
        wanted = kind if kind in self.item.kinds else self.item.kinds[0]
        return wanted, reading.value

    def _check_text(self) -> None:
        for text in (self.draft.reason, self.draft.response):
            fault = strict_json.text_fault(text)
            if fault:
                self.notices.append(f"Your text {fault}. Remove it.")

    def _number(self, name: str) -> int:
        text = self.request.POST.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise InvalidAnswer(
                {"": f"The page was sent without its {name}: load it anew."}
            )
        return int(text)


def posted_again(fields: dict[str, list[str]]) -> QueryDict:
    """What a draft holds, as it was posted."""
    typed = QueryDict(mutable=True)
    for name, texts in fields.items():
        typed.setlist(name, texts)
    return typed


def _draft(post: QueryDict, form: ReviewForm, reading: Any) -> Draft:
    """What the reviewer has done so far."""
    kind = post.get("kind", "")
    rows = form.changes(reading) if reading else []
    readable = reading is None or not reading.errors
    response = post.get("response", "")
    return Draft(
        kind=kind,
        reason=post.get("reject_reason", "") if kind in {"", "reject"} else "",
        response=response if kind in {"", "respond"} else "",
        rows=rows,
        is_readable=readable,
        is_open=bool(rows) or not readable or is_list_button(post),
    )


def _context(
    request: HttpRequest,
    item: ReviewItem,
    form: ReviewForm,
    *,
    reading: Any = None,
    draft: Draft | None = None,
    notices: list[str] | None = None,
    cards: list[batch_form.CardForm] | None = None,
    conflict: Conflict | None = None,
) -> dict[str, Any]:
    source = request.POST if request.method == "POST" else request.GET
    return page_context(item, form) | {
        "section": "queue",
        "asked": asked(item),
        "root": reading.root if reading else form.draw(),
        "faulty": reading.faulty if reading else [],
        "draft": draft or Draft(),
        "notices": notices or [],
        "cards": cards or (batch_form.draw(item) if item.shape == "batch" else []),
        "conflict": conflict,
        "steps": Steps.of(item),
        "filter": source.get("workflow", ""),
        "key": request.POST.get("key", "") or str(uuid.uuid4()),
        "has_shown": form.shown is not MISSING,
    }


def _next(request: HttpRequest, item: ReviewItem) -> str:
    """Where to go after a decision: this thread's next question, else the queue's."""
    graph = request.POST.get("workflow", "")
    query = f"?{urlencode({'workflow': graph})}" if graph else ""
    steps = Steps.of(item)
    number = steps.after or steps.before
    if not number:
        waiting = pending(request.user, graph=graph or None, limit=10)
        mine = [
            each for each in waiting if each.may_decide and each.number != item.number
        ]
        number = mine[0].number if mine else 0
    if not number:
        return reverse("queue") + query
    return reverse("review", args=[number]) + query
