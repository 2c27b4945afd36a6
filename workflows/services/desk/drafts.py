"""What a reviewer has typed, kept on the server until it is sent or thrown away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, router

from workflows.models import Draft, Interrupt
from workflows.services.access import Person, find_interrupt, require
from workflows.services.action import InvalidAnswer
from workflows.services.desk.claim_question import renew_claim
from workflows.services.desk.deciding import Decider
from workflows.storage.connections import NOW_SQL, execute, taken_on_disk_later
from workflows.storage.sealing import seal, unseal

DRAFT = "draft"
LONGEST = 2 * 1024 * 1024
# As one statement without a transaction of its own: whoever is late waits for no lock twice.
_KEEP = """
INSERT INTO workflows_draft (interrupt_id, person_id, data, version, round, updated_at)
VALUES (%s, %s, %s, %s, %s, {now})
ON CONFLICT (interrupt_id, person_id) DO UPDATE SET
    data = excluded.data, version = excluded.version, round = excluded.round,
    updated_at = excluded.updated_at
"""
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
        decider = Decider(self.person)
        row = find_interrupt(self.person, self.interrupt, rights=decider.rights)
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
        text = text_of(self.fields)
        draft = keep(self.person, row.pk, row.thread_id, text, self.version, self.round)
        renew_claim(self.person, row)
        return draft


def text_of(fields: Fields) -> str:
    """The fields as a draft holds them; raises InvalidAnswer when they are too long."""
    text = json.dumps({name: list(texts) for name, texts in fields.items()})
    if len(text) > LONGEST:
        raise InvalidAnswer({"draft": f"at most {LONGEST} characters"})
    return text


def keep(
    person: Person, interrupt: int, thread_id: str, text: str, version: int, round: int
) -> Draft:
    """Put this in the place of the person's draft, by one statement; asks nobody's rights."""
    owner: Any = person.pk
    draft = Draft(
        interrupt_id=interrupt,
        person_id=owner,
        data=seal(text, thread_id, DRAFT),
        version=version,
        round=round,
    )
    wrapper = connections[router.db_for_write(Draft)]
    # The browser has it still: it need not wait for the disk.
    with taken_on_disk_later(wrapper):
        execute(
            wrapper,
            _KEEP.format(now=NOW_SQL[wrapper.vendor]),
            (interrupt, owner, draft.data, version, round),
        )
    return draft


def keep_refused(decider: Decider, row: Interrupt, fields: Fields) -> bool:
    """Keep what stood in a form whose decision was refused, for whoever may keep drafts here.

    What is longer than a draft may be is left to the page that the person gets back. Tells
    whether it was kept.
    """
    text = json.dumps({name: list(texts) for name, texts in fields.items()})
    may_keep = decider.is_decider(row) or decider.rights.can_edit(row.graph)
    if not may_keep or len(text) > LONGEST or decider.person is None:
        return False
    keep(decider.person, row.pk, row.thread_id, text, row.version, row.round)
    return True


def draft_of(person: Person, interrupt: int) -> Draft | None:
    """What this person has typed for the question and not sent."""
    rows = Draft.objects.filter(interrupt=interrupt, person=person.pk)
    return rows.select_related("interrupt").first()


def fields_of(draft: Draft) -> dict[str, list[str]]:
    """The posted fields of a draft again."""
    text = unseal(draft.data, draft.interrupt.thread_id, DRAFT)
    found: dict[str, list[str]] = json.loads(text)
    return found
