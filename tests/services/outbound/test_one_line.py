"""Text of others ends no line of ours."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from workflows.services.one_line import LineFormatter, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a\r\n b\tc ", "a b c"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("a\u202eb\u200bc", "a b c"),
        ("über 5 €", "über 5 €"),
        ("\ud800", ""),
    ],
)
def test_one_line(text, line):
    assert one_line(text) == line


def test_it_is_cut_with_a_sign():
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


def record_of(message: str, *args: object, exc_info: Any = None) -> str:
    record = logging.LogRecord(
        "name", logging.WARNING, __file__, 1, message, args, exc_info
    )
    return LineFormatter("{levelname} {name}: {message}", style="{").format(record)


def test_one_record_is_one_line():
    text = record_of("title %s", "a\r\n2026-01-01 INFO name: forged\x1b[2J\u2028b")

    assert text.splitlines() == [text]
    assert text.startswith("WARNING name: title a\\r\\n2026")
    assert "\x1b" not in text


def test_no_line_of_a_traceback_passes_for_a_record():
    try:
        raise ValueError("first\nINFO name: forged")
    except ValueError as error:
        text = record_of("failed", exc_info=(type(error), error, error.__traceback__))

    first, *more = text.splitlines()
    assert first == "WARNING name: failed"
    assert any("INFO name: forged" in line for line in more)
    assert all(line.startswith("  | ") for line in more)
