"""Check a file of invoices, ask about each suspicious one, book what is approved.

All questions of a file are open at the same time, and different people may answer them in
any order. Nothing is booked before the last one is answered.
"""

from decimal import Decimal
from operator import add
from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from durableweb.config import get_config
from durableweb.demo import ledger
from durableweb.demo.invoices import (
    AMOUNT_PATTERN,
    COLUMNS,
    Invoice,
    as_texts,
    known_vendors,
    parse_invoice,
    parse_invoices,
    problems_of,
)
from durableweb.durable import set_attributes
from durableweb.graph import END, START, StateGraph
from durableweb.types import Send, interrupt


class Input(TypedDict):
    csv: Annotated[
        str,
        Meta(
            title="Invoices",
            description=(
                "A CSV file with the columns number, date, vendor, net, vat, gross; "
                "durableweb/demo/data/invoices.csv is one to try."
            ),
            min_length=1,
            extra_json_schema={"contentMediaType": "text/csv"},
        ),
    ]


AMOUNT = f"^{AMOUNT_PATTERN}$"


# The answer of a person; the form of the question is drawn from it. Amounts are text, so
# that they stay exact on the way through the browser.
class InvoiceAnswer(TypedDict):
    approved: bool
    number: Annotated[str, Meta(min_length=1, max_length=100)]
    date: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    vendor: Annotated[str, Meta(min_length=1, max_length=100)]
    net: Annotated[str, Meta(pattern=AMOUNT)]
    vat: Annotated[str, Meta(title="VAT", pattern=AMOUNT)]
    gross: Annotated[str, Meta(pattern=AMOUNT)]
    reason: NotRequired[str]


class Suspicion(TypedDict):
    """An invoice and what is wrong with it."""

    invoice: Invoice
    problems: list[str]


class Verdict(TypedDict):
    """What a person said about a suspicious invoice, as corrected by them."""

    invoice: Invoice
    approved: bool
    reason: str


class State(Input, total=False):
    note: Annotated[
        str,
        Meta(
            title="Note",
            description="Stands in the ledger beside each invoice of this file.",
            max_length=500,
        ),
    ]
    invoices: list[Invoice]
    repeats: dict[str, str]
    suspicions: Annotated[list[Suspicion], add]
    verdicts: Annotated[list[Verdict], add]
    booked: int
    rejected: int
    total: Decimal


class CheckInput(TypedDict):
    """What one parallel check is sent: an invoice, and what it repeats, if anything."""

    invoice: Invoice
    repeat: str


def read(state: State) -> dict[str, object]:
    """Read the file, and look for repeated numbers in it and in the ledger.

    The ledger is read here, in one place, and not in the parallel checks: its answer may be
    another one tomorrow, so it is taken once and saved with the step.
    """
    invoices = parse_invoices(state["csv"])
    booked = ledger.booked_before(invoice["number"] for invoice in invoices)
    first_lines: dict[tuple[str, str], int] = {}
    repeats: dict[str, str] = {}
    for invoice in invoices:
        key = (invoice["vendor"], invoice["number"])
        if key in first_lines:
            repeats[str(invoice["line"])] = f"same number as in line {first_lines[key]}"
        elif key in booked:
            repeats[str(invoice["line"])] = f"was booked on {booked[key]}"
        first_lines.setdefault(key, invoice["line"])
    # By these a file is found again: "gross > 5000 and invoices < 20".
    gross = sum((invoice["gross"] for invoice in invoices), Decimal(0))
    set_attributes(invoices=len(invoices), gross=float(gross))
    return {"invoices": invoices, "repeats": repeats}


def one_check_each(state: State) -> list[Send]:
    """Send every invoice to a check of its own; they run in parallel."""
    repeats = state["repeats"]
    return [
        Send(
            "check",
            {"invoice": invoice, "repeat": repeats.get(str(invoice["line"]), "")},
        )
        for invoice in state["invoices"]
    ]


def check(sent: CheckInput) -> dict[str, object]:
    """Say what is wrong with one invoice; most have nothing to report."""
    problems = [sent["repeat"]] if sent["repeat"] else []
    problems += problems_of(sent["invoice"], limits=known_vendors())
    if not problems:
        return {}
    return {"suspicions": [{"invoice": sent["invoice"], "problems": problems}]}


def collect(state: State) -> None:
    """Wait for all checks: this node is due once, when the step of the checks is over."""


def one_question_each(state: State) -> list[Send] | str:
    """Send every suspicious invoice to a question of its own; without any, go and book."""
    questions = [Send("question", suspicion) for suspicion in state["suspicions"]]
    return questions or "book"


def question(suspicion: Suspicion) -> dict[str, object]:
    """Ask a person about one invoice, again if their correction cannot be used.

    With an answer only this task runs again, from its first line: every `interrupt` returns
    the answer recorded for it, and the first one without an answer ends the task. The
    other questions stay as they are, answered or open, and the verdicts of the step are
    applied together when the last has come in.
    """
    invoice = suspicion["invoice"]
    problems = "; ".join(suspicion["problems"])
    asked: dict[str, object] = {
        "title": f"Invoice {invoice['number']} from {invoice['vendor']}: {problems}",
        "question": (
            f"Line {invoice['line']} of the file. Approve to book it, with corrections "
            "if needed, or reject it."
        ),
        **as_texts(invoice),
    }
    while True:
        answer: InvoiceAnswer = interrupt(asked, response_schema=InvoiceAnswer)
        reason = answer.get("reason", "")
        if not answer["approved"]:
            verdict = Verdict(invoice=invoice, approved=False, reason=reason)
            return {"verdicts": [verdict]}
        try:
            corrected = parse_invoice(answer, invoice["line"])
        except ValueError as error:
            # Their words stay in the form, with a hint what is wrong.
            asked = {**asked, **_values_of(answer), "hint": str(error)}
        else:
            verdict = Verdict(invoice=corrected, approved=True, reason=reason)
            return {"verdicts": [verdict]}


def _values_of(answer: InvoiceAnswer) -> dict[str, object]:
    return {name: text for name, text in answer.items() if name in COLUMNS}


def book(state: State) -> dict[str, object]:
    """Book the invoices that nobody doubted and those a person approved.

    If the process dies after the booking and before this node's result is saved, the node
    runs again: the ledger's unique key of thread and line makes the second time harmless.
    """
    doubted = {entry["invoice"]["line"] for entry in state["suspicions"]}
    verdicts = state["verdicts"]
    wanted = [entry for entry in state["invoices"] if entry["line"] not in doubted]
    wanted += [entry["invoice"] for entry in verdicts if entry["approved"]]

    thread_id = str(get_config()["configurable"]["thread_id"])
    entries = ledger.book(thread_id, wanted, state.get("note", ""))
    return {
        "booked": len(entries),
        "rejected": sum(not entry["approved"] for entry in verdicts),
        "total": sum((entry.gross for entry in entries), Decimal("0.00")),
    }


builder = StateGraph(State, input_schema=Input)
builder.add_node("read", read)
builder.add_node("check", check)
builder.add_node("collect", collect)
builder.add_node("question", question)
builder.add_node("book", book)
builder.add_edge(START, "read")
builder.add_conditional_edges("read", one_check_each, ["check"])
builder.add_edge("check", "collect")
builder.add_conditional_edges("collect", one_question_each, ["question", "book"])
builder.add_edge("question", "book")
builder.add_edge("book", END)
graph = builder.compile(name="invoice_review")
