"""The updates that may be sent to a thread from its page, and what they answer, as pages show it (RB.16)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.models import Thread
from workflows.services import registry
from workflows.services.access import RUN, Person, Rights, find_thread
from workflows.services.desk.deciding import Decider
from workflows.services.display import Shown, show_value
from workflows.services.editing import check_editor, may_edit
from workflows.services.send_update import updates_of

HIDDEN = "•••"


@dataclass(frozen=True)
class OfferedUpdate:
    """One update of a workflow; `schema` is the JSON Schema of its arguments."""

    name: str
    title: str
    description: str
    schema: Mapping[str, Any]


def offered(person: Person, thread_id: str) -> dict[str, OfferedUpdate]:
    """The updates of a thread's workflow by name; raises where this person may not change its state now."""
    thread = find_thread(person, thread_id)
    check_editor(person, thread, scope=RUN)
    return _offered(thread.graph)


def offered_on_page(decider: Decider, thread: Thread) -> list[OfferedUpdate]:
    """Those that a thread's page should lead to: none where this person may send none."""
    if not thread.head or not updates_of(thread.graph):
        return []
    return (
        [*_offered(thread.graph).values()]
        if may_edit(decider, thread, scope=RUN)
        else []
    )


def shown_result(graph: str, result: Any, rights: Rights) -> Shown:
    """A result for whoever has sent the update: the parts hidden, however deep, whose names are secret in the state."""
    shown = show_value(result)
    tree = shown.tree
    if not rights.can_see_secret(graph):
        item = registry.find(graph)
        tree = _masked(tree, item.secret) if item else tree and HIDDEN
    return Shown(tree, shown.is_cut, shown.size, shown.problem)


def _masked(tree: Any, secret: Collection[str]) -> Any:
    if isinstance(tree, list):
        return [_masked(part, secret) for part in tree]
    if not isinstance(tree, dict):
        return tree
    pairs = tree.get("v")
    if tree.get("$t") == "dict" and isinstance(
        pairs, list
    ):  # has keys that are no text
        return {**tree, "v": [_masked_pair(pair, secret) for pair in pairs]}
    return {
        name: HIDDEN if name in secret else _masked(part, secret)
        for name, part in tree.items()
    }


def _masked_pair(pair: Any, secret: Collection[str]) -> Any:
    if isinstance(pair, list) and isinstance(pair[0], str) and pair[0] in secret:
        return [pair[0], HIDDEN]
    return _masked(pair, secret)


def title_of(name: str) -> str:
    """The name of an update in words: "set_limit" is "Set limit"."""
    words = " ".join(name.replace("_", " ").replace("-", " ").split()) or name
    return words[:1].upper() + words[1:]


def _offered(graph: str) -> dict[str, OfferedUpdate]:
    found = {}
    for name, handler in updates_of(graph).items():
        schema = handler.schema()
        schema.pop("description", None)  # the page says it once, above the form
        found[name] = OfferedUpdate(name, title_of(name), handler.description, schema)
    return found
