"""A saving as a generator: it asks for what is to be written, and is told how that went.

So one text serves the thread that saves for itself and the one that saves for all the coroutines of an event
loop that wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from workflows.storage.turns import Wish

T = TypeVar("T")

Saving = Generator[Wish, int | None, T]
"""Asks for wishes, is sent what became of each, and returns a T."""


def asking(function: Callable[..., T], *args: Any) -> Saving[T]:
    """A saving that asks for nothing: it calls `function` with `args`, and returns what that returns."""
    return function(*args)
    yield  # type: ignore[unreachable]


def alone(saving: Saving[T], write: Callable[[Wish], int | None]) -> T:
    """Carry out `saving`; returns and raises what it does. `write` returns what became of a wish."""
    try:
        wish = next(saving)
        while True:
            try:
                seq = write(wish)
            except BaseException as error:  # noqa: BLE001 - the saving is told
                wish = saving.throw(error)
            else:
                wish = saving.send(seq)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


class Part:
    """One of several savings that are carried out together, and what came of it."""

    __slots__ = ("error", "run", "saving", "value", "wish")

    def __init__(self, saving: Saving[Any], run: Callable[..., Any]) -> None:
        self.saving = saving
        self.run = run
        """Calls a function in the context of whoever wants to have this saved."""
        self.wish: Wish | None = None
        """What is to be written next; None where the saving has ended."""
        self.value: Any = None
        self.error: BaseException | None = None

    def go_on(self) -> None:
        """Tell the saving what became of its wish, and hear what it wants next."""
        wish, saving = self.wish, self.saving
        self.wish = None
        try:
            if wish is None:
                self.wish = self.run(next, saving)
            elif wish.error is not None:
                self.wish = self.run(saving.throw, wish.error)
            else:
                self.wish = self.run(saving.send, wish.seq)
        except StopIteration as end:
            self.value = end.value
        except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
            self.error = error


def together(
    parts: Sequence[Part], write_all: Callable[[Sequence[Wish]], object]
) -> None:
    """Carry out savings of different threads, all their wishes of a round in one transaction.

    `write_all` notes at each wish what became of it, and raises nothing.
    """
    waiting = parts
    while waiting:
        for part in waiting:
            part.go_on()
        waiting = [part for part in waiting if part.wish is not None]
        if waiting:
            write_all([part.wish for part in waiting if part.wish is not None])
