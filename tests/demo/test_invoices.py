"""Reading invoices strictly, and what makes one suspicious."""

from datetime import date
from decimal import Decimal

import pytest

from durableweb.demo.invoices import (
    InvoiceFileError,
    as_texts,
    parse_invoice,
    parse_invoices,
    problems_of,
)

HEADER = "number,date,vendor,net,vat,gross\n"
GOOD = "7,2026-11-03,Nordwind,100.00,19.00,119.00\n"


def test_amounts_are_exact() -> None:
    (invoice,) = parse_invoices(HEADER + "7,2026-11-03,N,0.10,0.20,0.30\n")

    assert invoice["net"] + invoice["vat"] == invoice["gross"] == Decimal("0.30")
    assert invoice["date"] == date(2026, 11, 3)
    assert problems_of(invoice, limits={"N": Decimal(1)}) == []


def test_columns_stand_in_any_order_with_semicolons_and_a_byte_order_mark() -> None:
    text = (
        "\ufeffgross;vat;net;vendor;date;number;remark\r\n3;1;2;N;2026-01-01;x;hi\r\n"
    )

    (invoice,) = parse_invoices(text)

    assert (invoice["number"], invoice["gross"]) == ("x", Decimal(3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column number, date, vendor, net, vat, gross is missing"),
        ("number,date,vendor,net,vat\n", "column gross is missing"),
        (HEADER, "no invoices"),
        (HEADER.replace("\n", ",net\n") + GOOD, "twice"),
        (HEADER + GOOD.replace("19.00", "19,00"), "line 2: 6 fields expected"),
        (HEADER + "7,2026-11-03,N\n", "line 2: 6 fields expected"),
        (
            HEADER + GOOD.replace("100.00", "a lot"),
            "net is 'a lot', expected an amount",
        ),
        (HEADER + GOOD.replace("100.00", "NaN"), "net is 'NaN'"),
        (HEADER + GOOD.replace("100.00", "1e9"), "net is '1e9'"),
        (HEADER + GOOD.replace("100.00", "0.001"), "net is '0.001'"),
        (HEADER + GOOD.replace("100.00", "٣"), "net is '٣'"),
        (HEADER + GOOD.replace("2026-11-03", "3.11.2026"), "date is '3.11.2026'"),
        (HEADER + GOOD.replace("Nordwind", " "), "line 2: vendor is empty"),
        (HEADER + '7,"2026', "line 2: unexpected end of data"),
    ],
)
def test_a_fault_names_its_line_and_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(InvoiceFileError) as caught:
        parse_invoices(text)

    assert message in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    text = HEADER + GOOD.replace("119.00", "x") * 12 + GOOD

    with pytest.raises(InvoiceFileError) as caught:
        parse_invoices(text)

    assert str(caught.value).count("gross is 'x'") == 10
    assert "and 2 more" in str(caught.value)


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(InvoiceFileError, match="split the file"):
        parse_invoices(HEADER + GOOD * 1001)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"gross": "131.00"}, ["sum is off by 12.00"]),
        ({"vendor": "Nobody"}, ["vendor is not known"]),
        (
            {"net": "1000.00", "vat": "190.00", "gross": "1190.00"},
            ["1,190.00 is over the limit of 500.00"],
        ),
        ({}, []),
    ],
)
def test_what_makes_an_invoice_suspicious(changed, problem) -> None:
    values = dict(
        zip(HEADER.strip().split(","), GOOD.strip().split(","), strict=True), **changed
    )
    invoice = parse_invoice(values, line=2)

    assert problems_of(invoice, limits={"Nordwind": Decimal(500)}) == problem


def test_an_invoice_survives_being_shown_and_edited() -> None:
    (invoice,) = parse_invoices(HEADER + GOOD)

    assert parse_invoice(as_texts(invoice), line=2) == invoice
