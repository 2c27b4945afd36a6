"""Edit the state and answer a question in one step: both hold, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from workflows.models import Decision, Interrupt, Vote
from workflows.services.access import find_interrupt
from workflows.services.action import InvalidAnswer
from workflows.services.desk import audit
from workflows.services.edit_state import check_reason
from workflows.services.editing import as_written
from workflows.services.preview_edit import refuse_faults
from workflows.services.queueing import lock_thread
from workflows.services.resume_run import ResumeRun


@dataclass(frozen=True)
class SaveAndResume:
    """A `decision` whose answer goes on with edited state (R5.21).

    `values` take the place of what is in their channels, `updates` go through their reducers.
    The decision names the checkpoint that was shown, and its reason tells of the edit too. All
    rules of a decision hold: who may, four eyes, quorum, undo.
    """

    decision: ResumeRun
    values: Mapping[str, Any]
    updates: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> Interrupt:
        """The question, where this person may decide it and edit the state with it."""
        self._check_words()
        edits = {**self.values, **self.updates}
        return replace(self.decision, edits=edits).check()

    def execute(self) -> Decision | Vote:
        """Record edit and decision and queue the run that carries both.

        A repeated idempotency key gives the first decision again.
        """
        self._check_words()
        with transaction.atomic():
            row = find_interrupt(self.decision.person, self.decision.interrupt)
            thread = lock_thread(row.thread_id)
            key = self.decision.idempotency_key
            known = Decision.objects.filter(idempotency_key=key).exists()
            written = as_written(thread.graph, self.values, self.updates)
            made = replace(self.decision, edits=written).execute()
            if key is None or not known:
                refuse_faults(thread, written, [row.interrupt_id])
                self._record(row, made)
        return made

    def _check_words(self) -> None:
        if not {**self.values, **self.updates}:
            raise InvalidAnswer({"": "an edit names at least one channel"})
        check_reason(self.decision.reason)

    def _record(self, row: Interrupt, made: Decision | Vote) -> None:
        audit.record(
            self.decision.person,
            "state.edited",
            channel=self.decision.channel,
            graph=row.graph,
            thread=row.thread_id,
            subject=f"thread {row.thread_id}",
            data={
                "channels": sorted({**self.values, **self.updates}),
                "reason": self.decision.reason,
                "from": self.decision.checkpoint,
                "question": row.pk,
                "decision": made.pk,
            },
        )
