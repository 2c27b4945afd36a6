"""What a look at one thread finds: checks with their evidence, and the acts that are offered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workflows.engine.constants import UNDO

# It is stuck here; it waits here, and nothing is wrong; all is well here; there is nothing of that kind.
STUCK, WAITS, FINE, NONE = "stuck", "waits", "fine", "none"


@dataclass(frozen=True)
class Fact:
    """One piece of evidence: a name, and what it is.

    `view` and `key` lead to its page. `is_inner` are names of processes and the like, for
    those who operate the workflow.
    """

    name: str
    value: str | datetime
    view: str = ""
    key: str | int = ""
    is_inner: bool = False


@dataclass(frozen=True)
class Offer:
    """An act that somebody may do here: its name, a word for the button, and what it will do.

    Where it needs one of several things said, `choices` are those with their words, and `asks` what they are.
    """

    act: str
    title: str
    preview: str
    asks: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Way:
    """A page on which one can do something about it."""

    title: str
    view: str
    key: str | int


@dataclass(frozen=True)
class Check:
    """What one check says: its question, a mark, one sentence, and what that rests on.

    Where it is stuck `do` says what to do. Where it waits, `waits_for` names that in a few words,
    and `until` is when it goes on by itself.
    """

    name: str
    question: str
    mark: str
    text: str
    do: str = ""
    waits_for: str = ""
    until: datetime | None = None
    facts: tuple[Fact, ...] = ()
    offers: tuple[Offer, ...] = ()
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Checkup:
    """All checks of one thread, and the verdict: one sentence, and whether the thread is stuck."""

    thread_id: str
    graph: str
    status: str
    at: datetime
    is_stuck: bool
    verdict: str
    checks: tuple[Check, ...] = ()

    @property
    def offers(self) -> dict[str, Offer]:
        """The acts that are offered, by name."""
        return {each.act: each for check in self.checks for each in check.offers}


def node_word(node: str) -> str:
    """What a node is called: the engine's own, which undoes, by a word."""
    return "undo" if node == UNDO else node


def capital(text: str) -> str:
    """The text with its first letter as that of a sentence."""
    return text[:1].upper() + text[1:]
