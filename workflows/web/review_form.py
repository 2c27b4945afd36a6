"""The form of one question: which part may be edited, drawn from which schema.

With a response schema the form is the answer; its fields that the buttons and the reason
box fill in (`approved`, `decision`, `reason`) are left out. Otherwise the form edits the
proposal, described by the proposal itself. The words of the question are never edited.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflows.services.records import ReviewItem
from workflows.services.shapes import BATCH, PLAIN, SCHEMA
from workflows.web.form_fields import Field
from workflows.web.form_reading import ADD, REMOVE, Posted
from workflows.web.forms import Form, Reading
from workflows.web.schema import MISSING, Document, Schema, infer
from workflows.web.value_diff import DiffRow, diff

FRAMING = ("title", "question", "prompt", "hint")
BUTTON_FIELDS = ("decision", "action", "verdict")
FLAG_FIELDS = ("approved", "approve", "accepted")
REASON_FIELDS = ("reason", "comment")
NO_WORDS = {"reject", "rejected", "decline", "declined", "deny", "denied", "no"}
ANSWER_WORDS = {"respond", "response", "reply"}


@dataclass(frozen=True)
class Asked:
    """The question in words: what the title does not say already, and a hint."""

    title: str = "Question"
    text: str = ""
    hint: str = ""


@dataclass
class Draft:
    """What a person has filled in so far, as the page shows it again."""

    kind: str = ""
    reason: str = ""
    response: str = ""
    rows: list[DiffRow] = field(default_factory=list)
    is_readable: bool = True
    is_open: bool = False
    kept_at: datetime | None = None
    is_outdated: bool = False


@dataclass(frozen=True)
class ReviewForm:
    """What can be edited of one question. `form` is None where nothing can."""

    form: Form | None
    proposed: Any = MISSING
    shown: Any = MISSING
    is_first: bool = False
    can_reject: bool = True
    can_respond: bool = True

    def draw(self) -> Field | None:
        return self.form.draw(self.proposed, self.proposed) if self.form else None

    def read(self, data: Posted, files: Mapping[str, Any]) -> Reading | None:
        """Read what was posted; None where the page had no form."""
        if self.form is None:
            return None
        return self.form.read(data, files, self.proposed)

    def changes(self, reading: Reading) -> list[DiffRow]:
        """What the form says otherwise than the proposal."""
        if reading.errors or reading.value is MISSING:
            return []
        before = (
            {} if self.proposed is MISSING or self.proposed is None else self.proposed
        )
        return diff(before, reading.value)


def asked(item: ReviewItem) -> Asked:
    """The words of the question apart from its title."""
    title = item.title.strip() or item.question.strip() or "Question"
    text = item.question if item.question.strip() != title else ""
    hint = item.payload.get("hint") if isinstance(item.payload, Mapping) else ""
    return Asked(title, text, hint if isinstance(hint, str) else "")


def review_form(item: ReviewItem) -> ReviewForm:
    """Make the form of a question."""
    if item.shape == SCHEMA:
        return _schema_form(item)
    if item.shape == BATCH:
        return ReviewForm(None)
    if item.shape == PLAIN:
        return _plain_form(item)
    form = None if item.is_cut or item.proposed is None else Form(infer(item.proposed))
    return ReviewForm(form, item.proposed, item.proposed)


def is_list_button(data: Posted) -> bool:
    """Whether a button that adds or removes an entry was pressed."""
    return bool(data.get(ADD, "")) or bool(data.get(REMOVE, ""))


def _plain_form(item: ReviewItem) -> ReviewForm:
    value = item.proposed
    if not isinstance(value, Mapping) or "$t" in value:
        shown = MISSING if value == item.question else value
        if item.is_cut or shown is MISSING:
            return ReviewForm(None, value, shown)
        return ReviewForm(Form(infer(value)), value, shown)
    shown = {
        key: part
        for key, part in value.items()
        if key not in FRAMING and part != item.question
    }
    form = None if item.is_cut or not shown else Form(infer(shown))
    return ReviewForm(form, value, shown if shown else MISSING)


def _schema_form(item: ReviewItem) -> ReviewForm:
    schema: Schema = item.schema or {}
    document = Document(schema)
    top = document.shape(schema)
    proposed = item.proposed if item.proposed not in (None, {}) else MISSING
    if top.kind != "object":
        return ReviewForm(Form(schema), proposed, _rest(item, ()), True, False, False)
    hidden = []
    says_no = answers = False
    for name, part in top.properties.items():
        shape = document.shape(part)
        words = {choice for choice in shape.choices if isinstance(choice, str)}
        if name in BUTTON_FIELDS and words & NO_WORDS:
            says_no = True
            answers = bool(words & ANSWER_WORDS)
            hidden.append(name)
        elif name in FLAG_FIELDS and shape.kind == "boolean":
            says_no = True
            hidden.append(name)
    for name in REASON_FIELDS:
        if says_no and name in top.properties and name not in top.required:
            hidden.append(name)
            break
    fields = {k: v for k, v in top.properties.items() if k not in hidden}
    root = {
        **{
            k: v for k, v in schema.items() if k not in {"$ref", "title", "description"}
        },
        "type": "object",
        "properties": fields,
        "required": [name for name in top.required if name not in hidden],
    }
    form = Form(root) if fields and not item.is_cut else None
    known = {} if proposed is MISSING else proposed
    value = {key: part for key, part in known.items() if key not in hidden}
    rest = _rest(item, tuple(top.properties))
    return ReviewForm(form, value, rest, True, says_no, answers)


def _rest(item: ReviewItem, covered: tuple[str, ...]) -> Any:
    """What the question says besides its words and the fields of the form."""
    if not isinstance(item.payload, Mapping):
        return MISSING
    left = {
        key: part
        for key, part in item.payload.items()
        if key not in FRAMING and key not in covered and part != item.question
    }
    return left if left else MISSING
