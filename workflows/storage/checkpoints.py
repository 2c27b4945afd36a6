"""A checkpoint -> the rows it becomes, and rows -> what the engine reads.

Nothing here knows Django or a database: any saver that keeps rows may keep these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workflows.engine.checkpoint.base import (
    Checkpoint,
    CheckpointTuple,
    Commit,
    Config,
    checkpoint_config,
)
from workflows.engine.checkpoint.shapes import LoneCheckpoint, named_by
from workflows.engine.errors import SerdeError
from workflows.engine.ids import digest
from workflows.engine.loop.notes import KEY
from workflows.engine.serde import Serde
from workflows.storage.channels import Ref, channels_text, refs_of
from workflows.storage.texts import clean
from workflows.storage.values import Kept, ValueRow, decode_value, encode_value, verify
from workflows.storage.writes import Read, Values, Written, pending_writes

FORMAT = 2
"""Since 2 short values stand in the channel map, and it need not repeat the checkpoint's id."""
_OWN_COLUMNS = frozenset({"id", "channel_values", "channel_versions", "due"})
_SOURCES = frozenset({"input", "loop", "update", "fork"})


class CheckpointRow(NamedTuple):
    """A row of `Checkpoint` without thread, namespace and run."""

    id: str
    parent: str
    step: int
    source: str
    format: int
    channels: str
    due: str
    metadata: str
    rest: str
    digest: str


class Made(NamedTuple):
    """What a checkpoint becomes: its row, the rows of values, its channel map, and lists to remember."""

    row: CheckpointRow
    values: list[ValueRow]
    refs: dict[str, Ref]
    lists: dict[str, Kept | None]


def made_of(
    serde: Any,
    commit: Commit,
    checkpoint: Checkpoint,
    before: Mapping[str, Ref],
    lists: Mapping[tuple[str, str], Kept],
    written: Written,
    *,
    replace: bool = False,
    inline: bool = True,
) -> Made:
    """Encode the `checkpoint` of a commit; `before` is the channel map of its parent.

    `lists` are those remembered of the thread. `written` is told what stands where. With `replace` every value is
    written, also where it did not move. `inline` lets short values stand in the map, which is not encrypted.
    """
    writer = checkpoint["id"]
    values = checkpoint.get("channel_values") or {}
    versions = checkpoint.get("channel_versions") or {}
    changed = commit.changed
    is_json = type(serde) is Serde  # a codec of somebody's own may write what it likes
    namespace = commit.namespace
    refs: dict[str, Ref] = {}
    remember: dict[str, Kept | None] = {}
    rows = []
    touched: Iterable[str] | None = None
    if before and not replace:
        known = {name: ref.version for name, ref in before.items()}
        known.update(changed)
        if known == versions:  # a wide state is not walked for the few that moved
            refs.update(before)
            touched = changed
    if touched is None:
        # Not a union of sets: what is written must not hang on how texts hash today.
        touched = (*values, *(name for name in versions if name not in values))
    for channel in touched:
        version = versions.get(channel)
        old = before.get(channel)
        kept = lists.get((namespace, channel))
        if channel not in values:
            refs[channel] = Ref(version, "")
            if kept is not None:
                remember[channel] = None
            continue
        if (
            channel not in changed
            and old is not None
            and old.version == version
            and old.has_value
        ):
            refs[channel] = old
            continue
        if old is None:
            check_name("channel", channel, 300)
        value = values[channel]
        value_row, ref, now, holds = encode_value(
            serde,
            channel,
            value,
            writer,
            version,
            old,
            kept,
            channel in commit.appended,
            inline,
        )
        refs[channel] = ref
        if now is not kept:
            remember[channel] = now
        if value_row is not None:
            rows.append(value_row)
            written.add(value_row, holds)
        elif ref.text and is_json:
            written.texts[channel] = value, ref.text
    row = _checkpoint_row(serde, refs, rows, commit, checkpoint)
    return Made(row, rows, refs, remember)


def _checkpoint_row(
    serde: Any,
    refs: Mapping[str, Ref],
    values: Sequence[ValueRow],
    commit: Commit,
    checkpoint: Checkpoint,
) -> CheckpointRow:
    metadata = commit.metadata
    step = metadata.get("step", 0)
    rest = {k: v for k, v in checkpoint.items() if k not in _OWN_COLUMNS}
    if not rest.get("versions_seen", True):  # as always where our engine has written it
        del rest["versions_seen"]
    due = checkpoint.get("due")
    channels = channels_text(refs, values)
    plain = commit.is_plain and type(serde) is Serde
    dumps = serde.dumps_plain if plain else serde.dumps
    due_text = "" if due is None else dumps(due, "$.due")
    if type(metadata) is not dict:
        metadata = dict(metadata)
    metadata_text = dumps(metadata, "$.metadata")
    rest_text = dumps(rest, "$.checkpoint")
    source = str(metadata.get("source", ""))
    return CheckpointRow(
        checkpoint["id"],
        commit.parent_id or "",
        step if isinstance(step, int) else 0,
        source if source in _SOURCES else clean(source)[:10],
        FORMAT,
        channels,
        due_text,
        metadata_text,
        rest_text,
        digest(f"{channels}\n{due_text}\n{metadata_text}\n{rest_text}"),
    )


def check_name(what: str, name: str, length: int) -> None:
    """Refuse a name that one of the databases cannot hold."""
    if len(name) > length:
        raise ValueError(f"the {what} {name[:40]!r}... is longer than {length}")
    if "\0" in name or clean(name) != name:
        raise ValueError(f"the {what} {name!r} contains NUL or a lone surrogate")


def check_place(thread_id: str, namespace: str = "") -> None:
    """Refuse a thread id or namespace that one of the databases cannot hold."""
    if not thread_id:
        raise ValueError("the thread id is empty; give a text")
    check_name("thread id", thread_id, 200)
    if namespace:
        check_name("namespace", namespace, 600)


def verified_refs(row: CheckpointRow, thread_id: str) -> dict[str, Ref]:
    """The channel map of a row whose digest is right; DamagedValueError otherwise.

    SerdeError for a row that newer code has written in a format of its own.
    """
    if row.format > FORMAT:
        raise SerdeError(
            f"thread {thread_id!r}, checkpoint {row.id} is stored in format {row.format}, "
            f"this code reads up to format {FORMAT}; deploy the newer code"
        )
    if digest(_covered(row)) != row.digest:
        verify_checkpoint(row, thread_id)  # raises
    return refs_of(row.channels, row.id)


def verify_checkpoint(row: CheckpointRow, thread_id: str) -> None:
    """Raise DamagedValueError unless the row's digest is right."""
    verify(_covered(row), row.digest, f"thread {thread_id!r}, checkpoint {row.id}")


def checkpoint_digest(row: CheckpointRow) -> str:
    """The digest that belongs to a row: of its channels, due, metadata and rest."""
    return digest(_covered(row))


def _covered(row: CheckpointRow) -> str:
    return f"{row.channels}\n{row.due}\n{row.metadata}\n{row.rest}"


def checkpoint_tuple(
    serde: Any,
    thread_id: str,
    namespace: str,
    row: CheckpointRow,
    refs: Mapping[str, Ref],
    values: Values,
    writes: Sequence[Read],
    *,
    is_lone: bool,
) -> tuple[CheckpointTuple, dict[str, Kept]]:
    """Put a checkpoint together; its lists beside it, for the memory."""
    loads = serde.loads
    lists: dict[str, Kept] = {}
    channel_values: dict[str, Any] = {}
    versions: dict[str, Any] = {}
    for channel, (version, writer, snapshot, text) in refs.items():
        if version is not None:
            versions[channel] = version
        if text:
            channel_values[channel] = loads(text)
        elif writer:
            ref = Ref(version, writer, snapshot)
            where = f"thread {thread_id!r}, checkpoint {row.id}"
            value, kept = decode_value(serde, ref, channel, values, where)
            channel_values[channel] = value
            if kept is not None:
                lists[channel] = kept
    id, parent = row.id, row.parent
    checkpoint: Checkpoint = loads(row.rest)
    checkpoint.setdefault("versions_seen", {})
    checkpoint["id"] = id
    checkpoint["channel_values"] = channel_values
    checkpoint["channel_versions"] = versions
    if row.due:
        checkpoint["due"] = loads(row.due)
    found = (LoneCheckpoint if is_lone else CheckpointTuple)(
        checkpoint_config(thread_id, namespace, id),
        checkpoint,
        loads(row.metadata),
        checkpoint_config(thread_id, namespace, parent) if parent else None,
        pending_writes(serde, writes, values) if writes else [],
    )
    return found, lists


def conditions(
    config: Config | None, before: Config | None
) -> tuple[dict[str, str], str | None]:
    """What columns of a listed checkpoint must equal, and the id that it must be older than."""
    where: dict[str, str] = {}
    configurable = {} if config is None else named_by(config)
    if configurable.get("thread_id") is not None:
        where["thread_id"] = str(configurable["thread_id"])
    if configurable.get("checkpoint_ns") is not None:
        where["namespace"] = configurable["checkpoint_ns"]
    if configurable.get("checkpoint_id"):
        where["id"] = configurable["checkpoint_id"]
    last = named_by(before, "before").get("checkpoint_id") if before else None
    return where, last


def named_in(serde: Any, wanted: Mapping[str, Any] | None) -> str:
    """What stands as it is in the text of all metadata that can match, so that others need not be decoded; "" for nothing."""
    key: Any = (wanted or {}).get(KEY)
    if type(key) is not str or type(serde) is not Serde:
        return ""
    return key if key.isascii() and key.replace("-", "").isalnum() else ""


def matches(metadata: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether metadata has every key of `wanted` with its value."""
    return all(metadata.get(key) == value for key, value in wanted.items())
