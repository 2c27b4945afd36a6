"""A saver that keeps everything in this process: for tests, scripts and measurements.

What is read back is made anew from text, so nothing that a program does to its state reaches
the history.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from workflows.engine import ids
from workflows.engine import serde as _serde
from workflows.engine.attributes import changed_by, check_number, checked
from workflows.engine.checkpoint.base import (
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    Commit,
    Config,
    checkpoint_config,
)
from workflows.engine.checkpoint.forms import Forms
from workflows.engine.checkpoint.labels import Label, label_text
from workflows.engine.checkpoint.porting import get_checkpoint_metadata
from workflows.engine.checkpoint.prompt import PromptTwins
from workflows.engine.checkpoint.records import Saved, Space
from workflows.engine.checkpoint.shapes import (
    Looked,
    check_listing,
    named_by,
    several_ids,
    thread_named_by,
)
from workflows.engine.errors import CheckpointNotFoundError, ThreadBusyError
from workflows.engine.kinds import check_offers
from workflows.engine.serde import Serde
from workflows.engine.serde.vault import AnyCipher


class InMemorySaver(PromptTwins):
    """Keeps checkpoints as long as it lives. One saver may serve many threads at a time.

    With a `cipher` (see `workflows.engine.serde.vault`) all that it keeps is encrypted, but for labels.
    """

    tells_sameness = True

    def __init__(
        self, *, serde: Serde | None = None, cipher: AnyCipher | None = None
    ) -> None:
        wanted = "a durableweb Serde; to encrypt what is kept, give cipher="
        check_offers(serde, "InMemorySaver", "serde", (("encode", "decode"),), wanted)
        self.serde: Serde = serde or _serde.default
        super().__init__(serde=self.serde)
        self._lock = threading.RLock()
        self._threads: dict[str, dict[str, Space]] = {}
        self._attributes: dict[str, dict[str, Any]] = {}
        self._forms = Forms(self.serde, cipher)
        self.looked_at: dict[Any, Any] = {}
        self.tells_sameness = type(self).tells_sameness and cipher is None

    # reading

    def get_tuple(self, config: Config) -> CheckpointTuple | None:
        """The checkpoint at `config` (its `checkpoint_id`, else the head), or None."""
        return self._seen(config, None).found

    def get_if_changed(self, config: Config, known: Any) -> Looked:
        """What `get_tuple` gives, with a sign; nothing is made where the sign is `known`."""
        return self._seen(config, known)

    def _seen(self, config: Config, known: Any) -> Looked:
        conf = thread_named_by(config)
        thread_id, namespace = str(conf["thread_id"]), conf.get("checkpoint_ns", "")
        with self._lock:
            spaces = self._threads.get(thread_id, {})
            space = spaces.get(namespace)
            if space is None or not space.ids:
                return Looked(None, None)
            saved = space.saved.get(conf.get("checkpoint_id") or space.ids[-1])
            if saved is None:
                return Looked(None, None)
            entered = space.entered.get(saved.id, ())
            is_lone = len(spaces) == 1 or not any(each > namespace for each in spaces)
            # What is saved is never changed, and what is entered is only added to.
            sign = (saved, entered, len(entered), is_lone)
            if sign == known:
                return Looked(sign, None, True)
            found = self._forms.tuple_of(
                thread_id, namespace, space, saved, is_lone=is_lone
            )
            return Looked(sign, found)

    def head(self, thread_id: str) -> str | None:
        """The id of the newest checkpoint of the root namespace, or None."""
        space = self._threads.get(str(thread_id), {}).get("")
        return space.ids[-1] if space is not None and space.ids else None

    def list(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, newest first by id; without a namespace in `config`, of all of them."""
        check_listing(filter, limit)
        with self._lock:
            found = self._find(config, before)
        given = 0
        for thread_id, namespace, space, saved in found:
            if limit is not None and given >= limit:
                return
            if filter:
                metadata = self._forms.body_of(saved, thread_id)[1]
                if any(metadata.get(name) != want for name, want in filter.items()):
                    continue
            with self._lock:
                row = self._forms.tuple_of(thread_id, namespace, space, saved)
            given += 1
            yield row

    def _find(
        self, config: Config | None, before: Config | None
    ) -> Sequence[tuple[str, str, Space, Saved]]:
        conf = {} if config is None else named_by(config)
        last = named_by(before, "before").get("checkpoint_id") if before else None
        threads: Any = self._threads
        if "thread_id" in conf:
            thread_id = str(conf["thread_id"])
            threads = {thread_id: self._threads.get(thread_id, {})}
        found = [
            (thread_id, namespace, space, saved)
            for thread_id, spaces in threads.items()
            for namespace, space in spaces.items()
            if conf.get("checkpoint_ns") in (None, namespace)
            for saved in space.saved.values()
            if conf.get("checkpoint_id") in (None, "", saved.id)
            and (not last or saved.id < last)
        ]
        found.sort(key=lambda row: row[3].id, reverse=True)
        return found

    # writing

    def put(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: dict[str, Any],
    ) -> Config:
        """Save a checkpoint whose parent is named by `config`; returns its own config.

        Its metadata are `metadata` and the plain values of the config's metadata and configurable keys.
        """
        conf = thread_named_by(config)
        thread_id, namespace = str(conf["thread_id"]), conf.get("checkpoint_ns", "")
        parent = conf.get("checkpoint_id")
        with self._lock:
            space = self._space(thread_id, namespace)
            space.add(
                self._forms.saved(
                    thread_id,
                    namespace,
                    space.saved.get(parent) if parent else None,
                    parent,
                    checkpoint,
                    get_checkpoint_metadata(config, metadata),
                    new_versions,
                )
            )
        return checkpoint_config(thread_id, namespace, checkpoint["id"])

    def put_writes(
        self,
        config: Config,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task of the step after `config`'s checkpoint wrote.

        Channel writes given again replace those of the call before; an error, a question, the
        answers and a result are kept apart and replaced one by one.
        """
        conf = thread_named_by(config)
        thread_id = str(conf["thread_id"])
        slots = self._forms.slots(writes, thread_id)
        with self._lock:
            space = self._space(thread_id, conf.get("checkpoint_ns", ""))
            space.enter(conf.get("checkpoint_id") or "", task_id, task_path, slots)

    def commit(self, commit: Commit) -> None:
        """Save `commit` whole, or nothing of it where a value cannot be stored."""
        thread_id, namespace = str(commit.thread_id), commit.namespace
        forms, parent, checkpoint = self._forms, commit.parent_id, commit.checkpoint
        tasks = [(task, forms.slots(task.writes, thread_id)) for task in commit.writes]
        with self._lock:
            if commit.attributes:
                self._check_attributes(thread_id, commit.attributes)
            space = self._space(thread_id, namespace)
            saved = None
            if checkpoint is not None:
                saved = forms.saved(
                    thread_id,
                    namespace,
                    space.saved.get(parent) if parent else None,
                    parent,
                    checkpoint,
                    commit.metadata,
                    commit.changed,
                    commit.appended,
                    own=True,
                    plain=commit.is_plain,
                )
            for task, slots in tasks:
                space.enter(parent or "", task.task, task.path, slots)
            if saved is not None:
                space.add(saved)
            if commit.attributes:
                self._change_attributes(thread_id, commit.attributes)

    def put_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        """Change attributes of a thread; None as a value removes one."""
        with self._lock:
            self._check_attributes(str(thread_id), change)
            self._change_attributes(str(thread_id), checked(change))

    def attributes_of(self, thread_id: str) -> dict[str, Any]:
        """The attributes of a thread, by name. A cipher leaves them as they are."""
        with self._lock:
            found = self._attributes.get(str(thread_id), {})
            return {name: copy(found[name]) for name in sorted(found)}

    def _check_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        known = self._attributes.get(thread_id, ())
        check_number(change, known, f"thread {thread_id!r}")

    def _change_attributes(self, thread_id: str, change: Mapping[str, Any]) -> None:
        changed_by(self._attributes.setdefault(thread_id, {}), change)

    def _space(self, thread_id: str, namespace: str) -> Space:
        spaces = self._threads.get(thread_id)
        if spaces is None:
            spaces = self._threads[thread_id] = {}
        space = spaces.get(namespace)
        if space is None:
            space = spaces[namespace] = Space()
        return space

    # labels

    def set_label(self, config: Config, text: str, by: str = "") -> Label:
        """Label the checkpoint at `config` (its `checkpoint_id`, else the head)."""
        text = label_text(text)
        with self._lock:
            place, space = self._labelled(config)
            id = place["configurable"]["checkpoint_id"]
            labels = space.labels.setdefault(id, {})
            kept = labels.setdefault(text, (by, ids.now()))
            return Label(text, place, *kept)

    def remove_label(
        self, config: Config, text: str | None = None, by: str = ""
    ) -> int:
        """Take one label, or with None all, off a checkpoint; returns how many went."""
        with self._lock:
            place, space = self._labelled(config)
            labels = space.labels.get(place["configurable"]["checkpoint_id"], {})
            gone = [*labels] if text is None else [label_text(text)]
            return sum(labels.pop(each, None) is not None for each in gone)

    def labels(self, thread_id: str) -> Sequence[Label]:
        """The labels of a thread in all namespaces, the newest checkpoint first."""
        thread_id = str(thread_id)
        with self._lock:
            found = [
                (id, Label(text, checkpoint_config(thread_id, namespace, id), *kept))
                for namespace, space in self._threads.get(thread_id, {}).items()
                for id, labels in space.labels.items()
                for text, kept in labels.items()
            ]
        found.sort(key=lambda pair: pair[0], reverse=True)
        return [label for _, label in found]

    def _labelled(self, config: Config) -> tuple[Config, Space]:
        """The config of one checkpoint, and the space that holds it."""
        conf = thread_named_by(config)
        thread_id, namespace = str(conf["thread_id"]), conf.get("checkpoint_ns") or ""
        space = self._threads.get(thread_id, {}).get(namespace)
        head = space.ids[-1] if space is not None and space.ids else ""
        id = conf.get("checkpoint_id") or head
        if space is None or id not in space.saved:
            raise CheckpointNotFoundError(thread_id, id)
        return checkpoint_config(thread_id, namespace, id), space

    # upkeep

    def delete_thread(self, thread_id: str) -> None:
        """Remove everything of one thread, in every namespace."""
        with self._lock:
            self._threads.pop(str(thread_id), None)
            self._attributes.pop(str(thread_id), None)
            self._forms.keeper.forget(str(thread_id))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints whose metadata name one of these runs as `run_id`."""
        unwanted = set(several_ids(run_ids, "run_ids"))
        with self._lock:
            for thread_id, spaces in self._threads.items():
                for space in spaces.values():
                    space.drop(
                        {
                            saved.id
                            for saved in space.saved.values()
                            if str(self._run_of(saved, thread_id)) in unwanted
                        }
                    )

    def _run_of(self, saved: Saved, thread_id: str) -> Any:
        return self._forms.body_of(saved, thread_id)[1].get("run_id")

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Give a new thread the whole history of another one."""
        with self._lock:
            if self._threads.get(str(target_thread_id)):
                raise ValueError(
                    f"thread {target_thread_id!r} exists already; copy to a new thread id"
                )
            spaces = self._threads.get(str(source_thread_id))
            if not spaces:
                raise ValueError(
                    f"thread {source_thread_id!r} does not exist; nothing was copied"
                )
            copies = {namespace: space.copy() for namespace, space in spaces.items()}
            if self._forms.sealer is not None:
                for space in copies.values():
                    self._forms.sealer.move(
                        space, str(source_thread_id), str(target_thread_id)
                    )
            self._threads[str(target_thread_id)] = copies
            found = self._attributes.get(str(source_thread_id))
            if found:
                self._attributes[str(target_thread_id)] = dict(found)

    def prune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Keep only the head of each namespace and what is labelled, or with "delete" nothing.

        Raises ThreadBusyError, before anything is removed, while a thread has a live run.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(
                f"prune strategy {strategy!r} is neither 'keep_latest' nor 'delete'"
            )
        named = several_ids(thread_ids, "thread_ids")
        with self._lock:
            for thread_id in named:
                holder = self.__dict__.get("_live", {}).get(thread_id)
                if holder is not None:
                    raise ThreadBusyError(
                        holder.run_id, holder.since, thread_id=thread_id
                    )
            for thread_id in named:
                if strategy == "delete":
                    self.delete_thread(thread_id)
                    continue
                for space in self._threads.get(thread_id, {}).values():
                    labelled = {id for id, labels in space.labels.items() if labels}
                    space.drop(set(space.ids[:-1]) - labelled)


MemorySaver = InMemorySaver
