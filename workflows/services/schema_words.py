"""Where a response schema has a place for the decision itself, and for its reason.

The buttons of the page fill such a field in, so that a workflow whose schema says
`decision: approve | reject` needs no second form. A field is taken for that only where every
word it allows is known: otherwise people choose in the form, and no button speaks over them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DECISION_FIELDS = ("decision", "action", "verdict")
FLAG_FIELDS = ("approved", "approve", "accepted")
REASON_FIELDS = ("reason", "comment", "message", "note")
REPLY_FIELDS = ("response", "reply", "answer", *REASON_FIELDS)

# Kind of a decision -> the words that a schema may use for it.
WORDS: dict[str, tuple[str, ...]] = {
    "approve": ("approve", "approved", "accept", "accepted", "ok", "yes"),
    "edit": ("edit", "edited"),
    "reject": ("reject", "rejected", "decline", "declined", "deny", "denied", "no"),
    "respond": ("respond", "response", "reply", "comment"),
    "changes": (
        *("changes", "changes_needed", "needs_changes", "changes_requested"),
        *("request_changes", "revise", "rework", "send_back"),
    ),
    "close": ("close", "closed", "ignore", "ignored", "dismiss", "skip"),
}
_KIND_OF = {word: kind for kind, words in WORDS.items() for word in words}


@dataclass(frozen=True)
class Saying:
    """The field that holds the decision, with the value for each kind; "" where none does.

    `reason` and `reply` name the fields that take a person's words, "" where there are none.
    """

    field: str = ""
    words: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reason: str = ""
    reply: str = ""

    def word(self, kind: str) -> Any:
        """What the field says for this kind; an edit that has no word is an approval."""
        if kind == "edit" and kind not in self.words:
            kind = "approve"
        return self.words.get(kind)


NOTHING = Saying()


def follow(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with a leading local `$ref` followed; an unknown one gives an empty schema."""
    seen = 0
    while isinstance(schema, Mapping) and "$ref" in schema and seen < 20:
        ref = schema["$ref"]
        target: Any = root
        if not isinstance(ref, str) or not ref.startswith("#"):
            return {}
        for part in ref[1:].strip("/").split("/") if ref != "#" else []:
            step = part.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, Mapping) else None
        schema, seen = target, seen + 1
    return dict(schema) if isinstance(schema, Mapping) else {}


def saying_of(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Saying:
    """Where an object schema has its place for the decision and for words."""
    fields = schema.get("properties")
    if not isinstance(fields, Mapping):
        return NOTHING
    name, words = _decision(fields, root)
    return Saying(
        name,
        words,
        _first(REASON_FIELDS, fields, root),
        _first(REPLY_FIELDS, fields, root),
    )


def _decision(
    fields: Mapping[str, Any], root: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    for name in DECISION_FIELDS:
        allowed = _allowed_words(follow(fields.get(name), root), root)
        if allowed and all(word in _KIND_OF for word in allowed):
            words: dict[str, Any] = {}
            for word in allowed:
                words.setdefault(_KIND_OF[word], word)
            if "approve" in words:
                return name, words
    for name in FLAG_FIELDS:
        if follow(fields.get(name), root).get("type") == "boolean":
            return name, {"approve": True, "reject": False}
    return "", {}


def _allowed_words(spec: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    words = [word for word in spec.get("enum", ()) if isinstance(word, str)]
    if isinstance(spec.get("const"), str):
        words.append(spec["const"])
    for branch in (*spec.get("anyOf", ()), *spec.get("oneOf", ())):
        words += _allowed_words(follow(branch, root), root)
    return words


def _first(
    names: tuple[str, ...], fields: Mapping[str, Any], root: Mapping[str, Any]
) -> str:
    return next((name for name in names if _is_text(fields.get(name), root)), "")


def _is_text(spec: Any, root: Mapping[str, Any]) -> bool:
    found = follow(spec, root)
    if "enum" in found or "const" in found:
        return False
    kinds = found.get("type")
    if kinds == "string" or (isinstance(kinds, list) and "string" in kinds):
        return True
    return any(_is_text(each, root) for each in found.get("anyOf", ()))
