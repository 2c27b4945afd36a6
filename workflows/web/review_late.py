"""The answer to a decision that comes too late: who decided what, beside all that was typed.

A page of its own. What stands beside a question (its state, its history, what people said) is
a link away: a hundred people may be late for one question, and each of them waits for all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse

from workflows.services.desk.drafts import keep_refused
from workflows.services.review_item import Look
from workflows.web import batch_form, pane
from workflows.web.desk import typed_fields
from workflows.web.form_fields import Field
from workflows.web.form_reading import ADD, MOVE, REMOVE
from workflows.web.frame import BriefFrame
from workflows.web.review_attempt import Attempt
from workflows.web.review_form import asked
from workflows.web.review_page import BOXES, Conflict, Steps

# What a form sends that nobody has typed.
_BUTTONS = frozenset(
    {"kind", "hold", "workflow", "unedited", "back", ADD, REMOVE, MOVE}
)


@dataclass(frozen=True)
class Typed:
    """Something that a person has typed, with the words that it stood under."""

    label: str
    text: str


def answer_late(request: HttpRequest, look: Look) -> HttpResponse:
    """Tell the person that the question of `look` is closed, and give back what they typed.

    Raises NotAllowed for whoever may not decide it; what they typed is kept all the same.
    """
    kept = keep_refused(look.decider, look.row, typed_fields(request.POST))
    conflict = Conflict.of(look.why_closed())
    item = look.late()
    attempt = Attempt(request, item)
    fields = _fields(attempt)
    context = {
        "section": "queue",
        "frame": BriefFrame(request),
        "item": item,
        "asked": asked(item),
        "steps": Steps(),
        "filter": request.POST.get("workflow", ""),
        "conflict": conflict,
        "decision": item.decision,
        "draft": attempt.draft,
        "words": list(_words(request)),
        "fields": fields,
        "files": [str(each) for each in request.FILES.values()],
        "kept": kept,
    }
    return pane.answer(request, context, 409, name="late")


def _words(request: HttpRequest) -> Iterator[Typed]:
    """What stands in the boxes of the decisions, the sent one's first."""
    sent = request.POST.get("kind", "")
    for box in sorted(BOXES, key=lambda box: box.kind != sent):
        text = request.POST.get(box.name, "")
        if text.strip():
            yield Typed(box.asks, text)


def _fields(attempt: Attempt) -> list[Typed]:
    """What stands in the fields of the form, apart from what was proposed as it is."""
    request = attempt.request
    names = dict(_named(attempt))
    boxes = {box.name for box in BOXES}
    found = []
    for name, texts in typed_fields(request.POST).items():
        # Of the names of a form, a last step with a tilde is the form's own.
        if name in _BUTTONS or name in boxes or name.rpartition("/")[2][:1] == "~":
            continue
        label, control = names.get(name, (name, None))
        for text in texts:
            if text.strip() and not _is_as_proposed(control):
                found.append(Typed(label, _in_words(control, text)))
    return found


def _named(attempt: Attempt) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Names of posted fields, each with what it is called on the page and its control."""
    if attempt.reading is not None:
        yield from _below(attempt.reading.root, ())
    if not attempt.item.has_cards:
        return
    posted = attempt.request
    cards = batch_form.read(attempt.item, posted.POST, posted.FILES).cards
    for at, card in enumerate(cards, 1):
        name = f"{at}. {card.name}"
        yield f"{card.prefix}_kind", (f"{name}: decision", card.choices)
        for choice in card.choices:
            yield f"{card.prefix}_{choice.kind}", (f"{name}: {choice.asks}", None)
        yield from _below(replace(card.field, label=name), ())


def _below(
    root: Field, above: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, Any]]]:
    path = (*above, root.label) if root.label else above
    yield root.name, (": ".join(path) or "Your answer", root)
    for child in (*root.children, *(branch.body for branch in root.branches)):
        yield from _below(child, path)


def _is_as_proposed(control: Any) -> bool:
    return (
        isinstance(control, Field)
        # A box that is not ticked is not sent at all.
        and (control.kind != "boolean" or bool(control.choices))
        and control.origin is not None
        and not control.is_changed
        and not control.errors
    )


def _in_words(control: Any, text: str) -> str:
    """A choice as the page calls it; what was typed as it is."""
    if isinstance(control, list):
        return next((each.label for each in control if each.kind == text), text)
    if not isinstance(control, Field):
        return text
    if control.kind == "boolean" and not control.choices:
        return "yes"
    names = {each.value: each.label for each in control.choices}
    names |= {each.value: each.label for each in control.branches}
    return names.get(text, text)
