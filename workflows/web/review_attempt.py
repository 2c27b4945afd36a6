"""One posted decision: read from the form, and shown again where something is in its way."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, QueryDict

from workflows.services import strict_json
from workflows.services.action import InvalidAnswer
from workflows.services.records import ReviewItem
from workflows.services.resume_run import ResumeRun
from workflows.services.tagged import restore
from workflows.web import batch_form
from workflows.web.forms import attach
from workflows.web.review_form import Draft, ReviewForm, is_list_button, review_form
from workflows.web.review_page import BOXES, Box

DONE = {
    "approve": "Approved",
    "edit": "Approved with changes:",
    "reject": "Rejected",
    "respond": "Answered",
    "changes": "Sent back",
    "close": "Closed without an answer:",
}
_EMPTY = {
    "respond": "Write your answer before you send it.",
    "changes": "Say what should change before you send it back.",
}


class Attempt:
    """One posted decision: read, checked for shape, and shown again if need be."""

    def __init__(self, request: HttpRequest, item: ReviewItem) -> None:
        self.request = request
        self.item = item
        self.form = review_form(item)
        self.notices: list[str] = []
        self.cards: list[batch_form.CardForm] = []
        self.faulty: list[Any] = []
        # A card on another page has no form for the proposal: it is taken as it stands.
        self.reading = None
        if "unedited" not in request.POST:
            self.reading = self.form.read(request.POST, request.FILES)
        self.draft = draft_from(request.POST, self.form, self.reading)

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
        words = self.draft.words.get(kind, "")
        if kind not in DONE:
            self.notices.append("Choose a decision.")
        elif self.item.has_cards and kind != "close":
            kind, value = self._cards(kind)
        elif kind in {"approve", "edit"}:
            kind, value = self._approval(kind)
        else:
            value = words if kind == "respond" else self._form_as_it_stands()
        self._check_words()
        if (
            self.notices
            or self.faulty
            or self.draft.faults
            or self._has_faulty_edit(kind)
        ):
            return None
        return replace(
            self.place(),
            kind=kind,
            value=value,
            reason="" if kind == "respond" else words,
            checkpoint=self.request.POST.get("checkpoint", "")[:36],
            idempotency_key=self.request.POST.get("key", "")[:200] or None,
            hold="hold" in self.request.POST,
        )

    def refuse(self, refusal: InvalidAnswer) -> None:
        """Put the service's errors at their fields; the rest goes to the top."""
        if self.reading is None:
            self.notices.extend(refusal.errors.values())
        else:
            self.notices.extend(attach(self.reading.root, refusal.errors))

    @property
    def faults(self) -> list[Any]:
        """What the list at the top of the page names, in the order of the page."""
        boxes = [
            batch_form.CardFault(
                f"{box.kind}-text", box.asks, self.draft.faults[box.kind]
            )
            for box in BOXES
            if box.kind in self.draft.faults
        ]
        fields = self.reading.faulty if self.reading and self._sends_form else []
        return [*fields, *self.faulty, *boxes]

    @property
    def _sends_form(self) -> bool:
        """Whether what stands in the form is part of this decision."""
        return self.form.is_first or self.draft.kind in {"approve", "edit"}

    def _approval(self, kind: str) -> tuple[str, Any]:
        reading = self.reading
        if reading is None or "edit" not in self.item.kinds:
            return kind, None
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

    def _form_as_it_stands(self) -> Any:
        """What a form that is the answer holds, where the answer is a no."""
        reading = self.reading
        if reading is None or not self.form.is_first or reading.errors:
            return None
        return restore(reading.value, self.item.proposed)

    def _cards(self, kind: str) -> tuple[str, Any]:
        reading = batch_form.read(self.item, self.request.POST, self.request.FILES)
        self.cards = reading.cards
        self.faulty = reading.faulty
        wanted = kind if kind in self.item.kinds else self.item.kinds[0]
        return wanted, reading.value

    def _check_words(self) -> None:
        """Each box: words that can be stored, and some where some are needed."""
        for box in BOXES:
            text = self.draft.words.get(box.kind, "")
            fault = strict_json.text_fault(text)
            if fault:
                self.draft.faults[box.kind] = f"Your text {fault}. Remove it."
            elif self._is_left_empty(box, text):
                self.draft.faults[box.kind] = _EMPTY[box.kind]

    def _is_left_empty(self, box: Box, text: str) -> bool:
        is_sent = box.kind == self.draft.kind and not self.item.has_cards
        return box.is_needed and is_sent and not text.strip()

    def _has_faulty_edit(self, kind: str) -> bool:
        return kind == "edit" and self.reading is not None and bool(self.reading.errors)

    def _number(self, name: str) -> int:
        text = self.request.POST.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise InvalidAnswer(
                {"": f"The page was sent without its {name}: load it anew."}
            )
        return int(text)


def draft_from(post: QueryDict, form: ReviewForm, reading: Any) -> Draft:
    """What the reviewer has done so far.

    A decision that was sent keeps the words of its own box; a draft those of all.
    """
    kind = post.get("kind", "")
    rows = form.changes(reading) if reading else []
    readable = reading is None or not reading.errors
    return Draft(
        kind=kind,
        words={
            box.kind: post.get(box.name, "") for box in BOXES if kind in {"", box.kind}
        },
        is_held="hold" in post,
        rows=rows,
        is_readable=readable,
        is_open=bool(rows) or not readable or is_list_button(post),
    )
