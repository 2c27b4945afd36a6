"""The whole messages that tasks return, for the stream mode `messages`: each once in a call (R9.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from workflows.engine import ids
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.inputs import argument_of
from workflows.engine.loop.plan import metadata_of
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View
from workflows.engine.serde.classes import is_model
from workflows.engine.serde.write import ASSIGNED_ID
from workflows.engine.types import Command


def note_given(run: Run, task: Task) -> None:
    """Remember what a task is given: whoever reads the stream knows it, also if it is returned later."""
    for part in _given(task):
        found = _messages_in(part)
        run.shown.update(message.id for message in found if message.id is not None)


def _given(task: Task) -> Sequence[Any]:
    if task.call is not None:
        return [*task.call.args, *task.call.kwargs.values()]
    try:
        return _parts(argument_of(task))
    except Exception:  # noqa: BLE001 - the task itself fails with it
        return ()


def show(view: View, task: Task) -> Steps[None]:
    """The messages in what a task returned, but those that were shown or given before."""
    run = view.run
    returned, task.returned = task.returned, None
    for message in _messages_of(returned):
        if message.id is None:
            _give_id(message)
        elif message.id in run.shown:
            continue
        run.shown.add(message.id)
        yield from effects.emit("messages", (message, metadata_of(run, task)))


def _messages_of(returned: Any) -> Iterator[Any]:
    """In the order in which they stand there: alone, in a list, in a value of a state or an update."""
    if isinstance(returned, Command):
        yield from _messages_of(returned.update)
    elif _is_sequence(returned) and any(isinstance(r, Command) for r in returned):
        for each in returned:
            yield from _messages_of(each)
    elif _is_message(returned) or _is_sequence(returned):
        yield from _messages_in(returned)
    else:
        for part in _parts(returned):
            yield from _messages_in(part)


def _parts(state: Any) -> Sequence[Any]:
    """The values of a dict, a model or a dataclass."""
    kind = type(state)
    if isinstance(state, Mapping):
        return [*state.values()]
    if is_model(kind):
        return [getattr(state, name) for name in kind.model_fields]
    if dataclasses.is_dataclass(kind):
        return [getattr(state, field.name) for field in dataclasses.fields(kind)]
    return ()


def _messages_in(value: Any) -> list[Any]:
    if _is_sequence(value):
        return [each for each in value if _is_message(each)]
    return [value] if _is_message(value) else []


def _is_message(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("id", "type", "content"))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _give_id(message: Any) -> None:
    """Name a message as `add_messages` would, so that what is streamed and what is kept are one."""
    with suppress(AttributeError, TypeError, ValueError):  # a frozen class
        message.id = f"{ASSIGNED_ID}{UUID(int=ids.entropy(128), version=4)}"
