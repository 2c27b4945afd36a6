"""Words that a client makes up or sends back: they are stored as they come."""

from __future__ import annotations

from workflows.services.action import InvalidAnswer

MAX_KEY_LENGTH = 200


def check_start_key(place: str, key: object) -> None:
    """Raise InvalidAnswer for what can be no key of a start; an empty one would be the same for all who have none."""
    is_key = (
        isinstance(key, str) and key.isprintable() and 0 < len(key) <= MAX_KEY_LENGTH
    )
    if key is not None and not is_key:
        wanted = f"is a text of 1 to {MAX_KEY_LENGTH} printable characters, or None"
        raise InvalidAnswer({place: f"{wanted}, not {key!r}"})


def check_key(place: str, key: object) -> None:
    """Raise InvalidAnswer for a key that not every database can keep."""
    is_key = isinstance(key, str) and key.isprintable() and len(key) <= MAX_KEY_LENGTH
    if key is not None and not is_key:
        raise InvalidAnswer(
            {
                place: f"a key is a text of at most {MAX_KEY_LENGTH} characters, "
                "none of them a control character"
            }
        )
