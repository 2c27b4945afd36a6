"""The single keys of the pages: what each does, and what a person has chosen instead.

Pages name a key as it is at first; a person's own keys are a map from that to theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.models import Preference
from workflows.services.access import Person
from workflows.services.action import InvalidAnswer


@dataclass(frozen=True)
class Key:
    """A key as it is at first (`g q`: one after the other), and what it does."""

    first: str
    words: str
    own: str = ""

    @property
    def presses(self) -> list[str]:
        """What is pressed, key after key; empty where the person has switched it off."""
        return self.own.split()


GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Lists",
        (
            ("j", "Next row"),
            ("k", "Previous row"),
            ("o", "Open the row (Enter does too)"),
            ("u", "Back to the list"),
            ("/", "Search"),
            (".", "Show new rows"),
            ("y", "Copy the link of the row"),
            ("x", "Select the row"),
            ("J", "Select, and go to the next row"),
            ("K", "Select, and go to the previous row"),
            ("*", "Select all that match"),
        ),
    ),
    (
        "A question",
        (
            ("a", "Approve"),
            ("e", "Edit the proposal"),
            ("E", "Edit the state of its workflow"),
            ("r", "Reject with a reason"),
            ("b", "Send it back with what should change"),
            ("t", "Answer in words"),
            ("i", "Close it without an answer"),
            ("c", "Comment"),
            ("m", "Claim it or give it back"),
            ("s", "Put it off"),
            ("[", "Previous question of the thread"),
            ("]", "Next question of the thread"),
            ("z", "Take the last decision back"),
        ),
    ),
    (
        "Everywhere",
        (
            ("g q", "Go to the queue"),
            ("g r", "Go to the runs"),
            ("g t", "Go to the threads"),
            ("g d", "Go to the decisions"),
            ("g s", "Go to start a workflow"),
            ("?", "This list"),
        ),
    ),
)
KNOWN = {first: words for _, keys in GROUPS for first, words in keys}
# Numbers choose a usual reason while the box to reject is open.
TAKEN = frozenset("123456789")


def keys_of(own: Mapping[str, str]) -> list[tuple[str, list[Key]]]:
    """All keys by group, as they are for somebody whose own keys are these."""
    return [
        (title, [Key(first, words, own.get(first, first)) for first, words in keys])
        for title, keys in GROUPS
    ]


@dataclass(frozen=True)
class SetKeys:
    """`person` wants these keys (first key -> their own, "" for none).

    What is not named keeps its first key.
    """

    person: Person
    keys: Mapping[str, str]

    def check(self) -> dict[str, str]:
        """What differs from the first keys; raises InvalidAnswer with a text per key."""
        errors: dict[str, str] = {}
        wanted = dict(zip(KNOWN, KNOWN, strict=True))
        for first, text in self.keys.items():
            if first not in KNOWN:
                raise InvalidAnswer({"": f"There is no key {first[:20]!r}."})
            wanted[first] = " ".join(text.split())
            fault = _fault(wanted[first])
            if fault:
                errors[first] = fault
        for first, own in wanted.items():
            rival = _rival(first, own, wanted)
            if rival and first not in errors:
                errors[first] = f"“{wanted[rival]}” is taken: {KNOWN[rival]}"
        if errors:
            raise InvalidAnswer(errors)
        return {first: own for first, own in wanted.items() if own != first}

    def execute(self) -> Preference:
        """The preferences as they are kept."""
        kept, _ = Preference.objects.update_or_create(
            person_id=self.person.pk, defaults={"keys": self.check()}
        )
        return kept


@dataclass(frozen=True)
class SwitchKeys:
    """`person` wants single keys to do something, or nothing at all."""

    person: Person
    on: bool

    def check(self) -> None:
        """Everybody may choose."""

    def execute(self) -> Preference:
        """The preferences as they are kept."""
        kept, _ = Preference.objects.update_or_create(
            person_id=self.person.pk, defaults={"keys_off": not self.on}
        )
        return kept


def _fault(text: str) -> str:
    presses = text.split(" ") if text else []
    if len(presses) > 2 or any(len(each) != 1 for each in presses):
        return "one key, or two with a space between them"
    if not text.isprintable():
        return "a key that can be seen"
    if TAKEN.intersection(presses):
        return "numbers choose usual reasons"
    return ""


def _rival(first: str, own: str, wanted: Mapping[str, str]) -> str:
    """Another key that is pressed in the same way, or begins as this one does."""
    for other, theirs in wanted.items():
        if other == first or not own or not theirs:
            continue
        one, two = own.split(" "), theirs.split(" ")
        if one[: len(two)] == two or two[: len(one)] == one:
            return other
    return ""
