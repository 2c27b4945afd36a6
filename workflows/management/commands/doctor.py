"""`manage.py doctor`: everything that is stuck, a line each with what to do; or why one thread does not go on."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from workflows.models import Thread
from workflows.services.checkup.checklist import check_up
from workflows.services.checkup.report import report
from workflows.services.doctor import MOST, diagnose
from workflows.services.findings import Finding
from workflows.services.one_line import one_line
from workflows.services.writable import WHAT_TO_DO, why_not_writable


class Command(BaseCommand):
    """Looks and writes nothing; exit code 1 where anything was found."""

    help = (
        "List what is stuck: runs, questions, mails, with where it is and what to do; of one "
        "thread, all that it could wait for. Writes nothing. Ends with 1 where anything is stuck."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """A thread, --json and --most."""
        parser.add_argument("thread", nargs="?", help="the id of one thread")
        parser.add_argument(
            "--json",
            action="store_true",
            help="a list of findings, or all checks of the thread, for programs",
        )
        parser.add_argument(
            "--most", type=int, default=MOST, help=f"findings of a kind ({MOST})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding; end with 1 where there is one."""
        if options["most"] < 1:
            raise CommandError("--most is at least 1")
        if options["thread"] is not None:
            self._of_thread(options["thread"], options["json"])
            return
        found = _look(options["most"])
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found], indent=1))
        elif found:
            for each in found:
                self.stdout.write(_line(each))
        else:
            self.stdout.write("nothing is stuck")
        if found:
            sys.exit(1)

    def _of_thread(self, thread_id: str, as_json: bool) -> None:
        thread = Thread.objects.filter(pk=thread_id).first()
        if thread is None:
            raise CommandError(f"there is no thread {thread_id!r}")
        found = check_up(thread)
        if as_json:
            self.stdout.write(json.dumps(asdict(found), indent=1, default=str))
        else:
            self.stdout.write(report(found), ending="")
        if found.is_stuck:
            sys.exit(1)


def _look(most: int) -> list[Finding]:
    try:
        why = why_not_writable()
        found = diagnose(most)
    except Error as error:
        said = str(error).strip().partition("\n")[0]
        what = f"the database does not answer: {said}"
        return [Finding("database", what, WHAT_TO_DO[""], "", {})]
    if why:
        what = f"the database cannot be written: {why}"
        found.insert(0, Finding("database", what, WHAT_TO_DO[why], "", {}))
    return found


def _line(found: Finding) -> str:
    where = f" <{found.url}>" if found.url else ""
    what = one_line(found.what).removesuffix(".")
    return f"{found.kind}: {what}{where}. Do: {one_line(found.do)}."
