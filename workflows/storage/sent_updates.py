"""The mailbox of updates, as rows: whatever process sends one or carries it out (RB.16).

Its answer is written with the commit that it makes, where it still waits; so it is carried out once, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.db import transaction
from msgspec import structs

from workflows.engine.checkpoint.base import (
    CheckpointTuple,
    Commit,
    Config,
    checkpoint_config,
)
from workflows.engine.checkpoint.updating import UpdateAnswer, UpdateRequest
from workflows.engine.errors import SerdeError
from workflows.engine.serde.vault import Vault
from workflows.engine.update_errors import UpdateRefused
from workflows.storage.connections import LATER_SQL, NOW_SQL, connection_of, execute
from workflows.storage.leases import seconds_param
from workflows.storage.row_saver import RowSaver
from workflows.storage.texts import clean

ARGUMENTS = "update"
ANSWER = "answer to an update"
LONGEST_NAME = 200
"""Characters of the name of who has sent an update."""
GRACE = 5.0
"""Seconds after which nobody carries out what its sender did not come to take back."""

_SEND = """
INSERT INTO workflows_sentupdate (thread_id, token, name, args, by, sent_by_id, until)
VALUES (%s, %s, %s, %s, %s, %s, {until})
ON CONFLICT (thread_id, token) DO UPDATE SET status = 'waiting',
by = CASE WHEN {is_back} THEN excluded.by ELSE workflows_sentupdate.by END,
sent_by_id = CASE WHEN {is_back} THEN excluded.sent_by_id ELSE workflows_sentupdate.sent_by_id END,
until = CASE WHEN {is_back} OR workflows_sentupdate.until < excluded.until OR excluded.until IS NULL
THEN excluded.until ELSE workflows_sentupdate.until END
WHERE workflows_sentupdate.status IN ('waiting', 'withdrawn')"""
_IS_BACK = "workflows_sentupdate.status = 'withdrawn'"
_SAME = "SELECT name, args, status FROM workflows_sentupdate WHERE thread_id = %s AND token = %s"
_WAITING = """
SELECT token, name, args, by FROM workflows_sentupdate
WHERE thread_id = %s AND status = 'waiting' AND (until IS NULL OR until > {now})
ORDER BY id"""
_WAITS = """
SELECT 1 FROM workflows_sentupdate
WHERE thread_id = %s AND status = 'waiting' AND (until IS NULL OR until > {now}) LIMIT 1"""
ANSWER_SQL = """
UPDATE workflows_sentupdate SET status = %s, answer = %s, answered_at = {now}
WHERE thread_id = %s AND token = %s AND status = 'waiting'"""
_ANSWER_OF = """
SELECT status, answer FROM workflows_sentupdate
WHERE thread_id = %s AND token = %s AND status IN ('done', 'refused', 'failed')"""
_WITHDRAW = """
UPDATE workflows_sentupdate SET status = 'withdrawn'
WHERE thread_id = %s AND token = %s AND status = 'waiting'"""
_AT_WORK = """
SELECT 1 FROM workflows_run WHERE thread_id = %s AND status = 'running'
AND (lease_until IS NULL OR lease_until > {now})"""
_TO_COME = "SELECT 1 FROM workflows_run WHERE thread_id = %s AND status = 'pending'"


class AnswerRow(NamedTuple):
    """The answer to an update, as the columns that it changes and finds it by."""

    status: str
    answer: str
    thread_id: str
    token: str


class KeepsSentUpdates:
    """The part of a saver over Django's tables that keeps updates."""

    keeps_updates = True
    using: str
    sent_by: int | None = None
    """Who sends updates with this saver: the number of a person, None for a program."""
    get_tuple: Callable[[Config], CheckpointTuple | None]
    _codec: Any
    _vault: Vault | None

    @property
    def answers_in_commit(self) -> bool:
        """Unless somebody's own `put` or `put_writes` saves."""
        return getattr(type(self), "commit", None) is RowSaver.commit

    def ask_update(
        self, thread_id: str, request: UpdateRequest, seconds: float | None
    ) -> None:
        """Let an update wait for whoever holds the thread, for so long; one that was taken back waits again.

        Of those who send with one key it waits for the one who waits longest. Raises UpdateRefused where the key was
        used for another one before.
        """
        wrapper = connection_of(self.using)
        args = self._codec.dumps(request.args, f"arguments of update {request.name}")
        self._standing(thread_id, request, args)
        until, limit = "NULL", []
        if seconds is not None:
            until = LATER_SQL[wrapper.vendor]
            limit = [seconds_param(wrapper.vendor, seconds + GRACE)]
        sealed = self._sealed(args, thread_id, ARGUMENTS)
        by = clean(request.by)[:LONGEST_NAME]
        named = (thread_id, request.id, request.name, sealed, by)
        given = (*named, self.sent_by, *limit)
        execute(wrapper, _SEND.format(until=until, is_back=_IS_BACK), given)
        self._standing(thread_id, request, args)

    def ask_update_again(
        self, thread_id: str, request: UpdateRequest, seconds: float | None
    ) -> None:
        """Have an update wait on for so long that another sender with its key has taken back.

        Raises UpdateRefused where it is gone, as with its thread.
        """
        args = self._codec.dumps(request.args, f"arguments of update {request.name}")
        status = self._standing(thread_id, request, args)
        if status == "withdrawn":
            self.ask_update(thread_id, request, seconds)
        elif not status:
            raise UpdateRefused(
                f"update {request.name!r} of thread {thread_id!r} was not carried out: it is gone, as when the thread "
                "is removed"
            )

    def _standing(self, thread_id: str, request: UpdateRequest, args: str) -> str:
        """The status of what lies under its id, "" for nothing. Raises UpdateRefused where that is another update."""
        key = request.id.removeprefix("key:")
        found = execute(connection_of(self.using), _SAME, (thread_id, request.id))
        name, kept, status = found.fetchone() or ("", "", "")
        if not status:
            return ""
        if (name, self._opened(kept, thread_id, ARGUMENTS)) != (request.name, args):
            raise UpdateRefused(
                f"idempotency key {key!r} was used before for another update of thread {thread_id!r}, "
                f"{name!r}; nothing was done: give another key"
            )
        return str(status)

    def waiting_updates(self, thread_id: str) -> list[UpdateRequest]:
        """Those that have no answer and may still be carried out, oldest first; one that cannot be read here has failed."""
        wrapper = connection_of(self.using)
        sql = _WAITING.format(now=NOW_SQL[wrapper.vendor])
        found = []
        for token, name, kept, by in execute(wrapper, sql, (thread_id,)).fetchall():
            try:
                args = self._codec.loads(self._opened(kept, thread_id, ARGUMENTS))
            except SerdeError as error:  # sent by other code than is here
                reason = f"its arguments cannot be read where it was to be carried out: {error}"
                answer = UpdateAnswer("failed", reason=reason)
                self.answer_update(thread_id, token, answer)
                continue
            found.append(UpdateRequest(token, name, args, by))
        return found

    def hold_update(self, thread_id: str, update_id: str) -> None:
        """The commit that carries it out looks whether it still waits."""

    def answer_update(
        self, thread_id: str, update_id: str, answer: UpdateAnswer
    ) -> None:
        """Answer an update that has no answer."""
        wrapper = connection_of(self.using)
        row = self._answer_row(thread_id, update_id, answer)
        execute(wrapper, ANSWER_SQL.format(now=NOW_SQL[wrapper.vendor]), row)

    def answer_of(self, thread_id: str, update_id: str) -> UpdateAnswer | None:
        """What became of it, None as long as nothing has."""
        wrapper = connection_of(self.using)
        found = execute(wrapper, _ANSWER_OF, (thread_id, update_id)).fetchone()
        if found is None:
            return None
        status, text = found
        said = self._codec.loads(self._opened(text, thread_id, ANSWER))
        return UpdateAnswer(status, **said)

    def withdraw_update(self, thread_id: str, update_id: str) -> bool:
        """Take it back, unless it is answered; where that is just being saved, its commit is waited for."""
        execute(connection_of(self.using), _WITHDRAW, (thread_id, update_id))
        return True

    def may_be_updated(self, thread_id: str) -> bool:
        """Not while a run is at work, nor where one is to begin and nothing is due yet: taking the thread leaves a row.

        Nor where nothing waits, as once the thread is removed.
        """
        wrapper = connection_of(self.using)
        now = NOW_SQL[wrapper.vendor]
        if execute(wrapper, _WAITS.format(now=now), (thread_id,)).fetchone() is None:
            return False
        at_work = execute(wrapper, _AT_WORK.format(now=now), (thread_id,))
        if at_work.fetchone() is not None:
            return False
        if not self.is_to_go_on(thread_id):
            return True
        found = self.get_tuple(checkpoint_config(thread_id))
        return found is not None and bool(found.checkpoint["due"])

    def is_to_go_on(self, thread_id: str) -> bool:
        """Whether a run is queued on the thread, so that an update can wait for it."""
        found = execute(connection_of(self.using), _TO_COME, (thread_id,))
        return found.fetchone() is not None

    async def aupdates(self, method: str, *given: Any) -> Any:
        """Async twin of all of these: calls `method`."""
        return await sync_to_async(getattr(self, method))(*given)

    def answer_rows(self, commit: Commit) -> list[AnswerRow]:
        """The answer that `commit` carries, as a row."""
        if commit.answers is None or not self.answers_in_commit:
            return []
        return [self._answer_row(commit.thread_id, *commit.answers)]

    def _answer_row(
        self, thread_id: str, update_id: str, answer: UpdateAnswer
    ) -> AnswerRow:
        said = structs.asdict(answer)
        status = said.pop("status")
        text = self._codec.dumps(said, "result of an update")
        return AnswerRow(
            status, self._sealed(text, thread_id, ANSWER), thread_id, update_id
        )

    def _sealed(self, text: str, thread_id: str, place: str) -> str:
        made = self._vault
        return text if made is None else made.seal(text, thread_id, place)

    def _opened(self, text: str, thread_id: str, place: str) -> str:
        made = self._vault
        return text if made is None else made.open(text, thread_id, place)


def answered(wrapper: Any, bundle: Any, write: Callable[[], int | None]) -> int | None:
    """Have a bundle written whose updates wait still, with their answers: nobody can take them back meanwhile.

    For a database where others write, too. Returns what `write` does, None also where one is taken back.
    """
    sql = ANSWER_SQL.format(now=NOW_SQL[wrapper.vendor])
    with transaction.atomic(wrapper.alias):
        changed = [execute(wrapper, sql, row).rowcount for row in bundle.answers]
        bundle.is_withdrawn = not all(changed)
        seq = None if bundle.is_withdrawn else write()
        if seq is None:
            transaction.set_rollback(True, wrapper.alias)
    return seq
