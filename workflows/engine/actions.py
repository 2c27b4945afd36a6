"""What the functions of one node are together: one after the other, each given what the last returned (R1.50)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import isawaitable
from typing import Any, NamedTuple

from workflows.engine.inject import injections, is_coroutine_function, is_runnable
from workflows.engine.later import asyncio


class Action(NamedTuple):
    """What is called: the blocking way and the async one, and which parameters are filled in by name."""

    fn: Callable[..., Any]
    afn: Callable[..., Any] | None = None
    is_async: bool = False
    inject: tuple[str, ...] = ()


def _part(given: Any, where: str) -> Action:
    if is_runnable(given):
        return Action(given.invoke, getattr(given, "ainvoke", None))
    inject, _ = injections(given, where)
    return Action(given, None, is_coroutine_function(given), inject)


def in_a_row(given: Sequence[Any], where: str) -> Action:
    """One action that gives each part what the one before it returned; of no part, what it is given.

    Raises TypeError for a parameter that nothing fills.
    """
    parts = [_part(each, where) for each in given]
    if not parts:
        return Action(lambda value: value)
    if len(parts) == 1:
        return parts[0]
    names = tuple(dict.fromkeys(name for part in parts for name in part.inject))
    later = partial(_awaited, parts)
    if any(part.is_async for part in parts):

        async def run(value: Any, **filled: Any) -> Any:
            return await later(value, **filled)

        return Action(run, None, True, names)
    awaits = any(part.afn is not None for part in parts)
    return Action(partial(_called, parts), later if awaits else None, False, names)


def _called(parts: Sequence[Action], value: Any, /, **filled: Any) -> Any:
    for part in parts:
        value = part.fn(value, **{name: filled[name] for name in part.inject})
    return value


async def _awaited(parts: Sequence[Action], value: Any, /, **filled: Any) -> Any:
    for part in parts:
        more = {name: filled[name] for name in part.inject}
        if part.is_async or part.afn is not None:
            value = (part.afn or part.fn)(value, **more)
            value = await value if isawaitable(value) else value
        else:  # a plain function must not hold up the event loop
            value = await asyncio.to_thread(part.fn, value, **more)
    return value
