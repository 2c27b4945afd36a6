"""`manage.py resume_run`: answer a question from the command line, through the same gate."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import Decision, Interrupt
from workflows.services.action import Refused
from workflows.services.resume_run import ResumeRun
from workflows.services.shapes import KINDS


class Command(BaseCommand):
    """Decides as a named person, with that person's rights."""

    help = "Answer question NUMBER as USERNAME."

    def add_arguments(self, parser: CommandParser) -> None:
        """The question, the person and the decision."""
        parser.add_argument("number", type=int)
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("--user", required=True)
        parser.add_argument("--value", help="JSON: the edited value, or the answer")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Record the decision."""
        users = get_user_model()._default_manager
        person = users.filter(username=options["user"]).first()
        if person is None:
            raise CommandError(f"there is no person named {options['user']!r}")
        row = Interrupt.objects.filter(pk=options["number"]).first()
        try:
            made = ResumeRun(
                person,
                options["number"],
                options["kind"],
                _value(options["value"]),
                options["reason"],
                version=row.version if row else 0,
                round=row.round if row else 0,
                channel=Decision.Channel.COMMAND,
            ).execute()
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(
            f"#{options['number']}: {made.kind} by {made.person_name}; "
            + (
                f"run {made.run_id} is queued"
                if isinstance(made, Decision)
                else "it waits for more people"
            )
        )


def _value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"--value is not JSON: {error}") from error
