"""Invoices as lines of a CSV: reading them strictly, and what makes one suspicious."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

COLUMNS = ("number", "date", "vendor", "net", "vat", "gross")
MAX_ROWS = 1000
MAX_REPORTED = 10
# Twelve digits and two decimals are what a ledger entry holds, so nothing is rounded.
AMOUNT_PATTERN = r"-?[0-9]{1,12}(\.[0-9]{1,2})?"
_AMOUNT = re.compile(AMOUNT_PATTERN)
DATA_DIR = Path(__file__).parent / "data"
SAMPLE_FILE = DATA_DIR / "invoices.csv"
VENDORS_FILE = DATA_DIR / "vendors.csv"


class InvoiceFileError(ValueError):
    """The file cannot be read; the text names the lines and what is expected there."""


class Invoice(TypedDict):
    """One invoice; `line` is its line in the file, the header being line 1."""

    line: int
    number: str
    date: date
    vendor: str
    net: Decimal
    vat: Decimal
    gross: Decimal


def parse_invoices(text: str) -> list[Invoice]:
    """Read a whole file; columns may stand in any order, separated by comma or semicolon.

    Raises InvoiceFileError that names up to ten faults at once, so that a file need not be
    sent once per fault.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True
    )
    try:
        _check_header(reader.fieldnames)
        rows, faults = _read_rows(reader)
    except csv.Error as error:
        raise InvoiceFileError(f"line {reader.reader.line_num}: {error}") from error
    if faults:
        shown = "; ".join(faults[:MAX_REPORTED])
        more = len(faults) - MAX_REPORTED
        raise InvoiceFileError(shown + (f"; and {more} more" if more > 0 else ""))
    if not rows:
        raise InvoiceFileError("the file has a header but no invoices")
    return rows


def parse_invoice(values: Mapping[str, Any], line: int) -> Invoice:
    """Make one invoice of texts; ValueError says which field is wrong and what it expects."""
    texts = {name: str(values.get(name) or "").strip() for name in COLUMNS}
    for name in ("number", "vendor"):
        if not texts[name]:
            raise ValueError(f"{name} is empty")
        if len(texts[name]) > 100:
            raise ValueError(f"{name} is longer than 100 characters")
    try:
        dated = date.fromisoformat(texts["date"])
    except ValueError:
        raise ValueError(
            f"date is {texts['date']!r}, expected one like 2026-11-03"
        ) from None
    return Invoice(
        line=line,
        number=texts["number"],
        date=dated,
        vendor=texts["vendor"],
        net=_amount("net", texts["net"]),
        vat=_amount("vat", texts["vat"]),
        gross=_amount("gross", texts["gross"]),
    )


def as_texts(invoice: Invoice) -> dict[str, str]:
    """The fields of an invoice as a person reads and edits them; exact both ways."""
    return {name: str(invoice[name]) for name in COLUMNS}  # type: ignore[literal-required]


def problems_of(invoice: Invoice, *, limits: Mapping[str, Decimal]) -> list[str]:
    """What is wrong with this invoice by itself, each in a few words."""
    problems = []
    difference = invoice["net"] + invoice["vat"] - invoice["gross"]
    if difference:
        problems.append(f"sum is off by {abs(difference):,.2f}")
    limit = limits.get(invoice["vendor"])
    if limit is None:
        problems.append("vendor is not known")
    elif invoice["gross"] > limit:
        problems.append(f"{invoice['gross']:,.2f} is over the limit of {limit:,.2f}")
    return problems


@cache
def known_vendors() -> Mapping[str, Decimal]:
    """The vendors of the demo, each with the largest invoice that needs no question."""
    with VENDORS_FILE.open(encoding="utf-8", newline="") as file:
        return {row["vendor"]: Decimal(row["limit"]) for row in csv.DictReader(file)}


def _check_header(found: Any) -> None:
    names = [str(name).strip() for name in found or ()]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InvoiceFileError(
            f"line 1: column {', '.join(missing)} is missing; "
            f"the header needs {', '.join(COLUMNS)}"
        )
    if len(set(names)) < len(names):
        raise InvoiceFileError("line 1: a column stands there twice")


def _read_rows(
    reader: "csv.DictReader[str]",
) -> tuple[list[Invoice], list[str]]:
    rows: list[Invoice] = []
    faults: list[str] = []
    for raw in reader:
        line = reader.line_num
        if len(rows) + len(faults) >= MAX_ROWS:
            raise InvoiceFileError(f"more than {MAX_ROWS:,} invoices; split the file")
        # DictReader puts fields beyond the header under None, and None into missing ones.
        cells = {
            str(key).strip(): value for key, value in raw.items() if key is not None
        }
        if None in raw or None in raw.values():
            faults.append(
                f"line {line}: {len(reader.fieldnames or ())} fields expected"
            )
            continue
        try:
            rows.append(parse_invoice(cells, line))
        except ValueError as error:
            faults.append(f"line {line}: {error}")
    return rows, faults


def _amount(name: str, text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f"{name} is {text!r}, expected an amount like 1234.56")
    return Decimal(text)
