"""The state of a thread as a person may see it: secrets masked, what cannot be read told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from workflows.engine import serde
from workflows.engine.channels import is_journal, unfolded
from workflows.engine.checkpoint.base import CheckpointTuple, checkpoint_config
from workflows.engine.errors import SerdeError, WorkflowError
from workflows.engine.loop import undoing
from workflows.models import Thread
from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.display import Shown, show_tree
from workflows.services.records import State, StateField
from workflows.storage.outage import is_away
from workflows.storage.saver import DjangoSaver


class _TreeSerde:
    """Reads stored text as plain trees, so a type that is gone does not hide the state."""

    loads = staticmethod(serde.tree)
    dumps = staticmethod(serde.dumps)


def read_state(
    thread: Thread,
    rights: Rights,
    checkpoint: str = "",
    whole: Collection[str] = (),
) -> State:
    """The state at `checkpoint`, by default at the thread's head.

    Long values are cut, but for those of the fields that `whole` names.
    """
    wanted = checkpoint or thread.head
    if not wanted:
        return State("")
    try:
        found = DjangoSaver(serde=_TreeSerde()).get_tuple(
            checkpoint_config(thread.pk, "", wanted)
        )
    except (SerdeError, WorkflowError) as error:
        return State(wanted, problem=str(error))
    if found is None:
        return State(wanted, problem="There is no such checkpoint on this thread.")
    _put_together(thread, wanted, found)
    return _state_of(thread, rights, wanted, found, whole)


def _put_together(thread: Thread, checkpoint: str, found: CheckpointTuple) -> None:
    """Show the values of delta channels, which are saved as what was written to them."""
    values = found.checkpoint.get("channel_values") or {}
    journals = [name for name, value in values.items() if is_journal(value)]
    if not journals:
        return
    item = registry.find(thread.graph)
    channels = getattr(getattr(item and item.graph, "program", None), "channels", {})
    try:
        typed = DjangoSaver().get_tuple(checkpoint_config(thread.pk, "", checkpoint))
        for name in journals:
            channel = channels[name].fresh()
            assert typed is not None  # noqa: S101 - it was there a moment ago
            channel.load(typed.checkpoint["channel_values"][name])
            values[name] = serde.tree(serde.dumps(channel.get()))
    except Exception as error:
        if is_away(error):
            raise
        for name in journals:
            values[name] = unfolded(values[name])


def channel_values(found: CheckpointTuple, names: tuple[str, ...]) -> dict[str, Any]:
    """The channels of the author's own state, in the order they were declared."""
    values = found.checkpoint.get("channel_values") or {}
    wanted = names or [name for name in values if is_state_channel(name)]
    return {name: values[name] for name in wanted if name in values}


def is_state_channel(name: str) -> bool:
    """Whether a channel's name is not one of the engine's own."""
    return not name.startswith("__") and ":" not in name


def state_names(graph: str) -> tuple[str, ...]:
    """The channels that the workflow's state declares, in order; none where not known."""
    item = registry.find(graph)
    program = getattr(item.graph, "program", None) if item else None
    if program is None or program.functional:
        return ()
    names: tuple[str, ...] = program.state_keys
    return names


def _state_of(
    thread: Thread,
    rights: Rights,
    checkpoint: str,
    found: CheckpointTuple,
    whole: Collection[str],
) -> State:
    item = registry.find(thread.graph)
    secret = item.secret if item else frozenset()
    editable = item.editable if item else frozenset()
    # Of a workflow that is gone nobody knows which channels were secret.
    hide_all = item is None and not rights.is_admin
    sees_secrets = rights.can_see_secret(thread.graph)
    fields = []
    for name, value in channel_values(found, state_names(thread.graph)).items():
        if hide_all or (name in secret and not sees_secrets):
            fields.append(StateField(name, is_masked=True))
            continue
        shown = Shown(value) if name in whole else show_tree(value)
        fields.append(
            StateField(
                name,
                shown.tree,
                is_editable=name in editable,
                is_cut=shown.is_cut,
                size=shown.size,
                problem=shown.problem,
            )
        )
    is_undone = undoing.is_over(found)
    due = [] if is_undone else found.checkpoint.get("due") or []
    return State(
        checkpoint,
        tuple(fields),
        tuple(dict.fromkeys(str(each.get("node", "")) for each in due)),
        found.metadata.get("step"),
        is_undoing=undoing.is_begun(found),
        is_undone=is_undone,
    )
