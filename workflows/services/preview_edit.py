"""What an edit of a thread's state would do, told before anything is done.

The engine's own rooms work it out on the thread's head, without a write; what an author's
branch writes meanwhile is rolled back with the transaction around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from workflows.engine.errors import DurablewebError
from workflows.engine.loop.preview import Preview
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.access import Person, Rights, find_thread
from workflows.services.action import InvalidAnswer, NotPending
from workflows.services.binding import bound
from workflows.services.display import Shown, show_value
from workflows.services.editing import as_written, check_editor
from workflows.services.resume_run import check_channels
from workflows.services.state import state_names
from workflows.storage.outage import is_away
from workflows.storage.saver import DjangoSaver


@dataclass(frozen=True)
class FieldEffect:
    """One channel whose value would change; of one that may not be read, only that it does."""

    name: str
    before: Any = None
    after: Any = None
    is_new: bool = False
    is_masked: bool = False
    is_cut: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Tasks:
    """Tasks of one node."""

    node: str
    count: int = 1


@dataclass(frozen=True)
class Consequences:
    """What would follow; `questions` are asked again under their number, `over` are not.

    See `workflows.engine.loop.preview.Preview` for the others.
    """

    fields: tuple[FieldEffect, ...] = ()
    again: tuple[Tasks, ...] = ()
    fresh: tuple[Tasks, ...] = ()
    waiting: tuple[Tasks, ...] = ()
    finished: tuple[Tasks, ...] = ()
    dropped: tuple[Tasks, ...] = ()
    calls_kept: tuple[Tasks, ...] = ()
    calls_lost: tuple[Tasks, ...] = ()
    questions: tuple[int, ...] = ()
    over: tuple[int, ...] = ()
    code_changed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    problem: str = ""
    """Why this cannot be done at all."""

    @property
    def is_end(self) -> bool:
        """Whether nothing would be due any more."""
        return not (self.again or self.fresh or self.waiting or self.problem)


@dataclass(frozen=True)
class Effect:
    """What both ways of saving would do; `faults` says what is wrong, by channel.

    `resumed` is None where no question would be answered.
    """

    alone: Consequences
    resumed: Consequences | None = None
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_same_state(self) -> bool:
        """Whether both ways lead to the same values."""
        return self.resumed is not None and self.resumed.fields == self.alone.fields


@dataclass(frozen=True)
class PreviewEdit:
    """The effect of new `values` and of `updates` that go through reducers.

    With `question`, also of answering that question in the same step.
    """

    person: Person
    thread_id: str
    values: Mapping[str, Any]
    updates: Mapping[str, Any] = field(default_factory=dict)
    question: int = 0

    def check(self) -> Thread:
        """The thread, where this person may make such an edit."""
        thread = find_thread(self.person, self.thread_id)
        check_editor(self.person, thread, self.question)
        check_channels(
            thread.graph, {**self.values, **self.updates}, Rights(self.person)
        )
        if not thread.head:
            raise NotPending(f"Thread {thread.pk} has no state yet.")
        return thread

    def execute(self) -> Effect:
        """Work it out; nothing is written."""
        thread = self.check()
        written = as_written(thread.graph, self.values, self.updates)
        rights = Rights(self.person)
        found, problem = rehearse(thread, written)
        if found is not None and found.faults:
            return Effect(Consequences(), faults=fault_texts(found.faults))
        alone = _consequences(thread, rights, found, problem)
        row = Interrupt.objects.filter(
            pk=self.question, thread=thread, status=Interrupt.Status.PENDING
        ).first()
        if row is None:
            return Effect(alone)
        found, problem = rehearse(thread, written, [row.interrupt_id])
        return Effect(alone, _consequences(thread, rights, found, problem))


def refuse_faults(
    thread: Thread, written: Mapping[str, Any], answering: Sequence[str] | None = None
) -> None:
    """Raise InvalidAnswer where a reducer, a branch or the engine would refuse the edit."""
    found, problem = rehearse(thread, written, answering)
    if problem:
        raise InvalidAnswer({"": problem})
    if found is not None and found.faults:
        raise InvalidAnswer(fault_texts(found.faults))


def rehearse(
    thread: Thread, written: Mapping[str, Any], answering: Sequence[str] | None = None
) -> tuple[Preview | None, str]:
    """The engine's preview, or why there is none."""
    item = registry.find(thread.graph)
    if item is None:
        return None, f"No workflow {thread.graph!r} is registered in this process."
    graph = bound(item.graph, DjangoSaver(graph=thread.graph, kind=Run.Kind.EDIT))
    config = {"configurable": {"thread_id": thread.pk}}
    try:
        with transaction.atomic():
            found = graph.preview_update(config, dict(written), answering=answering)
            transaction.set_rollback(True)
    except DurablewebError as error:
        return None, str(error)
    except Exception as error:
        if is_away(error):
            raise  # it says nothing about the edit
        return None, f"{type(error).__name__}: {error}"
    return found, ""


def fault_texts(faults: Mapping[str, BaseException]) -> dict[str, str]:
    """What reducers raised, for people."""
    return {
        name: f"The reducer refuses this value: {type(error).__name__}: {error}"
        for name, error in faults.items()
    }


def _consequences(
    thread: Thread, rights: Rights, found: Preview | None, problem: str
) -> Consequences:
    if found is None:
        return Consequences(problem=problem)
    numbers = dict(
        Interrupt.objects.filter(
            thread=thread, interrupt_id__in=[*found.asked_again, *found.superseded]
        ).values_list("interrupt_id", "pk")
    )
    return Consequences(
        fields=tuple(_fields(thread.graph, rights, found)),
        again=_counted(found.again),
        fresh=_counted(found.fresh),
        waiting=_counted(found.waiting),
        finished=_counted(found.finished),
        dropped=_counted(found.dropped),
        calls_kept=_counted(found.calls_kept),
        calls_lost=_counted(found.calls_lost),
        questions=tuple(numbers[i] for i in found.asked_again if i in numbers),
        over=tuple(numbers[i] for i in found.superseded if i in numbers),
        code_changed=found.code_changed,
        warnings=found.warnings,
        refusal=found.refusal,
    )


def _fields(graph: str, rights: Rights, found: Preview) -> Iterable[FieldEffect]:
    item = registry.find(graph)
    masked = (
        frozenset() if item is None or rights.can_see_secret(graph) else item.secret
    )
    for name in state_names(graph) or tuple(found.after):
        if name not in found.after:
            continue
        is_new = name not in found.before
        old = Shown(None) if is_new else show_value(found.before[name])
        new = show_value(found.after[name])
        is_same = old == new and not is_new
        # What is cut away may differ where all that is shown does not.
        if is_same and not new.is_cut:
            continue
        if is_same and found.before[name] == found.after[name]:
            continue
        if name in masked:
            yield FieldEffect(name, is_masked=True)
            continue
        cut = old.is_cut or new.is_cut
        problem = new.problem or old.problem
        yield FieldEffect(name, old.tree, new.tree, is_new, False, cut, problem)


def _counted(nodes: Iterable[str]) -> tuple[Tasks, ...]:
    return tuple(Tasks(node, count) for node, count in Counter(nodes).items())
