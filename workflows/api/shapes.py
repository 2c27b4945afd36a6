"""What several operations take and give: pages of a list, ids in addresses, moments, values."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote

from ninja import Schema
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from workflows.services.action import InvalidAnswer
from workflows.services.strict_json import text_fault

Row = TypeVar("Row")

MOST = 200
USUAL = 50
NEXT = "The `cursor` of the page after this one; null on the last."


class Body(Schema):
    """What is sent: no word that is not asked for, and no text in place of a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Paging(Schema):
    """Which part of a list."""

    limit: int = Field(USUAL, ge=1, le=MOST, description="At most so many items.")
    cursor: str = Field(
        "", max_length=1_000, description="The `next` of the page before."
    )


def _text(given: str) -> str:
    text = unquote(given)
    if text_fault(text):
        raise ValueError(f"it {text_fault(text)}")
    return text


ThreadId = Annotated[
    str,
    AfterValidator(_text),
    Field(
        description="The id of a thread; a slash or a percent sign in it is encoded twice: "
        "`customers%252F7`."
    ),
]
"""An id in an address, as the addresses of the pages have it."""

WorkflowName = Annotated[
    str,
    AfterValidator(_text),
    Field(description="The name under which the workflow is registered."),
]

ScheduleName = Annotated[
    str, AfterValidator(_text), Field(description="The name of the schedule.")
]


def _instant(given: Any) -> Any:
    if not isinstance(given, str) or not given:
        return given
    try:
        found = datetime.fromisoformat(given)
        if found.tzinfo is None:
            raise ValueError("say the zone too")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "a moment with its zone, such as 2026-03-31T14:30:00Z"
        ) from None


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""A moment in a query; one without a zone is refused."""

Words = Annotated[Any, WithJsonSchema({"type": "string"})]
"""A text out of a workflow's data, which may hold what no other text may."""

Tree = Annotated[
    Any,
    Field(
        description="Plain JSON; what JSON has no word for is an object of `$t` and `v`."
    ),
]
"""A value of a workflow."""


def page_of(
    found: Sequence[Row], limit: int, cursor: Callable[[Row], object]
) -> dict[str, Any]:
    """One page of a list of which one more was asked for than the page takes."""
    items = found[:limit]
    is_last = len(found) <= limit
    return {
        "items": items,
        "next": None if is_last else _sealed(str(cursor(items[-1]))),
    }


def place_in(cursor: str, is_place: Callable[[str], bool]) -> str:
    """What the cursor stands for, "" for none; raises InvalidAnswer where it is none of this list."""
    if not cursor:
        return ""
    text = _opened(cursor)
    if text is None or not is_place(text):
        raise InvalidAnswer(
            {"query.cursor": "give the `next` of a page of this list as it came"}
        )
    return text


def number_in(cursor: str) -> int | None:
    """The number that the cursor stands for, as `place_in`."""
    place = place_in(cursor, _is_number)
    return int(place) if place else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _sealed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(cursor: str) -> str | None:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    return text if _sealed(text) == cursor and not text_fault(text) else None
