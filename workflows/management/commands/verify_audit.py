"""Read the whole audit again and say whether it is as it was written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.models import AuditEntry
from workflows.services.desk import audit


class Command(BaseCommand):
    """`manage.py verify_audit`; exit code 1 where an entry was changed or is missing."""

    help = "Check the seals of all audit entries."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault, then the count."""
        faults = list(audit.verify())
        for fault in faults:
            self.stderr.write(f"entry {fault.entry}: {fault.text}")
        count = AuditEntry.objects.count()
        if faults:
            raise CommandError(f"{len(faults)} faults in {count} entries")
        last = AuditEntry.objects.order_by("-id").first()
        self.stdout.write(
            f"{count} entries, none changed, none missing"
            + (f"; the last seal is {last.seal}" if last else "")
        )
