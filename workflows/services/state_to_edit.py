"""The state of a thread as its editor needs it: values at the head, schema, who may and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.engine import serde
from workflows.engine.errors import DurablewebError
from workflows.engine.jsonschema import json_schema
from workflows.models import Interrupt, Thread
from workflows.services import registry
from workflows.services.access import (
    Person,
    Rights,
    find_interrupt,
    find_thread,
)
from workflows.services.action import NotVisible
from workflows.services.binding import bound
from workflows.services.desk.deciding import RELATED, Decider, why_apart
from workflows.services.desk.secrets_seen import note_secrets_seen
from workflows.services.display import show_tree
from workflows.services.editing import check_editor, may_edit, reducers
from workflows.services.queueing import has_unfinished_run
from workflows.services.records import QueueItem, ThreadRecord
from workflows.services.state import read_state, state_names
from workflows.services.thread_history import open_questions, plain_thread
from workflows.storage.saver import DjangoSaver


@dataclass(frozen=True)
class ChannelToEdit:
    """One channel. `schema` is its part of the state's, `reducer` the name of what folds updates in.

    A value that is `is_cut` is given only in part, and then it may not be edited; asked for by
    name it comes whole.
    """

    name: str
    tree: Any = None
    is_set: bool = False
    is_masked: bool = False
    is_editable: bool = False
    is_cut: bool = False
    size: int = 0
    problem: str = ""
    schema: Mapping[str, Any] | None = None
    reducer: str = ""


@dataclass(frozen=True)
class StateToEdit:
    """A thread's state for its editor.

    `step` is that of the `checkpoint` at which the values stand. `definitions` are what the
    channels' schemas refer to. `busy` says that a run has not ended.
    """

    thread: ThreadRecord
    checkpoint: str
    step: int | None
    channels: tuple[ChannelToEdit, ...]
    definitions: Mapping[str, Any] = field(default_factory=dict)
    questions: tuple[QueueItem, ...] = ()
    question: int = 0
    busy: bool = False
    problem: str = ""
    apart: str = ""
    """Why the question cannot be answered in the same step."""

    @property
    def editable(self) -> tuple[ChannelToEdit, ...]:
        """The channels that this person may edit, whole or not."""
        return tuple(each for each in self.channels if each.is_editable)


def state_to_edit(
    person: Person,
    thread_id: str,
    question: int = 0,
    whole: frozenset[str] = frozenset(),
    at: str = "",
) -> StateToEdit:
    """The state of a thread for whoever may edit it, `at` one of its checkpoints or the newest.

    `question` must be one of this thread. Raises NotVisible, NotAllowed and ClaimedByOther.
    """
    thread = find_thread(person, thread_id)
    if question and find_interrupt(person, question).thread_id != thread.pk:
        raise NotVisible("question", question)
    check_editor(person, thread, question)
    rights = Rights(person)
    note_secrets_seen(rights, thread)
    values, problem = _values(thread, at)
    shown = read_state(thread, rights, at)
    channels = []
    schemas = _schemas(thread.graph)
    properties = schemas.get("properties") or {}
    with_reducer = reducers(thread.graph)
    item = registry.find(thread.graph)
    editable = item.editable if item else frozenset()
    masked = frozenset() if item is None else item.secret
    if rights.can_see_secret(thread.graph):
        masked = frozenset()
    for name in state_names(thread.graph) or tuple(values):
        if name in masked:
            channels.append(ChannelToEdit(name, is_masked=True))
            continue
        made = _channel(name, values, name in whole)
        channels.append(
            ChannelToEdit(
                **made,
                is_editable=name in editable and not problem,
                schema=properties.get(name),
                reducer=with_reducer.get(name, ""),
            )
        )
    row = (
        Interrupt.objects.filter(pk=question, status=Interrupt.Status.PENDING)
        .select_related(*RELATED)
        .first()
    )
    return StateToEdit(
        plain_thread(thread),
        at or thread.head,
        shown.step,
        tuple(channels),
        {key: schemas[key] for key in ("$defs", "definitions") if key in schemas},
        open_questions(thread, rights),
        row.pk if row else 0,
        has_unfinished_run(thread.pk),
        problem or shown.problem,
        why_apart(row, Decider(person, rights).rules(row)) if row else "",
    )


def can_open_editor(decider: Decider, thread: Thread, question: int = 0) -> bool:
    """Whether a page should lead to the editor: this person may edit and there is what to edit."""
    item = registry.find(thread.graph)
    return (
        item is not None
        and bool(item.editable)
        and bool(thread.head)
        and may_edit(decider, thread, question)
    )


def step_of(person: Person, thread_id: str, checkpoint: str) -> int | None:
    """The step of a checkpoint of the thread; None where it is gone."""
    thread = find_thread(person, thread_id)
    return read_state(thread, Rights(person), checkpoint).step if checkpoint else None


def _values(thread: Thread, at: str) -> tuple[dict[str, Any], str]:
    """The values at a checkpoint or the head, with what finished tasks of its step have written (R6.2)."""
    item = registry.find(thread.graph)
    if item is None:
        return {}, f"No workflow {thread.graph!r} is registered in this process."
    if not thread.head:
        return {}, "The thread has no state yet."
    if not hasattr(item.graph, "get_state"):
        return {}, "This workflow keeps no state that can be edited."
    graph = bound(item.graph, DjangoSaver(graph=thread.graph))
    place = {"checkpoint_id": at} if at else {}
    config = {"configurable": {"thread_id": thread.pk, **place}}
    try:
        values = graph.get_state(config).values
    except DurablewebError as error:
        return {}, str(error)
    return (dict(values), "") if isinstance(values, Mapping) else ({}, "")


def _channel(name: str, values: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    if name not in values:
        return {"name": name}
    try:
        text = serde.dumps(values[name])
        tree = serde.tree(text)
    except DurablewebError as error:
        return {"name": name, "is_set": True, "is_cut": True, "problem": str(error)}
    found = {"name": name, "is_set": True, "size": len(text)}
    if whole:
        return {**found, "tree": tree}
    shown = show_tree(tree, len(text))
    return {**found, "tree": shown.tree, "is_cut": shown.is_cut}


def _schemas(graph: str) -> dict[str, Any]:
    """The JSON Schema of the workflow's state; empty where it cannot be described."""
    item = registry.find(graph)
    state = getattr(item.graph, "state_schema", None) if item else None
    if state is None:
        return {}
    try:
        return dict(json_schema(state))
    except Exception:  # noqa: BLE001 - a class of the author that nothing here describes
        return {}
