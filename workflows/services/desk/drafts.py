"""What a reviewer has typed, kept on the server until it is sent or thrown away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflows.models import Draft, Interrupt
from workflows.services.access import Person, find_interrupt, require
from workflows.services.action import InvalidAnswer
from workflows.services.desk.claim_question import renew_claim
from workflows.services.desk.deciding import Decider
from workflows.storage.sealing import seal, unseal

DRAFT = "draft"
LONGEST = 2 * 1024 * 1024
Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class SaveDraft:
    """`person` keeps the fields of their form on question `interrupt`.

    `fields` maps each field's name to the texts that were posted for it. Without any the
    draft is thrown away. `version` and `round` are those of the question on their page.
    Keeping a draft renews the claim that they have on the question.
    """

    person: Person
    interrupt: int
    fields: Fields
    version: int = 1
    round: int = 1

    def check(self) -> Interrupt:
        """The question, where it is of a kind that this person decides or edits.

        Whoever may not decide it just now keeps what was typed while they might.
        """
        row = find_interrupt(self.person, self.interrupt)
        decider = Decider(self.person)
        require(
            decider.is_decider(row) or decider.rights.can_edit(row.graph),
            f"You may see question #{row.pk} but not work on it.",
        )
        return row

    def execute(self) -> Draft | None:
        """The draft; raises InvalidAnswer when it is larger than an answer may be."""
        row = self.check()
        if not self.fields:
            Draft.objects.filter(interrupt=row, person=self.person.pk).delete()
            return None
        data = json.dumps({name: list(texts) for name, texts in self.fields.items()})
        if len(data) > LONGEST:
            raise InvalidAnswer({"draft": f"at most {LONGEST} characters"})
        draft, _ = Draft.objects.update_or_create(
            interrupt=row,
            person_id=self.person.pk,
            defaults={
                "data": seal(data, row.thread_id, DRAFT),
                "version": self.version,
                "round": self.round,
            },
        )
        renew_claim(self.person, row)
        return draft


def draft_of(person: Person, interrupt: int) -> Draft | None:
    """What this person has typed for the question and not sent."""
    rows = Draft.objects.filter(interrupt=interrupt, person=person.pk)
    return rows.select_related("interrupt").first()


def fields_of(draft: Draft) -> dict[str, list[str]]:
    """The posted fields of a draft again."""
    text = unseal(draft.data, draft.interrupt.thread_id, DRAFT)
    found: dict[str, list[str]] = json.loads(text)
    return found
