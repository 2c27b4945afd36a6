"""Which notices one person wants by mail, and whether mails bring a link to decide by."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workflows.models import Preference
from workflows.services.access import Person
from workflows.services.action import InvalidAnswer

# Kinds of notices, with what people read.
KINDS = {
    "asked": "A question is asked of you or your group",
    "reminder": "A question is due soon",
    "escalation": "A question is overdue",
    "mention": "Somebody names you in a comment",
}
# Whoever says nothing is not flooded: a hundred questions a day are no hundred mails.
USUAL = frozenset({"reminder", "escalation", "mention"})


@dataclass(frozen=True)
class MailChoices:
    """What one person wants by mail."""

    kinds: frozenset[str] = USUAL
    links: bool = False


@dataclass(frozen=True)
class SetMailChoices:
    """`person` wants notices of these `kinds` by mail, with `links` a link to decide by."""

    person: Person
    kinds: frozenset[str]
    links: bool

    def check(self) -> None:
        """Raise InvalidAnswer where a kind does not exist."""
        unknown = sorted(self.kinds - set(KINDS))
        if unknown:
            raise InvalidAnswer({"kinds": f"there are no notices {', '.join(unknown)}"})

    def execute(self) -> MailChoices:
        """The choices as they are kept."""
        self.check()
        Preference.objects.update_or_create(
            person_id=self.person.pk,
            defaults={
                "mail_kinds": json.dumps(sorted(self.kinds)),
                "mail_links": self.links,
            },
        )
        return MailChoices(self.kinds, self.links)


def choices_of(person: Person) -> MailChoices:
    """What this person wants."""
    return choices_of_all([person]).get(person.pk, MailChoices())


def choices_of_all(people: Iterable[Person]) -> dict[Any, MailChoices]:
    """What these people want, by primary key; who has said nothing is missing."""
    rows = Preference.objects.filter(person__in=[each.pk for each in people])
    return {row.pk: _read(row) for row in rows}


def address_of(person: Person) -> str:
    """The mail address of a person, or "" where there is none."""
    name = getattr(person, "get_email_field_name", None)
    return str(getattr(person, name(), "") or "").strip() if name else ""


def _read(row: Preference) -> MailChoices:
    if row.mail_kinds is None:
        return MailChoices(links=row.mail_links)
    try:
        kinds = frozenset(json.loads(row.mail_kinds))
    except (ValueError, TypeError):
        kinds = USUAL
    return MailChoices(kinds & set(KINDS), row.mail_links)
