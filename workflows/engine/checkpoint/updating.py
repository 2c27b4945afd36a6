"""Updates that were sent to threads, until they are answered (RB.16): what a saver is asked of them.

Here they lie in this process, beside the threads that its runs hold: who sends one and who carries it out meet in it.
A saver that more than one process writes with keeps them itself.
"""

from __future__ import annotations

import threading
from typing import Any, ClassVar, Literal

from msgspec import Struct

from workflows.engine.update_errors import UpdateFailed, UpdateRefused

_guard = threading.Lock()


class UpdateRequest(Struct, eq=False):
    """An update as it was sent: its own `id`, its name, the arguments as given, and who sends it, "" for a program."""

    id: str
    name: str
    args: dict[str, Any]
    by: str = ""


class UpdateAnswer(Struct, eq=False):
    """What became of an update: it is done, with a result, or refused, or it failed; then nothing was written."""

    status: Literal["done", "refused", "failed"]
    result: Any = None
    reason: str = ""
    errors: dict[str, str] = {}

    def outcome(self, name: str, thread_id: str) -> Any:
        """The result. Raises UpdateRefused or UpdateFailed."""
        if self.status == "refused":
            raise UpdateRefused(self.reason, self.errors)
        if self.status == "failed":
            raise UpdateFailed(name, thread_id, self.reason)
        return self.result


class UpdateWithdrawn(Exception):
    """Whoever has sent it waits for it no more: it is not carried out."""


class _Sent(Struct, eq=False):
    request: UpdateRequest
    is_held: bool = False
    answer: UpdateAnswer | None = None


class KeepsUpdates:
    """A mailbox of updates for each thread, oldest first."""

    keeps_updates: ClassVar[bool] = False
    """What was sent stays with its answer, so that who sends it again with its key is given that."""

    @property
    def answers_in_commit(self) -> bool:
        """Whether `commit` writes the answer that it carries, and raises UpdateWithdrawn where nobody waits for it any more."""
        return False

    def ask_update(
        self, thread_id: str, request: UpdateRequest, seconds: float | None
    ) -> None:
        """Let an update wait for whoever holds the thread, for so long; one with this id that is there stays as it is."""
        with _guard:
            self._sent(thread_id).setdefault(request.id, _Sent(request))

    def ask_update_again(
        self, thread_id: str, request: UpdateRequest, seconds: float | None
    ) -> None:
        """Have an update wait on for so long that another sender with its key has taken back.

        Raises UpdateRefused where it is gone, as with its thread. Here each is of one sender.
        """

    def waiting_updates(self, thread_id: str) -> list[UpdateRequest]:
        """Those that have no answer, oldest first; asked by who holds the thread."""
        with _guard:
            sent = self.__dict__.get("_updates", {}).get(thread_id, {})
            return [each.request for each in sent.values() if each.answer is None]

    def hold_update(self, thread_id: str, update_id: str) -> None:
        """From now on nobody takes it back. Raises UpdateWithdrawn where somebody has."""
        with _guard:
            sent = self._sent(thread_id).get(update_id)
            if sent is None:
                raise UpdateWithdrawn
            sent.is_held = True

    def answer_update(
        self, thread_id: str, update_id: str, answer: UpdateAnswer
    ) -> None:
        """Answer an update that has no answer."""
        with _guard:
            sent = self._sent(thread_id).get(update_id)
            if sent is not None and sent.answer is None:
                sent.answer = answer

    def answer_of(self, thread_id: str, update_id: str) -> UpdateAnswer | None:
        """What became of it, None as long as nothing has; an answer is given once."""
        with _guard:
            sent = self._sent(thread_id).get(update_id)
            if sent is None or sent.answer is None:
                return None
            del self._sent(thread_id)[update_id]
            return sent.answer

    def withdraw_update(self, thread_id: str, update_id: str) -> bool:
        """Take it back, unless it is answered; False where it is just being saved, so that its answer is to come."""
        with _guard:
            sent = self._sent(thread_id).get(update_id)
            if sent is None or sent.answer is not None:
                return True
            if not sent.is_held:
                del self._sent(thread_id)[update_id]
            return not sent.is_held

    def may_be_updated(self, thread_id: str) -> bool:
        """Whether it is worth to take the thread for an update; looked at before that, so it may be wrong."""
        return True

    def is_to_go_on(self, thread_id: str) -> bool:
        """Whether a run is about to begin on the thread, so that an update can wait for it."""
        return False

    async def aupdates(self, method: str, *given: Any) -> Any:
        """Async twin of all of these: calls `method`."""
        return getattr(self, method)(*given)

    def _sent(self, thread_id: str) -> dict[str, _Sent]:
        boxes: dict[str, dict[str, _Sent]] = self.__dict__.setdefault("_updates", {})
        return boxes.setdefault(thread_id, {})
