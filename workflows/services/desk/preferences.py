"""How one person wants the product to behave."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.models import Preference
from workflows.services.access import Person
from workflows.services.action import InvalidAnswer
from workflows.storage.people import preference_of

LONGEST_UNDO = 3_600
LONGEST_CLAIM = 24 * 3_600


@dataclass(frozen=True)
class SetPreferences:
    """`person` wants at least `undo_seconds` to take a decision back; None for the usual."""

    person: Person
    undo_seconds: int | None

    def check(self) -> None:
        """Raise InvalidAnswer where the number is out of bounds."""
        wanted = self.undo_seconds
        if wanted is not None and not 0 <= wanted <= LONGEST_UNDO:
            raise InvalidAnswer({"undo_seconds": f"a number from 0 to {LONGEST_UNDO}"})

    def execute(self) -> Preference:
        """The preferences as they are kept."""
        self.check()
        kept, _ = Preference.objects.update_or_create(
            person_id=self.person.pk, defaults={"undo_seconds": self.undo_seconds}
        )
        return kept


@dataclass(frozen=True)
class SetClaimTime:
    """`person` wants claims of theirs to last at least `seconds`; None for the usual time."""

    person: Person
    seconds: int | None

    def check(self) -> None:
        """Raise InvalidAnswer where the number is out of bounds."""
        wanted = self.seconds
        if wanted is not None and not 0 <= wanted <= LONGEST_CLAIM:
            raise InvalidAnswer(
                {"claim_minutes": f"a number from 0 to {LONGEST_CLAIM // 60}"}
            )

    def execute(self) -> Preference:
        """The preferences as they are kept."""
        self.check()
        kept, _ = Preference.objects.update_or_create(
            person_id=self.person.pk, defaults={"claim_seconds": self.seconds}
        )
        return kept


def preferences_of(person: Person) -> Preference:
    """What this person has asked for; the defaults where they have asked for nothing."""
    return preference_of(person.pk) or Preference()
