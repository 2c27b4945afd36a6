"""What a caller gives as updates of the state: whether it is any, and what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.errors import InvalidUpdateError
from workflows.engine.kinds import check_text, refused
from workflows.engine.types import StateUpdate


def check_supersteps(supersteps: Sequence[Sequence[StateUpdate]]) -> None:
    """Refuse what is no update, before the thread is taken: TypeError, ValueError for none at all."""
    example = "give lists of updates: [[StateUpdate(values, as_node)]]"
    if not isinstance(supersteps, Sequence) or isinstance(supersteps, str):
        raise TypeError(f"bulk_update_state was given {supersteps!r}; {example}")
    for step in supersteps:
        if not isinstance(step, Sequence) or isinstance(step, str):
            raise TypeError(f"bulk_update_state: {step!r} is no step; {example}")
        for one in step:
            if not isinstance(one, StateUpdate):
                raise TypeError(f"bulk_update_state: {one!r} is no update; {example}")
            _check_names(one)
    if not supersteps or any(not step for step in supersteps):
        raise ValueError("bulk_update_state needs at least one update in every step")


def _check_names(given: StateUpdate) -> None:
    where, wanted = "update_state", "a node's name, or None"
    if given.as_node is not None and not isinstance(given.as_node, str):
        raise refused(where, "as_node", given.as_node, wanted, InvalidUpdateError)
    if given.task_id is not None:
        check_text(given.task_id, where, "task_id", "the id of a task, or None")


def check_nodes(step: Sequence[StateUpdate]) -> None:
    """Refuse several updates in one step of which not each says its node."""
    if len(step) > 1 and any(u.as_node is None for u in step):
        raise InvalidUpdateError(
            "several updates in one step need an as_node each, so that it is clear "
            "whose edges fire"
        )


def updates_of_copy(values: Any) -> list[StateUpdate]:
    """The updates that follow a copy in one step, node by node as they are first named (R6.7).

    They are given as a list of (values, as_node). Raises InvalidUpdateError for anything else but None.
    """
    if values is None:
        return []
    if not isinstance(values, list) or not all(
        isinstance(pair, list | tuple) and len(pair) > 1 for pair in values
    ):
        wanted = "a list of pairs (values, as_node), or None"
        raise refused("update_state", "values", values, wanted, InvalidUpdateError)
    updates = [StateUpdate(pair[0], pair[1]) for pair in values]
    if updates:
        check_supersteps([updates])
        check_nodes(updates)
    nodes = [each.as_node for each in updates]
    return sorted(updates, key=lambda each: nodes.index(each.as_node))
