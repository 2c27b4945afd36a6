"""Say something about a question; whoever is named with @ is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from workflows.models import Comment, Interrupt
from workflows.services.access import (
    DECIDE,
    Person,
    Rights,
    find_interrupt,
    name_of,
    row_of,
)
from workflows.services.action import InvalidAnswer
from workflows.services.desk.notify import tell_people
from workflows.services.desk.telling import tell

LONGEST = 5_000
MENTION = re.compile(r"(?<![\w@])@([\w.+-]+)")
MOST_MENTIONS = 20


@dataclass(frozen=True)
class CommentOn:
    """`person` writes `text` below question `interrupt`, open or closed."""

    person: Person
    interrupt: int
    text: str

    def check(self) -> Interrupt:
        """The question, where this person may see it."""
        rights = Rights(self.person)
        row = find_interrupt(self.person, self.interrupt, rights=rights)
        rights.require_scope(DECIDE)
        return row

    def execute(self) -> Comment:
        """The comment; raises InvalidAnswer when it is empty or too long."""
        text = self.text.strip()
        if not text:
            raise InvalidAnswer({"text": "write something first"})
        if len(text) > LONGEST:
            raise InvalidAnswer({"text": f"at most {LONGEST} characters"})
        with transaction.atomic():
            row = self.check()
            comment = Comment.objects.create(
                interrupt=row,
                person=row_of(self.person),
                person_name=name_of(self.person)[:200],
                text=text,
            )
            mentioned = self._mentioned(row, text)
            comment.mentioned.set(mentioned)
            words = f"{name_of(self.person)} named you on “{row.title}”"
            tell_people(mentioned, row, "mention", words)
            tell(row, self.person, "commented", comment=comment.pk)
        return comment

    def _mentioned(self, row: Interrupt, text: str) -> list[Any]:
        """The people named who may see the question: nobody else learns of it."""
        model = get_user_model()
        names = {name.rstrip(".-+") for name in MENTION.findall(text)}
        if not names or len(names) > MOST_MENTIONS:
            return []
        found = model._default_manager.filter(
            **{f"{model.USERNAME_FIELD}__in": names}, is_active=True
        ).exclude(pk=row_of(self.person).pk)
        return [each for each in found if Rights(each).can_see(row.graph)]
