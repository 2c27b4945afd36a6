"""What tests have registered and declared: taken note of, and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.services import registry

Books = Sequence[dict[str, Any]]


def registered() -> Books:
    """Workflows and schedules as they are now."""
    return [dict(book) for book in registry.books]


def put_back(before: Books | None = None) -> None:
    """Let there be those and no others; without any, none."""
    for book, held in zip(
        registry.books, before or [{} for _ in registry.books], strict=True
    ):
        book.clear()
        book.update(held)
