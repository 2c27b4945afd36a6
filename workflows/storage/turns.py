"""Writers of one process on one SQLite file: they take turns, and save together.

SQLite has one write lock a file, and whoever finds it taken looks again after a nap that
grows. Inside a process writers queue for their turn instead, and whoever has it writes what
all the others wait to have written too: one transaction and one wait for the disk for
all of them (group commit). Other processes are met by SQLite's own lock, as ever.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from workflows.storage.log_room import LogRoom

PATIENCE = 20.0
"""Seconds that one waits for its turn: as long as SQLite is told to wait for its lock."""
LOCKED = f"database is locked: another thread of this process has been writing for {PATIENCE:.0f} s"


class Wish:
    """What one thread wants written, and what came of it."""

    __slots__ = (
        "call",
        "error",
        "is_done",
        "is_one_statement",
        "relaxed",
        "rows",
        "seq",
    )

    def __init__(
        self,
        rows: Callable[[Any], int | None],
        *,
        relaxed: bool,
        is_one_statement: bool = False,
    ) -> None:
        self.rows = rows
        """Runs its statements on the connection given; None says that it was refused."""
        self.relaxed = relaxed
        self.is_one_statement = is_one_statement
        self.call: Any = None
        """A lock for whoever waits, released when its thread shall go on."""
        self.seq: int | None = None
        self.error: BaseException | None = None
        self.is_done = False

    def outcome(self) -> int | None:
        """What `rows` returned. Raises what it raised, or what its transaction did."""
        if self.error is not None:
            raise self.error
        return self.seq


class Turns:
    """The turn to write into one file, and the wishes of those who wait for it.

    One of those who wait leads: it waits for the turn, and writes for all. The others sleep
    until they are called, because they were served or because they lead now.
    """

    def __init__(self, room: LogRoom | None = None) -> None:
        self._turn = threading.RLock()
        self._mutex = threading.Lock()
        self._waiting: deque[Wish] = deque()
        self._is_led = False
        self._room = room

    def take(self) -> bool:
        """Wait for the turn; False where it did not come. `give_back` ends it."""
        return self._turn.acquire(timeout=PATIENCE)

    def give_back(self) -> None:
        """End the turn that this thread has taken."""
        self._turn.release()

    def write(self, connection: Any, wish: Wish) -> int | None:
        """Have `wish` written, by this thread or by one that leads.

        Raises sqlite3.OperationalError when the turn does not come.
        """
        self.write_all(connection, [wish])
        return wish.outcome()

    def write_all(self, connection: Any, wishes: Sequence[Wish]) -> None:
        """Have `wishes` written in one transaction, by this thread or by one that leads.

        What became of each it tells itself. Raises sqlite3.OperationalError when the turn does not come.
        """
        own = wishes[0]
        with self._mutex:
            leads, self._is_led = not self._is_led, True
            if not leads:
                for wish in wishes:
                    wish.call = threading.Lock()
                    wish.call.acquire()
                self._waiting += wishes  # together: whoever leads takes all of them
        if not leads:
            try:
                own.call.acquire()
            except BaseException:  # stopped while it slept
                self._leave(wishes)
                raise
            if own.is_done:
                return
            # This thread leads now, and brings all of its own along.
            with self._mutex:
                for wish in wishes[1:]:
                    self._waiting.remove(wish)
        self._lead(connection, wishes)

    def _lead(self, connection: Any, wishes: Sequence[Wish]) -> None:
        """Wait for the turn, write all wishes there are by then, call who leads next.

        `wishes` are not among those that wait.
        """
        served = [*wishes]
        try:
            if not self.take():
                raise sqlite3.OperationalError(LOCKED)
            try:
                if self._waiting:
                    with self._mutex:
                        served += self._waiting
                        self._waiting.clear()
                _serve(connection, served, wishes[0])
                if self._room is not None:
                    self._room.note(connection, len(served))
            finally:
                self.give_back()
        finally:
            self._hand_on()
            for each in served:
                if each.call is not None and each is not wishes[0]:
                    each.call.release()

    def _hand_on(self) -> None:
        """Let the first of those who wait lead."""
        with self._mutex:
            following = self._waiting.popleft() if self._waiting else None
            self._is_led = following is not None
        if following is not None:
            following.call.release()

    def _leave(self, wishes: Sequence[Wish]) -> None:
        """Take back wishes that nobody waits for any more, where they are not written yet."""
        own = wishes[0]
        with self._mutex:
            leads = own.call.acquire(blocking=False) and not own.is_done
            for wish in wishes:
                if wish in self._waiting:
                    self._waiting.remove(wish)
        if leads:
            self._hand_on()


def _serve(connection: Any, wishes: list[Wish], own: Wish) -> None:
    """Write all `wishes`, one of them that of this thread, and note how it went."""
    try:
        try:
            together(connection, wishes)
        except sqlite3.IntegrityError:  # found at the end, and one wish's fault
            for wish in wishes:
                _alone(connection, wish)
    except BaseException as error:  # noqa: BLE001 - each thread raises its own
        for wish in wishes:
            wish.error = error if wish is own else _for_another(error)
    finally:
        for wish in wishes:
            wish.is_done = True


def _alone(connection: Any, wish: Wish) -> None:
    wish.seq = wish.error = None
    try:
        together(connection, [wish])
    except Exception as error:  # noqa: BLE001 - its thread raises it
        wish.error = error


def _for_another(error: BaseException) -> Exception:
    if isinstance(error, sqlite3.Error):
        return type(error)(*error.args)
    return sqlite3.OperationalError(
        f"nothing was written: the thread that wrote for this one ended with {error!r}"
    )


def together(connection: Any, wishes: list[Wish]) -> None:
    """Write `wishes` in one transaction, in their order.

    A wish that fails or is refused is undone alone. Raises what the transaction itself raises;
    then nothing is written.
    """
    execute = connection.execute
    alone = len(wishes) == 1
    relaxed = wishes[0].relaxed if alone else all(wish.relaxed for wish in wishes)
    if relaxed:
        # The level may only change between transactions, and others share the connection.
        execute("PRAGMA synchronous=NORMAL")
    try:
        if alone and wishes[0].is_one_statement:
            wishes[0].seq = wishes[0].rows(connection)
            return
        execute("BEGIN IMMEDIATE")
        try:
            if alone:
                wishes[0].seq = wishes[0].rows(connection)
            else:
                for wish in wishes:
                    _one_of_many(connection, wish)
            execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                execute("ROLLBACK")
            raise
    finally:
        if relaxed:
            execute("PRAGMA synchronous=FULL")


def _one_of_many(connection: Any, wish: Wish) -> None:
    execute = connection.execute
    # One statement undoes itself. Each statement lets the other threads on, and then waits for them.
    several = not wish.is_one_statement
    if several:
        execute("SAVEPOINT durableweb_wish")
    try:
        wish.seq = wish.rows(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite has given up the whole transaction: a full disk, say
        wish.error = error
    if several:
        if wish.error is not None or wish.seq is None:
            execute("ROLLBACK TO durableweb_wish")
        execute("RELEASE durableweb_wish")


_turns: dict[str, Turns] = {}
_making = threading.Lock()
# A child that was forked while a thread of its parent wrote would wait for that thread.
os.register_at_fork(after_in_child=_turns.clear)


def turns_of(wrapper: Any) -> Turns:
    """The turns of the file that `wrapper` is connected to."""
    name = str(wrapper.settings_dict["NAME"])
    if name in ("", ":memory:"):  # each connection has one of its own
        return Turns()
    known = _turns.get(name)
    if known is None:
        with _making:
            known = _turns.setdefault(name, Turns())
    return known


def each_alone(wishes: Sequence[Wish], write: Callable[[Wish], int | None]) -> None:
    """Have each of `wishes` written by itself; what became of it stands at it."""
    for wish in wishes:
        try:
            wish.seq = write(wish)
        except BaseException as error:  # noqa: BLE001 - its saving raises it
            wish.error = error


def write_in_turn(wrapper: Any, connection: Any, wish: Wish) -> int | None:
    """Have `wish` written into the file of `wrapper`, whose driver's connection is given.

    Raises what the wish, its transaction or the wait for the turn raises. Where undoing it failed as well, the
    connection would hold the only write lock: it is closed, which undoes all, and the next
    statement opens another.
    """
    try:
        return turns_of(wrapper).write(connection, wish)
    except sqlite3.Error as error:
        error.__durableweb_unwritten__ = True  # type: ignore[attr-defined]
        wrapper.close()
        raise


def write_all_in_turn(wrapper: Any, connection: Any, wishes: Sequence[Wish]) -> None:
    """`write_in_turn` for several, of which each tells itself what became of it."""
    try:
        turns_of(wrapper).write_all(connection, wishes)
    except BaseException as error:  # noqa: BLE001 - the turn did not come
        for wish in wishes:
            wish.error = wish.error or error
    failed = [wish.error for wish in wishes if isinstance(wish.error, sqlite3.Error)]
    for each in failed:
        each.__durableweb_unwritten__ = True  # type: ignore[attr-defined]
    if failed:
        wrapper.close()
