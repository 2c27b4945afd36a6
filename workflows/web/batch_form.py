"""A question about several proposed calls: one decision for each, sent together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.services import strict_json
from workflows.services.records import ReviewItem
from workflows.web.form_fields import Field, walk
from workflows.web.form_reading import Posted
from workflows.web.forms import Form
from workflows.web.schema import infer

WORDS = {
    "approve": "Approve",
    "edit": "Approve with changes",
    "reject": "Reject",
    "respond": "Answer in words",
    "changes": "Send back: changes needed",
    "close": "Ignore",
}
# What a decision with words asks for, and what is said where there are none.
ASKS = {
    "reject": ("Reason", ""),
    "respond": ("Answer", "Write an answer."),
    "changes": ("What should change?", "Say what should change."),
}


@dataclass
class CardChoice:
    """One decision that a card takes."""

    kind: str
    label: str
    chosen: bool = False
    text: str = ""

    @property
    def asks(self) -> str:
        """The label of its box for words; empty where it takes none."""
        return ASKS.get(self.kind, ("",))[0]


@dataclass(frozen=True)
class CardFault:
    """What is wrong with a card, as the list at the top of the page names it."""

    id: str
    label: str
    error_text: str


@dataclass
class CardForm:
    """One proposed call with what was filled in about it."""

    prefix: str
    name: str
    args: Any
    description: str
    choices: list[CardChoice]
    field: Field
    error: str = ""


@dataclass
class BatchReading:
    """What was posted about all cards; `value` is what the service takes."""

    cards: list[CardForm]
    value: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return all(not card.error for card in self.cards)

    @property
    def faulty(self) -> list[CardFault | Field]:
        """The cards and the fields in them that need another look, in order."""
        found: list[CardFault | Field] = []
        for at, card in enumerate(self.cards, 1):
            if card.error:
                label = f"{at}. {card.name}"
                found.append(CardFault(f"{card.prefix}-decision", label, card.error))
            if any(c.chosen and c.kind == "edit" for c in card.choices):
                found += [part for part in walk(card.field) if part.errors]
        return found


def draw(item: ReviewItem) -> list[CardForm]:
    """The cards as they are first shown: each asks to be approved, nothing is chosen."""
    return [
        CardForm(
            f"c{at}",
            card.name,
            card.args,
            card.description,
            [CardChoice(kind, WORDS[kind]) for kind in card.kinds],
            Form(infer(card.args), prefix=f"c{at}").draw(card.args, card.args),
        )
        for at, card in enumerate(item.cards)
    ]


def read(item: ReviewItem, data: Posted, files: Mapping[str, Any]) -> BatchReading:
    """Read one decision for each card."""
    reading = BatchReading(draw(item))
    for card in reading.cards:
        kind = str(data.get(f"{card.prefix}_kind", ""))
        said: dict[str, Any] = {"kind": kind, "value": None, "reason": ""}
        for choice in card.choices:
            choice.chosen = choice.kind == kind
            choice.text = str(data.get(f"{card.prefix}_{choice.kind}", ""))
            if choice.chosen and strict_json.text_fault(choice.text):
                card.error = f"The text {strict_json.text_fault(choice.text)}."
        text = next((choice.text for choice in card.choices if choice.chosen), None)
        if text is None:
            card.error = "Choose one."
        elif kind == "edit":
            form = Form(infer(card.args), prefix=card.prefix)
            answer = form.read(data, files, card.args)
            card.field, said["value"] = answer.root, answer.value
            if answer.errors:
                card.error = "Mend the marked fields."
        else:
            said["value" if kind == "respond" else "reason"] = text
            if not text.strip() and not card.error:
                card.error = ASKS.get(kind, ("", ""))[1]
        reading.value.append(said)
    return reading
