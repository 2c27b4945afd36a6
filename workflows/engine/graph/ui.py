"""Parts of a user interface as state: what a node shows beside its messages, for a client that draws it."""

from __future__ import annotations

from typing import Any, Literal, TypedDict
from uuid import uuid4

from workflows.engine.runtime import current, get_config


class UIMessage(TypedDict):
    """A part to show: `name` says which, `props` what of; `metadata` has `merge`, `message_id` and the run's names."""

    type: Literal["ui"]
    id: str
    name: str
    props: dict[str, Any]
    metadata: dict[str, Any]


class RemoveUIMessage(TypedDict):
    """Says that the part of that id is no longer shown."""

    type: Literal["remove-ui"]
    id: str


AnyUIMessage = UIMessage | RemoveUIMessage


def push_ui_message(
    name: str,
    props: dict[str, Any],
    *,
    id: str | None = None,
    metadata: dict[str, Any] | None = None,
    message: Any = None,
    state_key: str | None = "ui",
    merge: bool = False,
) -> UIMessage:
    """Stream a part in the mode `custom` while the node runs, and write it to the state as the node ends.

    With the id of a part that is there it takes its place, with `merge` only its `props` are brought up to date.
    `message` is the one that it belongs to. With `state_key=None` it is only streamed; in a `@task` it can only be.
    """
    config = get_config()
    belongs_to = message.get("id") if isinstance(message, dict) else None
    belongs_to = belongs_to or getattr(message, "id", None)
    part = UIMessage(
        type="ui",
        id=id or str(uuid4()),
        name=name,
        props=props,
        metadata={
            "merge": merge,
            "run_id": config.get("run_id"),
            "tags": config.get("tags"),
            "name": config.get("run_name"),
            **(metadata or {}),
            **({"message_id": belongs_to} if belongs_to else {}),
        },
    )
    _push(part, state_key)
    return part


def delete_ui_message(id: str, *, state_key: str = "ui") -> RemoveUIMessage:
    """Take a part off again, in the stream and in the state; the reducer raises ValueError where it is not there."""
    part = RemoveUIMessage(type="remove-ui", id=id)
    _push(part, state_key)
    return part


def _push(part: AnyUIMessage, key: str | None) -> None:
    context = current.get()
    if context is None:
        raise RuntimeError("a part of a user interface was pushed outside a graph")
    context.push(part, key or None, "custom")


def ui_message_reducer(
    left: list[AnyUIMessage] | AnyUIMessage, right: list[AnyUIMessage] | AnyUIMessage
) -> list[AnyUIMessage]:
    """Merge two lists of parts by id; one part stands for a list of it.

    A known id takes its part's place, a new one is appended, a removal takes off.
    Raises ValueError for a removal of what is not there.
    """
    parts = {part["id"]: part for part in _listed(left)}
    removed = set()
    for part in _listed(right):
        known = parts.get(part["id"])
        if part["type"] == "remove-ui":
            if known is None:
                raise ValueError(f"cannot remove part {part['id']!r}: none has that id")
            removed.add(part["id"])
            continue
        removed.discard(part["id"])
        parts[part["id"]] = _over(known, part)
    return [part for part in parts.values() if part["id"] not in removed]


def _listed(given: list[AnyUIMessage] | AnyUIMessage) -> list[AnyUIMessage]:
    return given if isinstance(given, list) else [given]


def _over(known: AnyUIMessage | None, part: UIMessage) -> UIMessage:
    """What takes the place of a part: the new one, with the props of the known one below its own if it says so."""
    if known is None or known["type"] == "remove-ui":
        return part
    if not part.get("metadata", {}).get("merge"):
        return part
    return {**part, "props": {**known["props"], **part["props"]}}
