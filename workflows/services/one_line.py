"""Text of others on a line of ours: in a mail's subject, in a log, in an error that is kept.

Whoever writes a title or runs a server that we call must not end the line and begin another.
"""

from __future__ import annotations

import logging
import re
import unicodedata

# Controls, what turns the direction of text, what cannot be seen, and separators of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def one_line(text: object, limit: int = 300) -> str:
    """`text` as one line of at most `limit` characters that can all be seen."""
    seen = "".join(
        " " if unicodedata.category(character) in _UNSEEN else character
        for character in str(text)[: limit * 4]
    )
    line = " ".join(seen.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def escaped(text: str) -> str:
    """`text` with control characters written out, as a log keeps them."""
    return _CONTROLS.sub(lambda found: ascii(found.group())[1:-1], text)


class LineFormatter(logging.Formatter):
    """One record, one line; the lines of a traceback begin with a bar, so none passes for one."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of the record."""
        return escaped(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        """The traceback, below the line."""
        text = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join(f"  | {escaped(line)}" for line in text.splitlines())
