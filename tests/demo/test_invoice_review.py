"""invoice_review: parallel checks, several open questions, each invoice booked once."""

from decimal import Decimal

import pytest

from durableweb.demo import invoice_review, ledger
from durableweb.demo.invoices import SAMPLE_FILE, InvoiceFileError
from durableweb.demo.models import LedgerEntry

SAMPLE = SAMPLE_FILE.read_text(encoding="utf-8")
HEADER = "number,date,vendor,net,vat,gross\n"
GOOD = HEADER + "1,2026-11-03,Nordwind,100.00,19.00,119.00\n"
OFF = "2,2026-11-03,Nordwind,100.00,19.00,131.00\n"
UNKNOWN = "3,2026-11-03,Nobody,100.00,19.00,119.00\n"
OFF_TITLE = "Invoice 2 from Nordwind: sum is off by 12.00"
UNKNOWN_TITLE = "Invoice 3 from Nobody: vendor is not known"

pytestmark = pytest.mark.django_db


def test_a_file_without_faults_is_booked_without_a_question(drive) -> None:
    run = drive(invoice_review.builder)

    result = run.start(csv=GOOD)

    assert (result["booked"], result["rejected"]) == (1, 0)
    assert result["total"] == Decimal("119.00")
    assert LedgerEntry.objects.get().gross == Decimal("119.00")


def test_the_sample_asks_six_questions_at_once(drive) -> None:
    run = drive(invoice_review.builder)

    result = run.start(csv=SAMPLE)

    assert len(result["invoices"]) == 60
    assert sorted(run.questions()) == [
        "Invoice 2012 from Nordwind: same number as in line 13",
        "Invoice 2023 from Kessler Druck: 9,401.00 is over the limit of 5,000.00",
        "Invoice 2035 from Blitz Media: vendor is not known",
        "Invoice 2041 from Nordwind: sum is off by 12.00",
        "Invoice 2052 from Blumen Meyer: sum is off by 1.80; "
        "489.70 is over the limit of 400.00",
        "Invoice 2058 from Lindner IT: sum is off by 54.00",
    ]
    assert not LedgerEntry.objects.exists()


def test_answers_come_in_any_order_and_booking_waits_for_the_last(drive) -> None:
    run = drive(invoice_review.builder)
    run.start(csv=GOOD + OFF + UNKNOWN)

    run.answer(False, UNKNOWN_TITLE, reason="never heard of")
    assert list(run.questions()) == [OFF_TITLE]
    assert not LedgerEntry.objects.exists()
    result = run.answer(True, OFF_TITLE)

    assert (result["booked"], result["rejected"]) == (2, 1)
    assert list(LedgerEntry.objects.values_list("number", flat=True)) == ["1", "2"]


def test_a_corrected_invoice_is_booked_as_corrected(drive) -> None:
    run = drive(invoice_review.builder)
    run.start(csv=HEADER + OFF)

    run.answer(True, gross="119.00")

    assert LedgerEntry.objects.get().gross == Decimal("119.00")


def test_a_correction_that_cannot_be_used_is_asked_again(drive) -> None:
    run = drive(invoice_review.builder)
    run.start(csv=HEADER + OFF)

    run.answer(True, date="2026-02-30", gross="119.00")

    assert run.question()["hint"].startswith("date is '2026-02-30'")
    assert run.question()["gross"] == "119.00"
    assert not LedgerEntry.objects.exists()


def test_an_invoice_of_an_earlier_file_is_asked_about(drive) -> None:
    drive(invoice_review.builder).start(csv=GOOD)
    day = LedgerEntry.objects.get().booked_at.date()
    second = drive(invoice_review.builder)

    second.start(csv=GOOD)

    assert list(second.questions()) == [
        f"Invoice 1 from Nordwind: was booked on {day.isoformat()}"
    ]


def test_a_process_that_dies_after_booking_books_nothing_twice(
    drive, monkeypatch
) -> None:
    run = drive(invoice_review.builder)
    real = ledger.book

    def book_and_die(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "book", book_and_die)
        with pytest.raises(KeyboardInterrupt):
            run.start(csv=GOOD + OFF.replace("131", "119"))
    assert LedgerEntry.objects.count() == 2

    result = run.go_on()

    assert (result["booked"], LedgerEntry.objects.count()) == (2, 2)


def test_a_faulty_file_fails_the_run_with_its_lines(drive) -> None:
    run = drive(invoice_review.builder)

    with pytest.raises(InvoiceFileError, match=r"line 3: gross is 'x'"):
        run.start(csv=GOOD + OFF.replace("131.00", "x"))

    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
async def test_it_runs_under_the_async_api(drive) -> None:
    run = drive(invoice_review.builder)

    await run.astart(csv=GOOD + OFF)
    result = await run.aanswer(True, OFF_TITLE)

    assert result["booked"] == 2
