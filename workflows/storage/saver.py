"""The saver over Django's tables: what the engine calls, in both its faces.

It decides nothing about rows or SQL: `rows.py` encodes, `sqlite.py` and `postgresql.py`
write, `reader.py` reads and `reading.py` fetches, `places.py` opens and closes, `threads.py` and `prune.py`
copy and remove, `labels.py` names checkpoints; `async_twins.py` hops.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from workflows.engine.checkpoint.base import (
    Commit,
    Place,
)
from workflows.engine.checkpoint.shapes import in_parts, several_ids
from workflows.engine.checkpoint.updating import UpdateWithdrawn
from workflows.engine.drivers.threads import on_thread_end
from workflows.engine.errors import LeaseLostError, ThreadBusyError
from workflows.engine.serde import default as default_serde
from workflows.engine.serde.vault import AnyCipher, Vault
from workflows.models import Run
from workflows.storage import (
    attributes,
    places,
    postgresql,
    progress,
    prune,
    reading,
    sealing,
    sqlite,
    threads,
)
from workflows.storage.channels import Ref, refs_of
from workflows.storage.checkpoints import check_place
from workflows.storage.claims import Claim
from workflows.storage.clock import database_now
from workflows.storage.connections import POSTGRESQL, SQLITE, connection_of
from workflows.storage.emitted import began_at
from workflows.storage.events import announce_after_commit
from workflows.storage.interrupts import closed_pairs
from workflows.storage.labels import KeepsLabels
from workflows.storage.parts import add_questions
from workflows.storage.reader import Reader
from workflows.storage.row_saver import RowSaver
from workflows.storage.rows import Bundle, bundle_of
from workflows.storage.savings import Saving, alone
from workflows.storage.sent_updates import KeepsSentUpdates
from workflows.storage.texts import json_text
from workflows.storage.transacting import Transacts
from workflows.storage.turns import Wish
from workflows.storage.undos import NOT_UNDONE, to_undo
from workflows.storage.values import Memory

_SQL: dict[str, Any] = {SQLITE: sqlite, POSTGRESQL: postgresql}

# Nodes that run side by side save through connections of their own threads.
if connections.close_all not in on_thread_end:
    on_thread_end.append(connections.close_all)


class DjangoSaver(KeepsSentUpdates, RowSaver, KeepsLabels, Transacts, Reader):
    """Keeps checkpoints in the database `using`, on Django's own connection.

    With a `claim` it writes for that run, under its fencing number; without one `open`
    makes a run of this process. A `cipher` encrypts values; without one that of the setting
    `VALUE_CIPHER`, if any, which is also the one that the pages read with. `graph` names the workflow on rows that `open` makes, and
    `kind` says what kind of run that is ("direct", "edit", "update").
    """

    def __init__(
        self,
        using: str = "default",
        claim: Claim | None = None,
        *,
        serde: Any = None,
        cipher: AnyCipher | None = None,
        graph: str = "",
        kind: str = "direct",
    ) -> None:
        super().__init__(serde=serde)
        self.using = using
        self.claim = claim
        self.graph = graph
        self.kind = kind
        self._codec: Any = serde or default_serde
        self._vault = sealing.vault() if cipher is None else Vault(cipher)
        self.tells_sameness = type(self).tells_sameness and self._vault is None
        self._memory = Memory()
        self.looked_at: dict[Any, Any] = {}
        self._places: dict[str, Place] = {}
        self._lock = threading.Lock()

    def head(self, thread_id: str) -> str | None:
        """The id of the newest checkpoint of the root namespace, or None."""
        return places.head_of(self.using, thread_id) or None

    # writing

    def _complete(self, part: Commit) -> None:
        whole = in_parts.get()
        if whole is not None:
            add_questions(part, whole)

    def commit_in_parts(self, commit: Commit) -> None:
        """Save `commit` through `put_writes` and `put`, one after the other."""
        super().commit_in_parts(commit)
        self._close_questions(commit)

    async def acommit_in_parts(self, commit: Commit) -> None:
        """Save `commit` through `aput_writes` and `aput`, one after the other."""
        await super().acommit_in_parts(commit)
        await sync_to_async(self._close_questions)(commit)

    def _close_questions(self, commit: Commit) -> None:
        over = {interrupt_id for interrupt_id, _ in closed_pairs(commit)}
        closed = [item for item in commit.closed if item.interrupt_id in over]
        if closed:
            self._save(
                Commit(
                    commit.thread_id, commit.namespace, commit.parent_id, closed=closed
                )
            )

    def _saving(self, commit: Commit, *, replace: bool = False) -> Saving[None]:
        thread_id = commit.thread_id
        check_place(thread_id, commit.namespace)
        memory = self._memory.of(thread_id)
        memory.is_new = False
        wrapper = connection_of(self.using)
        try:
            before = self._map_before(commit, memory)
            bundle = bundle_of(
                self._codec,
                commit,
                before,
                memory,
                replace=replace,
                inline=self._vault is None,
            )
            if commit.attributes:
                attributes.admit(self.using, memory, thread_id, commit.attributes)
            bundle.known_seq = memory.seq
            bundle.answers = self.answer_rows(commit)
            bundle.is_on_disk = commit.is_of_run and self._has_answer(thread_id)
            if self._vault is not None:
                sealing.seal_bundle(bundle, self._vault)
            seq = None
            if commit.ending:
                seq = yield from self._ending_with(wrapper, bundle, commit)
            if seq is None:
                seq = yield from self._writing(wrapper, bundle)
        except BaseException:
            # What the memory says may not be on the disk: read again next time.
            self._memory.forget(thread_id)
            raise
        memory.seq = seq
        bundle.remember(memory)
        if bundle.events or bundle.asked or bundle.closed:
            announce_after_commit(wrapper, thread_id, seq)

    def _write(self, wish: Wish) -> int | None:
        wrapper = connection_of(self.using)
        seq: int | None = _SQL[wrapper.vendor].write(wrapper, wish)
        return seq

    def _write_all(self, wishes: Sequence[Wish]) -> None:
        wrapper = connection_of(self.using)
        _SQL[wrapper.vendor].write_all(wrapper, wishes)

    def now(self) -> datetime:
        """The present instant of the database, which machines with other clocks share."""
        return database_now(self.using)

    @property
    def has_desk(self) -> bool:
        """Whether it writes for a run that a worker carries out: the desk ends its questions (RB.4)."""
        return self.claim is not None

    def began_at(self, thread_id: str) -> datetime | None:
        """When the run was queued that brought a thread its present input; None without one."""
        return began_at(self.using, thread_id)

    def attributes_of(self, thread_id: str) -> dict[str, Any]:
        """The attributes of a thread, by name. A cipher leaves them as they are."""
        return attributes.attributes_of(self.using, thread_id)

    def _map_at(
        self, thread_id: str, namespace: str, checkpoint_id: str
    ) -> Mapping[str, Ref]:
        wrapper = connection_of(self.using)
        row = reading.newest(wrapper, thread_id, namespace, checkpoint_id)
        return refs_of(row.channels, row.id) if row is not None else {}

    def _ending_with(
        self, wrapper: Any, bundle: Bundle, commit: Commit
    ) -> Saving[int | None]:
        """Write `bundle` and give the thread back with it; None where that is not to be done.

        Whoever drives the run closes its place later and finds it closed.
        """
        place, status = self._places.get(bundle.thread_id), commit.ending
        claim = self.claim
        if place is None or (claim is not None and claim.thread_id == bundle.thread_id):
            return None
        run_id = int(place.run_id)
        data = {"run": run_id, "kind": self.kind, "status": status}
        bundle.ending = status
        bundle.events.append(("run", json_text(data)))
        places.let_go(self.using, run_id)
        seq = yield from _SQL[wrapper.vendor].saving(bundle, run_id, place.fence)
        if seq is None:
            bundle.ending = ""
            bundle.events.pop()
        else:
            with self._lock:
                self._places.pop(bundle.thread_id, None)
        return seq

    def _writing(self, wrapper: Any, bundle: Bundle) -> Saving[int]:
        saving = _SQL[wrapper.vendor].saving
        run_id, fence = self._fence(bundle.thread_id)
        seq: int | None = yield from saving(bundle, run_id, fence)
        if seq is None and run_id is None:
            places.ensure_thread(self.using, bundle.thread_id, self.graph)
            seq = yield from saving(bundle, run_id, fence)
        if seq is not None:
            return seq
        if bundle.is_withdrawn:
            raise UpdateWithdrawn
        if run_id is None:
            raise ThreadBusyError(
                places.holder_of(self.using, bundle.thread_id),
                thread_id=bundle.thread_id,
            )
        raise LeaseLostError(str(run_id), fence)

    def _has_answer(self, thread_id: str) -> bool:
        """Whether the row of the run holds what it was called with, since before the claim."""
        claim = self.claim
        return (
            claim is not None
            and claim.thread_id == thread_id
            and claim.kind == Run.Kind.RESUME
            and bool(claim.payload)
        )

    def _fence(self, thread_id: str) -> tuple[int | None, int]:
        claim = self.claim
        if claim is not None and claim.thread_id == thread_id:
            return claim.run_id, claim.fence
        place = self._places.get(thread_id)
        return (None, 0) if place is None else (int(place.run_id), place.fence)

    # holding a thread

    def open(
        self, thread_id: str, expected_head: str | None, owner: Any = None
    ) -> Place:
        """Take the thread for one run, or verify that the claim still holds it (RA.1)."""
        return alone(self._taking(thread_id, expected_head, owner), self._write)

    def _opening(
        self, thread_id: str, expected_head: str | None, owner: Any
    ) -> Saving[Place]:
        if type(self).open is not DjangoSaver.open:  # somebody's own
            return super()._opening(thread_id, expected_head, owner)
        return self._taking(thread_id, expected_head, owner)

    def _taking(
        self, thread_id: str, expected_head: str | None, owner: Any
    ) -> Saving[Place]:
        check_place(thread_id)
        claim = self.claim
        if claim is not None and claim.thread_id == thread_id:
            seq = places.verify_claim(
                self.using, thread_id, claim.run_id, claim.fence, expected_head
            )
            self._memory.of(thread_id).seq = seq
            places.listen(self.using, claim.run_id, owner)
            reached = places.reached(self.using, claim.run_id, claim.fence)
            return Place(
                thread_id, str(claim.run_id), claim.fence, owner, reached=reached
            )
        place, taken = yield from places.opening_direct(
            self.using,
            thread_id,
            expected_head,
            owner,
            forget=self._drop,
            graph=self.graph,
            kind=self.kind,
        )
        memory = self._memory.of(thread_id)
        memory.seq, memory.is_new = taken.seq, taken.head == ""
        with self._lock:
            self._places[thread_id] = place
        return place

    def close(self, place: Place, outcome: str = "success") -> None:
        """Give the thread back. A claimed run is ended by whoever claimed it."""
        if not self._drop(place):
            return
        is_left = outcome == "cancelled" and to_undo(self, place.thread_id).is_left
        reason = NOT_UNDONE if is_left else ""
        places.close_direct(self.using, place, outcome, self._vault, reason)

    def bury(self, place: Place) -> None:
        """Leave the run of a place as a process that has died leaves it, its lease over (RB.17)."""
        self._drop(place)
        places.bury(self.using, place)

    async def aclose(self, place: Place, outcome: str = "success") -> None:
        """Async twin of `close`."""
        with self._lock:
            is_held = self._places.get(place.thread_id) is place
        if is_held or type(self).close is not DjangoSaver.close:
            await super().aclose(place, outcome)
        else:  # given back with the last saving, or a worker's
            self._memory.forget(place.thread_id)

    def _drop(self, place: Place) -> bool:
        """Forget a place; False where it is not the one that is held."""
        self._memory.forget(place.thread_id)
        with self._lock:
            held = self._places.get(place.thread_id)
            if held is None or held.run_id != place.run_id:
                return False
            del self._places[place.thread_id]
            return True

    def keep_heartbeat(
        self, thread_id: str, task_id: str, node: str, details: Any
    ) -> None:
        """Keep what a task says of its progress; it is on the run's row within a second.

        Raises SerializationError for what cannot be stored, ValueError for too much of it.
        """
        run_id, _ = self._fence(thread_id)
        if run_id is not None:
            progress.keep(self.using, self._codec, run_id, task_id, node, details)

    def last_heartbeat(self, thread_id: str, task_id: str) -> Any:
        """What the task said last, in this run or in one before it; or None."""
        run_id, _ = self._fence(thread_id)
        return progress.last(self.using, self._codec, run_id, thread_id, task_id)

    # whole threads

    def delete_thread(self, thread_id: str) -> None:
        """Remove the thread with everything of it, in every namespace."""
        self._memory.forget(thread_id)
        threads.delete_thread(self.using, thread_id)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy history and open questions to a thread that has none yet."""
        check_place(target_thread_id)
        self._memory.forget(target_thread_id)
        threads.copy_thread(self.using, source_thread_id, target_thread_id, self._vault)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints that these runs wrote, and the values only they need."""
        named = several_ids(run_ids, "run_ids")
        for thread_id in prune.delete_for_runs(self.using, named):
            self._memory.forget(thread_id)

    def prune(
        self, thread_ids: Sequence[str], *, strategy: str = "keep_latest"
    ) -> None:
        """Keep the newest checkpoint of each namespace and what is held, or ("delete") nothing."""
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(
                f"unknown strategy {strategy!r}; use 'keep_latest' or 'delete'"
            )
        named = several_ids(thread_ids, "thread_ids")
        for thread_id in named:
            prune.refuse_busy(self.using, thread_id)
        for thread_id in named:
            if strategy == "delete":
                self.delete_thread(thread_id)
            else:
                self._memory.forget(thread_id)
                prune.prune(thread_id, keep=1, using=self.using)
