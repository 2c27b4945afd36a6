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
from workflows.services.schema_words import follow
from workflows.services.shapes import PLAIN, PROPOSAL_KEYS, SCHEMA
from workflows.web.form_fields import Field
from workflows.web.form_reading import ADD, MOVE, REMOVE, Posted
from workflows.web.forms import Form, Reading
from workflows.web.schema import MISSING, Document, Schema, infer
from workflows.web.value_diff import DiffRow, diff

FRAMING = ("title", "question", "prompt", "hint")
# Fields that the boxes of the bar fill in; others of that use stay in the form.
BOX_FIELDS = ("reason", "comment", "response", "reply")


@dataclass(frozen=True)
class Asked:
    """The question in words: what the title does not say already, and a hint."""

    title: str = "Question"
    text: str = ""
    hint: str = ""


@dataclass
class Draft:
    """What a person has filled in so far, as the page shows it again.

    `words` are those in the box of each decision that has one, `faults` what is wrong there.
    """

    kind: str = ""
    words: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    rows: list[DiffRow] = field(default_factory=list)
    is_readable: bool = True
    is_open: bool = False
    is_held: bool = False
    kept_at: datetime | None = None
    is_outdated: bool = False

    @property
    def is_something(self) -> bool:
        """Whether it holds words, a change, or what cannot be read."""
        says = any(text.strip() for text in self.words.values())
        return says or bool(self.rows) or self.is_held or not self.is_readable

    @property
    def said(self) -> str:
        """The words that go with the decision that was chosen."""
        return self.words.get(self.kind, "")


@dataclass(frozen=True)
class ReviewForm:
    """What can be edited of one question. `form` is None where nothing can."""

    form: Form | None
    proposed: Any = MISSING
    shown: Any = MISSING
    is_first: bool = False

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
    if item.has_cards:
        return ReviewForm(None)
    if item.shape == PLAIN:
        return _plain_form(item)
    form = None if item.is_cut or item.proposed is None else Form(infer(item.proposed))
    return ReviewForm(form, item.proposed, item.proposed)


def is_list_button(data: Posted) -> bool:
    """Whether a button that adds, removes or moves an entry was pressed."""
    return any(data.get(name, "") for name in (ADD, REMOVE, MOVE))


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
        known = with_known_call(schema, item.payload)
        return ReviewForm(Form(known), proposed, _rest(item, ()), True)
    hidden = _filled_by_the_bar(item, top.required)
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
    return ReviewForm(form, value, rest, True)


def _filled_by_the_bar(item: ReviewItem, required: frozenset[str]) -> set[str]:
    """The fields that the buttons and the boxes beside them fill in."""
    saying = item.saying
    if not saying.field:
        return set()
    hidden = {saying.field}
    if "reject" in saying.words or "changes" in saying.words:
        hidden.add(saying.reason)
    if "respond" in saying.words:
        hidden.add(saying.reply)
    return {
        name
        for name in hidden
        if name == saying.field or (name in BOX_FIELDS and name not in required)
    }


def with_known_call(schema: Schema, payload: Any) -> Schema:
    """The schema of a decision on one tool call, with its edit begun by the call as it stands.

    The payload names the call (`name`, `args`); the branch that takes an `edited_action` then
    shows those arguments instead of empty fields.
    """
    if not isinstance(payload, Mapping) or not isinstance(payload.get("args"), Mapping):
        return schema
    call = {"name": payload.get("name", ""), "args": payload["args"]}
    branches = []
    for name in ("oneOf", "anyOf"):
        for option in schema.get(name) or ():
            branch = follow(option, schema)
            parts = branch.get("properties")
            if isinstance(parts, Mapping) and "edited_action" in parts:
                edited = {**follow(parts["edited_action"], schema), "default": call}
                branch["properties"] = {**parts, "edited_action": edited}
                option = branch
            branches.append(option)
        if branches:
            return {**schema, name: branches}
    return schema


def _rest(item: ReviewItem, covered: tuple[str, ...]) -> Any:
    """What the question says besides its words and the fields of the form."""
    if not isinstance(item.payload, Mapping):
        return MISSING
    left = {
        key: part
        for key, part in item.payload.items()
        if key not in FRAMING
        and key not in covered
        and part != item.question
        and not (key in PROPOSAL_KEYS and _is_covered(part, covered))
    }
    return left if left else MISSING


def _is_covered(part: Any, covered: tuple[str, ...]) -> bool:
    """Whether the form shows all of a proposal, so that it need not be shown twice."""
    return isinstance(part, Mapping) and part.keys() <= set(covered)
