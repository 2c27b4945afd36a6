"""Booking invoices into the ledger, each line of a thread once."""

from collections.abc import Iterable

from django.db import transaction

from durableweb.demo.invoices import Invoice
from durableweb.demo.models import LedgerEntry


def book(
    thread_id: str, invoices: Iterable[Invoice], note: str = ""
) -> list[LedgerEntry]:
    """Book all in one transaction, and return all entries of this thread.

    May be called again with the same lines, by a repeated node or another process: lines
    that are booked stay as they are. The unique key decides, not a look beforehand, so two
    callers at once do no harm either.
    """
    entries = [
        LedgerEntry(
            key=f"{thread_id}:{invoice['line']}",
            thread_id=thread_id,
            line=invoice["line"],
            number=invoice["number"],
            vendor=invoice["vendor"],
            date=invoice["date"],
            net=invoice["net"],
            vat=invoice["vat"],
            gross=invoice["gross"],
            note=note[:500],
        )
        for invoice in invoices
    ]
    with transaction.atomic():
        LedgerEntry.objects.bulk_create(entries, ignore_conflicts=True)
    return list(LedgerEntry.objects.filter(thread_id=thread_id).order_by("line"))


def booked_before(numbers: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the day of booking by (vendor, number) for invoices in the ledger."""
    found = LedgerEntry.objects.filter(number__in=set(numbers))
    return {
        (entry.vendor, entry.number): entry.booked_at.date().isoformat()
        for entry in found
    }
