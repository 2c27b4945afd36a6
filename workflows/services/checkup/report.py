"""A checkup as plain text, to be handed to somebody else.

It holds ids, names of nodes and topics, instants and the names of exceptions: nothing of what a
thread was given, what it holds, what it asks or what an error says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from workflows.services.checkup.check import FINE, NONE, STUCK, WAITS, Check, Checkup
from workflows.services.one_line import one_line
from workflows.version import __version__

WORDS = {STUCK: "STUCK", WAITS: "waits", FINE: "fine", NONE: "no"}


def report(checkup: Checkup) -> str:
    """The lines of a report, ended by a line end."""
    return "".join(f"{one_line(line, 600)}\n" for line in _lines(checkup))


def _lines(checkup: Checkup) -> Iterator[str]:
    yield checkup.verdict
    yield f"thread {checkup.thread_id} of {checkup.graph}, {checkup.status}, at {_text(checkup.at)}"
    for check in checkup.checks:
        yield from _check(check)
    yield f"durableweb {__version__ or 'from its sources'}"


def _check(check: Check) -> Iterator[str]:
    do = f" Do: {check.do}" if check.mark == STUCK and check.do else ""
    yield f"[{WORDS[check.mark]}] {check.question} {check.text}{do}"
    for fact in check.facts:
        yield f"- {fact.name}: {_text(fact.value)}"


def _text(value: str | datetime) -> str:
    if isinstance(value, str):
        return value
    return value.astimezone(UTC).isoformat(timespec="seconds")
