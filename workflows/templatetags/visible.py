"""Text that cannot mislead the eye: characters one does not see are written out.

Node output is written by models and tools and read beside an Approve button, so controls,
direction overrides and zero-width characters become a small visible mark.
"""

import re
import unicodedata

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Line feeds, tabs and the joiner inside emoji are ordinary; the rest of the classes is not.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200c\u200d\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff"
    "\uffa0\ufff0-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SHORT = {
    "\x00": "NUL",
    "\r": "CR",
    "\x1b": "ESC",
    "\u00ad": "SHY",
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2060": "WJ",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
}


def visible(text: object) -> SafeString:
    """Escape a text for html and mark every character in it that cannot be seen."""
    source = str(text).replace("\r\n", "\n")
    if not _HIDDEN.search(source):
        return SafeString(escape(source))
    parts: list[str] = []
    start = 0
    for match in _HIDDEN.finditer(source):
        at = match.start()
        parts.append(escape(source[start:at]))
        parts.append(match.group() if _in_emoji(source, at) else _mark(match.group()))
        start = match.end()
    parts.append(escape(source[start:]))
    # Each part is either escaped here or made by _mark from a fixed alphabet.
    return mark_safe("".join(parts))  # noqa: S308


def visible_text(text: object) -> str:
    """The same as plain text, for places that take no markup: attributes, options, titles."""
    source = str(text).replace("\r\n", "\n")
    return _HIDDEN.sub(
        lambda found: (
            found.group()
            if _in_emoji(source, found.start())
            else f"[{_label(found.group())}]"
        ),
        source,
    )


def has_hidden(text: str) -> bool:
    """Whether a text holds characters that `visible` would mark."""
    return any(not _in_emoji(text, m.start()) for m in _HIDDEN.finditer(text))


def _mark(character: str) -> str:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "control character").lower()
    return (
        f'<span class="hidden-character" title="{code} {name}">'
        f'<span class="visually-hidden">hidden character </span>{_label(character)}</span>'
    )


def _label(character: str) -> str:
    return _SHORT.get(character, f"U+{ord(character):04X}")


def _in_emoji(text: str, at: int) -> bool:
    """A joiner or a variation selector between pictures belongs to the picture."""
    if text[at] not in "\u200d\ufe0f" or at == 0:
        return False
    return unicodedata.category(text[at - 1]) in {"So", "Sk", "Mn"}
