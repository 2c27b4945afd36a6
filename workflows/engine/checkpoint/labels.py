"""Names that people and programs give to checkpoints (RB.11), and what a saver is asked of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.engine.kinds import check_text, refused

LONGEST = 100
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, lone surrogates, line ends


@dataclass(frozen=True)
class Label:
    """One label of a checkpoint. `config` names the checkpoint, as `get_state` takes it.

    `by` is the name of whoever set it, "" for a program; `at` is when, with its zone.
    """

    text: str
    config: dict[str, Any]
    by: str
    at: datetime


class Labelled:
    """What a saver that keeps labels defines. A saver without them refuses, and says so."""

    def set_label(self, config: dict[str, Any], text: str, by: str = "") -> Label:
        """Label the checkpoint at `config` (its `checkpoint_id`, else the head).

        A checkpoint may carry several labels; one that it has already stays as it was. Raises
        CheckpointNotFoundError, and what `label_text` raises.
        """
        raise self._keeps_none()

    def remove_label(
        self, config: dict[str, Any], text: str | None = None, by: str = ""
    ) -> int:
        """Take one label, or with None all, off a checkpoint; returns how many went."""
        raise self._keeps_none()

    def labels(self, thread_id: str) -> Sequence[Label]:
        """The labels of a thread in all namespaces, the newest checkpoint first."""
        raise self._keeps_none()

    def _keeps_none(self) -> NotImplementedError:
        name = type(self).__name__
        return NotImplementedError(
            f"the saver {name} keeps no labels: define set_label(), remove_label() and "
            "labels() in it, or use InMemorySaver or DjangoSaver"
        )


def label_text(given: Any, where: str = "label()") -> str:
    """A label as it is kept: without blanks around it.

    Raises TypeError for what is no text; ValueError for one that is empty, longer than
    LONGEST characters or not one line of text.
    """
    wanted = "a short name, such as 'before refund'"
    check_text(given, where, "text", wanted)
    text: str = given.strip()
    if not text:
        raise refused(where, "text", given, wanted, ValueError)
    if len(text) > LONGEST:
        wanted = f"at most {LONGEST} characters, not {len(text)}"
        raise refused(where, "text", given, wanted, ValueError)
    if any(unicodedata.category(each) in _UNSEEN for each in text):
        wanted = "one line without NUL, line breaks and other control characters"
        raise refused(where, "text", given, wanted, ValueError)
    return text
