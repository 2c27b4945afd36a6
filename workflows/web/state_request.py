"""One request for the editor of a thread's state: the state as it is, and what was typed."""

import secrets
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from workflows.models import Vote
from workflows.services import strict_json
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    NotPending,
    Refused,
    StaleCheckpoint,
    ThreadBusy,
)
from workflows.services.desk.undo_offer import undo_tags
from workflows.services.edit_state import EditState
from workflows.services.preview_edit import Effect, PreviewEdit
from workflows.services.records import ReviewItem
from workflows.services.review_item import review_item
from workflows.services.save_and_resume import SaveAndResume
from workflows.services.state_to_edit import StateToEdit, state_to_edit, step_of
from workflows.web import batch_form
from workflows.web.form_reading import ADD, REMOVE
from workflows.web.forms import attach
from workflows.web.middleware import POLICY
from workflows.web.review_attempt import DONE, Attempt
from workflows.web.review_form import asked
from workflows.web.state_form import JSON, StateForm, Typed
from workflows.web.value_diff import DiffRow

LOAD = "_load"


@dataclass
class Moved:
    """The state has moved on: what others changed, beside what this person typed."""

    text: str
    based_on: int | None = None
    newest: int | None = None
    theirs: list[DiffRow] = field(default_factory=list)
    mine: list[DiffRow] = field(default_factory=list)
    clashes: list[str] = field(default_factory=list)


class Editor:
    """One request for the editor: the state as it is, and what was typed."""

    def __init__(self, request: HttpRequest, thread_id: str, question: int) -> None:
        self.request = request
        post = request.POST
        asked_for = {*post.getlist("whole"), post.get(LOAD, "")} - {""}
        self.whole = frozenset(sorted(asked_for)[:20])
        self.state: StateToEdit = state_to_edit(
            request.user, thread_id, question, self.whole
        )
        self.question = question
        self.item: ReviewItem | None = None
        self.attempt: Attempt | None = None
        if self.state.question:
            self.item = review_item(request.user, question)
            self.attempt = Attempt(request, self.item)
        self.form = StateForm(self.state)
        self.typed: Typed = (
            self.form.read(post) if request.method == "POST" else self.form.draw()
        )
        self.reason = post.get("reason", "")
        self.reason_error = ""
        self.notices: list[str] = []
        self.moved: Moved | None = None
        self.effect: Effect | None = None

    @property
    def checkpoint(self) -> str:
        """The checkpoint that the person was shown."""
        return str(self.request.POST.get("checkpoint", ""))[:36]

    @property
    def is_list_button(self) -> bool:
        """Whether a button was pressed that only changes the form."""
        return any(self.request.POST.get(name) for name in (ADD, REMOVE, LOAD))

    def save(self) -> HttpResponse:
        """Do what the pressed button says."""
        kind = self.request.POST.get("kind", "")
        try:
            if self.checkpoint != self.state.checkpoint:
                raise StaleCheckpoint(
                    "The state has moved on since this page was opened."
                )
            values, updates = self._edit()
            if kind and self.attempt is not None:
                return self._resume(values, updates)
            self._alone(values, updates).execute()
        except InvalidAnswer as refusal:
            self._refuse(refusal)
            if refusal.errors.keys() <= {"reason"}:
                self.preview()
            return self.page(400)
        except NotAllowed as refusal:
            self.notices.append(str(refusal))
            return self.page(403)
        except (StaleCheckpoint, ThreadBusy, NotPending) as refusal:
            return self.late(refusal)
        again = self.state.questions
        text = "The state was edited."
        if again:
            numbers = ", ".join(f"#{each.number}" for each in again)
            text += f" Question {numbers} is asked again."
        messages.success(self.request, text)
        return HttpResponseRedirect(self.back, status=303)

    def late(self, refusal: Refused, status: int = 409) -> HttpResponse:
        """The page as the world is now, with all that was typed laid over it."""
        before = self.typed
        fresh = Editor(self.request, self.state.thread.id, self.question)
        values, clashes = fresh.form.merged(before)
        fresh.moved = Moved(
            str(refusal),
            self._based_on if self.checkpoint != fresh.state.checkpoint else None,
            fresh.state.step,
            fresh.form.moved(before),
            before.rows(),
            clashes,
        )
        if before.is_readable:
            kept = fresh.form.show(
                replace(before, base=dict(fresh.form.shown), values=values),
                before.mode,
            )
            fresh.typed = kept
        fresh.preview()
        return fresh.page(status)

    def review(self) -> HttpResponse:
        """What others have changed since the form was drawn, beside what was typed."""
        if self.checkpoint == self.state.checkpoint:
            self.preview()
            return self.page()
        text = "Read what has changed, then save again."
        return self.late(StaleCheckpoint(text), status=200)

    def switch(self, mode: str) -> HttpResponse:
        """The same words as a form or as JSON; what cannot be read stays as it is."""
        if not self.typed.is_readable:
            self.notices.append("Mend what cannot be read before you change the view.")
            return self.page(400)
        self.form.show(self.typed, mode)
        self.preview()
        return self.page()

    def preview(self) -> None:
        """Ask what the edit would do, where it can be read and does something."""
        typed = self.typed
        edited = typed.changed or typed.update_trees
        if not typed.is_readable or not edited or self.state.problem:
            return
        try:
            self.effect = PreviewEdit(
                self.request.user,
                self.state.thread.id,
                self.form.restored(typed.changed),
                typed.update_trees,
                self.state.question,
            ).execute()
        except InvalidAnswer as refusal:
            self._refuse(refusal)
            return
        except (NotAllowed, NotPending) as refusal:
            self.notices.append(str(refusal))
            return
        self._attach(dict(self.effect.faults))

    def page(self, status: int = 200) -> HttpResponse:
        """The whole page."""
        nonce = secrets.token_urlsafe(16) if self.typed.mode == JSON else ""
        context = self.context() | {"style_nonce": nonce}
        page = render(
            self.request, "workflows/state/editor.html", context, status=status
        )
        if nonce:
            # The JSON editor makes its own style elements; only those with this word count.
            page.headers["Content-Security-Policy"] = POLICY.replace(
                "style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"
            )
        return page

    def fragment(self) -> HttpResponse:
        """What would change and what would follow."""
        context = self.context() | {"is_fragment": True}
        return render(self.request, "workflows/state/_preview.html", context)

    def context(self) -> dict[str, Any]:
        """What the templates show."""
        base = self.typed.base if self._is_based_on_the_past else self.form.shown
        return {
            "section": "queue" if self.question else "threads",
            "state": self.state,
            "thread": self.state.thread,
            "typed": self.typed,
            "has_fields": bool(self.form.channels),
            "on": list(self.form.by_name),
            "rows": self.typed.rows() if self.typed.is_readable else [],
            "base": strict_json.dump(base),
            "checkpoint": self.checkpoint
            if self._is_based_on_the_past
            else self.state.checkpoint,
            "is_behind": self._is_based_on_the_past,
            "based_on": self._based_on if self._is_based_on_the_past else None,
            "reason": self.reason,
            "reason_error": self.reason_error,
            "notices": [*self.typed.faults, *self.notices],
            "faulty": [*self._faulty_boxes(), *self._faulty_answers()],
            "moved": self.moved,
            "effect": self.effect,
            "whole": sorted(self.whole),
            "cut": [each for each in self.state.editable if each.is_cut],
            "masked": [each for each in self.state.channels if each.is_masked],
            "back": self.back,
            "here": self.here,
            "preview_at": self.here + "/preview",
            **self._answer_context(),
        }

    @property
    def _is_based_on_the_past(self) -> bool:
        """Whether the form still stands on an older checkpoint than the newest."""
        if self.request.method != "POST" or self.checkpoint == self.state.checkpoint:
            return False
        return self.moved is None or not self.typed.is_readable

    @property
    def _based_on(self) -> int | None:
        """The step whose checkpoint the person was shown."""
        return step_of(self.request.user, self.state.thread.id, self.checkpoint)

    @property
    def back(self) -> str:
        """The page from which one comes."""
        if self.question:
            return reverse("workflows:review", args=[self.question])
        return reverse("workflows:thread", args=[self.state.thread.id])

    @property
    def here(self) -> str:
        """This page."""
        if self.question:
            return reverse("workflows:question_state", args=[self.question])
        return reverse("workflows:thread_state", args=[self.state.thread.id])

    def _edit(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The channels that were changed, and the updates; raises where it cannot be read."""
        fault = strict_json.text_fault(self.reason)
        if fault:
            raise InvalidAnswer({"reason": f"The reason {fault}."})
        if not self.typed.is_readable:
            raise InvalidAnswer({})
        changed = self.typed.changed
        if not changed and not self.typed.update_trees:
            raise InvalidAnswer({"": "Nothing was changed."})
        return self.form.restored(changed), self.typed.update_trees

    def _alone(self, values: dict[str, Any], updates: dict[str, Any]) -> EditState:
        return EditState(
            self.request.user,
            self.state.thread.id,
            values,
            self.checkpoint,
            self.reason,
            updates,
            self.question,
        )

    def _resume(self, values: dict[str, Any], updates: dict[str, Any]) -> HttpResponse:
        attempt, item = self.attempt, self.item
        assert attempt is not None  # noqa: S101 - asked by the caller
        assert item is not None  # noqa: S101
        decision = attempt.action()
        if decision is None:
            self.notices += attempt.notices
            return self.page(400)
        made = SaveAndResume(
            replace(decision, reason=self.reason), values, updates
        ).execute()
        if not isinstance(made, Vote):
            tags = undo_tags(made.pk, made.start_at)
            text = f"State edited. {DONE[decision.kind]} #{item.number}"
            messages.success(self.request, text, extra_tags=tags)
        return HttpResponseRedirect(self.back, status=303)

    def _refuse(self, refusal: InvalidAnswer) -> None:
        errors = dict(refusal.errors)
        self.reason_error = errors.pop("reason", "")
        self._attach(errors)

    def _attach(self, errors: dict[str, str]) -> None:
        """Put what is wrong at its field, or at its update; the rest goes to the top."""
        for update in self.typed.updates:
            if update.channel in self.typed.update_trees and update.channel in errors:
                update.error = errors.pop(update.channel)
        root = self.typed.root
        if root is not None and self.typed.mode != JSON:
            self.notices += attach(root, errors)
        else:
            self.notices += [f"{k}: {v}" if k else v for k, v in errors.items()]

    def _faulty_boxes(self) -> list[Any]:
        """What the list at the top of the page names of the edit."""
        boxes = [
            ("state-values", "Fields as JSON", self.typed.text_error),
            *((each.id, each.channel, each.error) for each in self.typed.updates),
            ("state-reason", "Why do you edit it?", self.reason_error),
        ]
        faults = [batch_form.CardFault(*box) for box in boxes if box[2]]
        return [*self.typed.faulty, *faults]

    def _faulty_answers(self) -> list[Any]:
        attempt = self.attempt
        if attempt is None or not self.request.POST.get("kind"):
            return []
        return attempt.faults

    def _answer_context(self) -> dict[str, Any]:
        item, attempt = self.item, self.attempt
        if item is None or attempt is None:
            return {"item": None, "can_resume": False}
        form = attempt.form
        kinds = set(item.kinds)
        has_form = form.form is not None and ("edit" in kinds or form.is_first)
        reading = attempt.reading if self.request.method == "POST" else None
        return {
            "item": item,
            "can_resume": item.may_decide and not self.state.apart,
            "asked": asked(item),
            "cards": attempt.cards or (batch_form.draw(item) if item.has_cards else []),
            "answer_root": (reading.root if reading else form.draw())
            if has_form
            else None,
            "is_form_first": form.is_first,
            "resume_kind": "edit" if has_form and "edit" in kinds else "approve",
            "can_approve": bool(kinds & {"approve", "edit"}) or item.has_cards,
            "can_respond": "respond" in kinds and not item.has_cards,
            "response": self.request.POST.get("response", ""),
            "takes_files": form.form is not None and form.form.takes_files,
            "key": self.request.POST.get("key", "") or str(uuid.uuid4()),
        }
