"""What somebody has typed for the channels of a state, as the values that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.engine import serde
from workflows.engine.graph import core_messages
from workflows.engine.graph.message import convert_to_messages, own_message
from workflows.services import strict_json
from workflows.services.action import InvalidAnswer, StaleCheckpoint
from workflows.services.conversation import (
    are_messages,
    is_message,
    is_of_core,
    role_of,
)
from workflows.services.schema_check import schema_errors
from workflows.services.state_to_edit import StateToEdit
from workflows.services.tagged import restore


def restored(trees: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Trees by channel as the values they stand for, `shown` being what they were typed over.

    Raises InvalidAnswer by channel.
    """
    found: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, tree in trees.items():
        before = shown.get(name)
        try:
            found[name] = (
                _messages(tree, before)
                if are_messages(before)
                else restore(tree, before)
            )
        except Exception as error:  # noqa: BLE001 - whatever a type says to its parts
            faults[name] = f"This is no value of this field: {error}"
    if faults:
        raise InvalidAnswer(faults)
    return found


def misfits(state: StateToEdit, name: str, tree: Any) -> dict[str, str]:
    """What of a value does not fit its channel's schema, by its place in the value.

    One that the old value does not fit counts for nothing.
    """
    channel = next((each for each in state.editable if each.name == name), None)
    if channel is None or channel.schema is None:
        return {}
    schema = {**state.definitions, **channel.schema}
    if channel.is_set and not channel.is_cut and schema_errors(channel.tree, schema):
        return {}
    return schema_errors(tree, schema)


def values_of(
    state: StateToEdit, trees: Mapping[str, Any], checkpoint: str
) -> dict[str, Any]:
    """The values of an edit that was made on `checkpoint`, for a state that has its channels whole.

    A channel that may not be edited stays as it was typed: the edit itself refuses it. Raises
    StaleCheckpoint where the state has moved on, InvalidAnswer by channel and place in it.
    """
    if checkpoint != state.checkpoint:
        raise StaleCheckpoint(
            f"The state of thread {state.thread.id} has changed since it was shown; "
            "look at it again and repeat the edit.",
            head=state.checkpoint,
        )
    wrong = {
        f"{name}.{place}" if place else name: fault
        for name, tree in trees.items()
        for place, fault in misfits(state, name, tree).items()
    }
    if wrong:
        raise InvalidAnswer(wrong)
    shown = {each.name: each.tree for each in state.editable if each.is_set}
    return restored(trees, shown)


def _messages(tree: Any, shown: Any) -> Any:
    """The messages of a tree; one that was shown as it is comes back as it was.

    Others are of the package that those shown are of: langchain-core's, or the engine's own.
    """
    if not isinstance(tree, list):
        return tree
    known = {strict_json.dump(each) for each in shown}
    is_core = any(map(is_of_core, shown))
    found = []
    for each in tree:
        text = strict_json.dump(each)
        if text in known:
            found.append(serde.loads(text))
        elif is_message(each):
            rest = {key: part for key, part in each["v"].items() if part is not None}
            rest.pop("type", None)  # the role says it, which may have been changed
            found.append(_made(role_of(each), rest, is_core=is_core))
        else:
            found += convert_to_messages([each])
    return found


def _made(role: str, rest: dict[str, Any], *, is_core: bool) -> Any:
    if is_core:
        return core_messages.made_of(role, rest.pop("content"), rest)
    return own_message({**rest, "role": role})
