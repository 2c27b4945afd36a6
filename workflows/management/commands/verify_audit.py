"""Read the whole audit again and say whether it is as it was written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import AuditEntry
from workflows.services.desk import audit


class Command(BaseCommand):
    """`manage.py verify_audit`; exit code 1 where an entry was changed or is missing.

    Each look prints the last seal. Kept outside of the database and given to the next look
    by `--known`, it shows that nothing was taken away at the end.
    """

    help = "Check the seals of all audit entries."

    def add_arguments(self, parser: CommandParser) -> None:
        """The seal of an earlier look."""
        parser.add_argument(
            "--known",
            default="",
            metavar="SEAL",
            help="the last seal of an earlier look; its entry must still be there",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault, then the count."""
        faults = list(audit.verify(options["known"]))
        for fault in faults:
            where = f"entry {fault.entry}: " if fault.entry else ""
            self.stderr.write(where + fault.text)
        count = AuditEntry.objects.count()
        if faults:
            raise CommandError(f"{len(faults)} faults in {count} entries")
        last = AuditEntry.objects.order_by("-id").first()
        self.stdout.write(
            f"{count} entries, none changed, none missing"
            + (f"; the last seal is {last.seal}" if last else "")
        )
