"""`manage.py api_token`: a token for a machine, without a browser."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import Decision
from workflows.services.access import SCOPES
from workflows.services.action import InvalidAnswer, NotAllowed
from workflows.services.tokens import MakeToken


class Command(BaseCommand):
    """Makes a token of a person; its text, and nothing else, goes to the standard output."""

    help = "Make a token of USERNAME for the API and print its text, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose it is, what it may do, and for how long."""
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="which program will use it")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=SCOPES,
            help="what it may do, of what the person may; once for each",
        )
        ends = parser.add_mutually_exclusive_group()
        ends.add_argument("--days", type=int, default=90, help="it ends then (90)")
        ends.add_argument("--no-end", action="store_true", help="until it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and say what it is."""
        scopes = frozenset(options["scope"])
        days = None if options["no_end"] else options["days"]
        person = _person(options["username"])
        channel = Decision.Channel.COMMAND
        asked = MakeToken(person, options["name"], scopes, days, channel)
        try:
            row, text = asked.execute()
        except (InvalidAnswer, NotAllowed) as refused:
            raise CommandError(str(refused)) from refused
        until = f"until {row.expires_at:%Y-%m-%d %H:%M} UTC" if days else "without end"
        told = f"token {row.name!r} of {person.get_username()}: {row.scopes}, {until}"
        self.stderr.write(told, self.style.NOTICE)
        self.stdout.write(text)


def _person(name: str) -> Any:
    people: Any = get_user_model()
    try:
        person = people._default_manager.get_by_natural_key(name)
    except people.DoesNotExist:
        raise CommandError(f"there is no person named {name!r}") from None
    if not person.is_active:
        raise CommandError(f"{name} is not active: a token would not work")
    return person
