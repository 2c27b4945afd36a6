"""What the database holds encrypted, where the setting `VALUE_CIPHER` names a cipher (R10.9).

Encrypted are channel values, the writes of tasks, what is due (inputs of a `Send`), questions,
answers, edits, signals, what a run is given, items of the store and cached results. Ids, names, steps, status, metadata, response schemas and
digests stay readable; a digest of an encrypted text is taken over what is stored. The title of
a question would tell what it asks, so the name of its node stands there instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.module_loading import import_string

from workflows.engine.errors import DecryptionError
from workflows.engine.ids import digest
from workflows.engine.serde.aes import AesGcmCipher
from workflows.engine.serde.vault import Vault, is_sealed
from workflows.storage.channels import Ref
from workflows.storage.checkpoints import (
    CheckpointRow,
    checkpoint_digest,
    verify_checkpoint,
)
from workflows.storage.connections import execute
from workflows.storage.rows import Bundle
from workflows.storage.values import verify
from workflows.storage.writes import WriteRow

QUESTION = "question"
ANSWER = "answer"
EDITS = "edits"
RUN = "run"
DUE = "due"
SIGNAL = "signal"
AWAITED = "awaited"
EVENT = "event"


def vault() -> Vault | None:
    """The vault of the settings, or None where nothing is encrypted."""
    if not settings.VALUE_CIPHER:
        return None
    return _made(
        settings.VALUE_CIPHER,
        settings.VALUE_CIPHER_KEYS,
        settings.VALUE_CIPHER_ACCEPTS_PLAIN,
    )


@lru_cache(maxsize=8)
def _made(name: str, keys: str, accepts_plain: bool) -> Vault:
    """`name` is "aes-gcm", or the dotted path of a cipher or of what makes one."""
    try:
        if name == "aes-gcm":
            cipher: Any = AesGcmCipher.from_text(keys)
        else:
            cipher = import_string(name)
            is_made = hasattr(cipher, "encrypt") and not isinstance(cipher, type)
            cipher = cipher if is_made else cipher()
        return Vault(cipher, accepts_plain=accepts_plain)
    except (ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"VALUE_CIPHER={name}: {error}") from error


def seal(text: str, thread_id: str, place: str) -> str:
    """`text` as the database holds it; nothing stays nothing."""
    made = vault()
    return made.seal(text, thread_id, place) if made is not None and text else text


def unseal(text: str, thread_id: str, place: str) -> str:
    """What `seal` was given; raises DecryptionError."""
    made = vault()
    if made is not None and text:
        return made.open(text, thread_id, place)
    if is_sealed(text):
        raise DecryptionError(
            f"{place} of thread {thread_id!r} is encrypted; set VALUE_CIPHER and its keys"
        )
    return text


def seal_bundle(bundle: Bundle, made: Vault) -> None:
    """Encrypt what a commit is about to write."""
    thread_id = bundle.thread_id
    bundle.values = [
        row._replace(
            payload=(text := made.seal(row.payload, thread_id, _channel(row.channel))),
            digest=digest(text),
        )
        for row in bundle.values
    ]
    bundle.writes = [
        row._replace(
            payload=(text := made.seal(row.payload, thread_id, _slot(row))),
            digest=digest(text),
        )
        for row in bundle.writes
    ]
    bundle.asked = [
        row._replace(title=row.node, value=made.seal(row.value, thread_id, QUESTION))
        for row in bundle.asked
    ]
    bundle.awaited = [
        row._replace(matching=made.seal(row.matching, thread_id, AWAITED))
        if row.matching
        else row
        for row in bundle.awaited
    ]
    if bundle.checkpoint is not None and bundle.checkpoint.due:
        sealed = made.seal(bundle.checkpoint.due, thread_id, DUE)
        bundle.checkpoint = _with_due(bundle.checkpoint, sealed)


class Opener:
    """Decrypts rows as they were read; their digests are checked first, then taken anew."""

    def __init__(self, made: Vault, thread_id: str) -> None:
        self.made = made
        self.thread_id = thread_id

    def checkpoint(self, row: CheckpointRow) -> CheckpointRow:
        """A checkpoint with what is due."""
        if not row.due:
            return row
        verify_checkpoint(row, self.thread_id)
        return _with_due(row, self.made.open(row.due, self.thread_id, DUE))

    def refs(self, refs: Mapping[str, Ref]) -> dict[str, Ref]:
        """A channel map; short values in it are from before there was a cipher."""
        return {
            channel: ref._replace(
                text=self.made.open(ref.text, self.thread_id, _channel(channel))
            )
            if ref.text
            else ref
            for channel, ref in refs.items()
        }

    def values(
        self, rows: Mapping[tuple[str, str], Sequence[str]]
    ) -> dict[tuple[str, str], Sequence[str]]:
        """(channel, writer) to (kind, base, digest, payload)."""
        found: dict[tuple[str, str], Sequence[str]] = {}
        for (channel, writer), (kind, base, checksum, payload) in rows.items():
            where = f"thread {self.thread_id!r}: channel {channel!r} by {writer}"
            verify(payload, checksum, where)
            text = self.made.open(payload, self.thread_id, _channel(channel))
            found[channel, writer] = (kind, base, digest(text), text)
        return found

    def writes(self, rows: Sequence[WriteRow]) -> list[WriteRow]:
        """The pending writes of one checkpoint."""
        found = []
        for row in rows:
            where = f"thread {self.thread_id!r}: {row.slot} of {row.task}"
            verify(row.payload, row.digest, where)
            text = self.made.open(row.payload, self.thread_id, _slot(row))
            found.append(row._replace(payload=text, digest=digest(text)))
        return found


def _with_due(row: CheckpointRow, due: str) -> CheckpointRow:
    row = row._replace(due=due)
    return row._replace(digest=checkpoint_digest(row))


def _channel(name: str) -> str:
    return f"channel {name}"


def _slot(row: WriteRow) -> str:
    return f"{row.slot} of {row.task}"


_MOVED: dict[str, tuple[str, Callable[[Any], str]]] = {
    "channelvalue": ("namespace, channel, checkpoint", lambda key: _channel(key[1])),
    "pendingwrite": (
        "namespace, checkpoint, task, slot",
        lambda key: f"{key[3]} of {key[2]}",
    ),
}


def move_rows(using: str, made: Vault, source: str, target: str) -> None:
    """Encrypt the rows of a copied thread for their new place, inside a transaction."""
    wrapper = connections[using]
    for table, (columns, place_of) in _MOVED.items():
        for row in _rows(wrapper, table, f"{columns}, payload", target):
            *key, payload = row
            place = place_of(key)
            text = made.seal(made.open(payload, source, place), target, place)
            _update(
                wrapper, table, target, columns, key, payload=text, digest=digest(text)
            )
    columns = "namespace, id"
    for row in _rows(
        wrapper, "checkpoint", f"{columns}, channels, due, metadata, rest", target
    ):
        namespace, id, channels, due, metadata, rest = row
        if due:
            due = made.seal(made.open(due, source, DUE), target, DUE)
            text = digest(f"{channels}\n{due}\n{metadata}\n{rest}")
            _update(
                wrapper,
                "checkpoint",
                target,
                columns,
                (namespace, id),
                due=due,
                digest=text,
            )
    for number, value in _rows(wrapper, "interrupt", "id, value", target):
        text = made.seal(made.open(value, source, QUESTION), target, QUESTION)
        _update(wrapper, "interrupt", target, "id", (number,), value=text)
    for number, matching in _rows(wrapper, "awaited", "id, matching", target):
        if matching:
            text = made.seal(made.open(matching, source, AWAITED), target, AWAITED)
            _update(wrapper, "awaited", target, "id", (number,), matching=text)


def _rows(wrapper: Any, table: str, columns: str, thread_id: str) -> list[Any]:
    found: list[Any] = execute(
        wrapper,
        f"SELECT {columns} FROM workflows_{table} WHERE thread_id = %s",  # noqa: S608
        (thread_id,),
    ).fetchall()
    return found


def _update(
    wrapper: Any,
    table: str,
    thread_id: str,
    columns: str,
    key: Sequence[Any],
    **changes: str,
) -> None:
    sets = ", ".join(f"{name} = %s" for name in changes)
    terms = " AND ".join(f"{name} = %s" for name in columns.split(", "))
    execute(
        wrapper,
        f"UPDATE workflows_{table} SET {sets} WHERE thread_id = %s AND {terms}",  # noqa: S608
        (*changes.values(), thread_id, *key),
    )
