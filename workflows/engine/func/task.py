"""`@task`: a call whose result is recorded (R8.9 to R8.16)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from workflows.engine.cache.base import BaseCache
from workflows.engine.drivers.timeouts import checked_policy
from workflows.engine.inject import (
    injections,
    is_coroutine_function,
    is_generator_function,
    name_of,
)
from workflows.engine.kinds import check_callable, check_text, refused
from workflows.engine.loop.caching import task_namespace
from workflows.engine.loop.program import Node
from workflows.engine.policies import checked_cache, checked_retry
from workflows.engine.runtime import current
from workflows.engine.serde import register_reachable
from workflows.engine.spellings import OfTasks, taken
from workflows.engine.types import CachePolicy, RetryPolicy
from workflows.engine.undo_calls import check_undo


class TaskFunction:
    """A decorated function: calling it inside a graph starts it and returns a future."""

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        name: str | None = None,
        retry: tuple[RetryPolicy, ...] = (),
        cache: CachePolicy | None = None,
        timeout: Any = None,
        undo: Callable[..., Any] | None = None,
        transaction: str | None = None,
    ) -> None:
        functools.update_wrapper(self, fn)
        self.name = name or _name_of(fn)
        if undo is not None:
            check_undo(undo, f"task {self.name!r}", "undo")
            register_reachable(undo)
        if is_generator_function(fn):
            raise NotImplementedError(
                f"task {self.name!r} is a generator function, whose result cannot be "
                "recorded; return a list"
            )
        if timeout is not None and not is_coroutine_function(fn):
            raise ValueError(
                f"task {self.name!r} has a timeout but is a plain function, which cannot "
                "be stopped; make it a coroutine function"
            )
        if transaction is not None:
            _check_transactional(fn, self.name, cache)
        inject, _ = injections(fn, f"task {self.name!r}", skip=0, strict=False)
        register_reachable(fn)
        self.node = Node(
            name=self.name,
            fn=fn,
            is_async=is_coroutine_function(fn),
            write=lambda value: [],
            read=lambda channels, remaining: None,
            inject=inject,
            retry=retry,
            cache=cache,
            timeout=checked_policy(timeout, f"task {self.name!r}: timeout"),
            undo=undo,
            transaction=transaction,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Start the call and return its future. Raises RuntimeError outside a graph."""
        context = current.get()
        if context is None:
            raise RuntimeError(
                f"task {self.name!r} was called outside a graph: call it inside an "
                "@entrypoint or a node, in the thread or coroutine the engine started"
            )
        return context.call(self, args, kwargs)

    def clear_cache(self, cache: BaseCache) -> None:
        """Forget what `cache` keeps of this task, whichever graph called it."""
        cache.clear([task_namespace(self.node)])

    async def aclear_cache(self, cache: BaseCache) -> None:
        """Async twin of `clear_cache`."""
        await cache.aclear([task_namespace(self.node)])

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else functools.partial(self, instance)


def _name_of(fn: Callable[..., Any]) -> str:
    """The function's own name; a partial is called after the function that it completes."""
    if isinstance(fn, functools.partial) and not hasattr(fn, "__name__"):
        return name_of(fn.func)
    return name_of(fn)


def _database(transactional: Any, using: Any, where: str) -> str | None:
    """The database of a transactional task, "" for the saver's own; None for other tasks."""
    if not isinstance(transactional, bool):
        raise refused(where, "transactional", transactional, "True or False")
    if using is None:
        return "" if transactional else None
    wanted = "the name of a database as in DATABASES, or None for the saver's own"
    check_text(using, where, "using", wanted)
    if not (transactional and using):
        raise refused(
            where, "using", using, f"{wanted}, with transactional=True", ValueError
        )
    return str(using)


def _check_transactional(fn: Any, name: str, cache: Any) -> None:
    if is_coroutine_function(fn):
        raise ValueError(
            f"task {name!r} is transactional but a coroutine function, and a transaction of Django's belongs to one "
            "thread; make it a plain function, which a coroutine can await all the same"
        )
    if cache is not None:
        raise ValueError(
            f"task {name!r} is transactional and has a cache_policy: a kept result would leave out what its body "
            "writes; leave one of them out"
        )


def task(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
    cache_policy: CachePolicy | None = None,
    timeout: Any = None,
    undo: Callable[..., Any] | None = None,
    transactional: bool = False,
    using: str | None = None,
    **more: Unpack[OfTasks],
) -> Any:
    """Make a function whose calls inside a graph are recorded and not repeated on resume.

    A call starts at once and returns a future: `.result()` in blocking code, `await` in coroutines.

    `undo` is a function of a module (or another `@task`) that undoes what a call has done. It is put on record with
    the result, and called with the same arguments if the thread's work fails or is cancelled later, with the result,
    too, where it has a parameter `result` (RB.8; see `compensate`). A result that a cache gives is not undone.

    With `transactional` the function runs in one transaction of Django's with the record of its result, on the saver's
    database: what it writes there is written once, whatever happens (RB.7). `using` says which database it means, and
    has to be the saver's. Its calls need a DjangoSaver (RuntimeError), and no other call of the engine may be made in it.

    Raises NotImplementedError for a generator function, ValueError for an `undo` that another process would not find,
    for `transactional` on a coroutine function or with a `cache_policy`, and for `using` without it.
    """

    if more:
        named = {"retry_policy": retry_policy}
        retry_policy = taken("task()", more, named)["retry_policy"]
    if name is not None:
        check_text(name, "@task", "name", "a text")

    def decorate(fn: Callable[..., Any]) -> TaskFunction:
        wanted = "a function; its name is given as @task(name='...')"
        check_callable(fn, "@task", "what it decorates", wanted)
        what = f"task {name or _name_of(fn)!r}"
        transaction = _database(transactional, using, what)
        return TaskFunction(
            fn,
            name=name,
            retry=checked_retry(retry_policy, what) or (),
            cache=checked_cache(cache_policy, what),
            timeout=timeout,
            undo=undo,
            transaction=transaction,
        )

    return decorate if function is None else decorate(function)
