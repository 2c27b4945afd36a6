"""Texts as every column of text takes them."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def json_text(data: Any) -> str:
    """`data` as JSON text without anything that a text column refuses."""
    try:
        return msgspec.json.encode(data).decode()
    except (UnicodeEncodeError, TypeError):
        return json.dumps(data, separators=(",", ":"), default=str)


def clean(text: str) -> str:
    """`text` without what a text column refuses: NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode("utf-8")
