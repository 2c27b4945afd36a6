"""The refusals that a person may meet, and the shape of every action.

An action is a frozen dataclass whose fields are its inputs. `check()` says whether this
person may and whether the world still is as they saw it; `execute()` does it in one
transaction. What goes wrong as expected is a `Refused`; the interfaces map each kind to
their own answer (403, 404, 409, 400) in one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from workflows.engine.errors import DurablewebError


class Action(Protocol):
    """One thing a person can do."""

    def check(self) -> Any:
        """Raise `Refused` where the action would be refused now."""

    def execute(self) -> Any:
        """Do it, in one transaction."""


class Refused(DurablewebError):
    """The action was not done, for a reason that the person can understand."""


class NotVisible(Refused):
    """There is no such thing, or this person may not know of it: both look alike."""

    def __init__(self, what: str, key: object) -> None:
        super().__init__(f"There is no {what} {key!s} that you may see.")
        self.what = what
        self.key = key


class NotAllowed(Refused):
    """The person sees the thing but may not do this to it."""


class ThreadBusy(Refused):
    """The thread has work that is running or waits its turn; try again when it has ended."""


class Duplicate(ThreadBusy):
    """A run with the same `dedup_key` has not ended, on the thread `thread_id`."""

    def __init__(self, text: str, thread_id: str) -> None:
        super().__init__(text)
        self.thread_id = thread_id


class NotPending(Refused):
    """The question takes no answer now. Where somebody answered it, says who and when."""

    def __init__(
        self,
        text: str,
        *,
        who: str = "",
        when: datetime | None = None,
        kind: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(text)
        self.who = who
        self.when = when
        self.kind = kind
        self.reason = reason


class AlreadyDecided(NotPending):
    """Somebody else was first; `who`, `when`, `kind` and `reason` tell their decision."""


class StaleQuestion(NotPending):
    """The question has changed since it was shown; read it again before answering."""


class StaleCheckpoint(Refused):
    """The state has moved on since it was shown; `head` is its newest checkpoint."""

    def __init__(self, text: str, *, head: str = "") -> None:
        super().__init__(text)
        self.head = head


class InvalidAnswer(Refused):
    """A value that a person gave does not fit; `errors` maps a path to what is wrong there."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(
            "; ".join(f"{path or 'value'}: {text}" for path, text in errors.items())
        )
        self.errors = dict(errors)


class KeyReused(Refused):
    """The idempotency key was used before, for something else."""


class OtherInput(KeyReused):
    """The key has started the thread `thread_id` before, with another input."""

    def __init__(self, text: str, thread_id: str) -> None:
        super().__init__(text)
        self.thread_id = thread_id


class UpdateNotDone(Refused):
    """An update was refused, failed or was not taken in time, as `code` says; nothing has changed.

    `errors` maps the place of an argument to what is wrong there.
    """

    def __init__(
        self, text: str, code: str, errors: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.errors = dict(errors or {})


class Unreadable(Refused):
    """What is stored cannot be read here: its key is missing, or it is damaged."""
