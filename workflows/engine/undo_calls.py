"""Calls that undo what was done: what is recorded of them, and their functions found again (RB.8)."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from workflows.engine import ids
from workflows.engine.errors import SerdeError
from workflows.engine.inject import name_of, parameters_of
from workflows.engine.kinds import check_callable, refused
from workflows.engine.serde import canonical, dumps, loads

_WANTED = (
    "a function of a module, by its name there, which another process finds as well; no lambda, "
    "no function within a function, no partial and no method of an object"
)

UndoCall = dict[str, Any]
"""`id`, `call` ("module:name"), `name` (for people), `args` (a list), `kwargs`; once it is on record also `n`, by which those of a
thread are ordered, and `thread`: a copy of it shares the record, and what was done is not the copy's to undo."""


def check_undo(fn: Any, where: str, name: str) -> None:
    """Refuse what another process could not find again, as far as that shows before its module is there.

    Raises TypeError for what cannot be called, ValueError for a function that has no name in its module.
    """
    check_callable(fn, where, name, _WANTED)
    module, qualname = getattr(fn, "__module__", None), getattr(fn, "__qualname__", "")
    is_named = isinstance(module, str) and qualname and "<" not in qualname
    if not is_named or isinstance(fn, functools.partial) or _is_of_an_object(fn):
        raise refused(where, name, fn, _WANTED, ValueError)


def undo_call(
    fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], where: str, place: str
) -> UndoCall:
    """The call `fn(*args, **kwargs)` as it is recorded; `place` is the id of the spot where it was asked for.

    What is to be undone with other arguments was done once more: it has another id. Raises ValueError for a function
    that is not found by its name, SerializationError for arguments that cannot be stored.
    """
    check_undo(fn, where, "fn")
    address = f"{fn.__module__}:{fn.__qualname__}"
    if not _is_found(address, fn):
        raise refused(where, "fn", fn, _WANTED, ValueError)
    given = [list(args), dict(kwargs)]
    try:
        kept = loads(dumps(given))  # what the author changes later does not count
        told = ids.digest(f"{address} {canonical(given)}")
    except SerdeError as error:
        error.add_note(
            f"{where}: the arguments of {address} are kept until it is called"
        )
        raise
    return {
        "id": ids.interrupt_id(place, told),
        "call": address,
        "name": getattr(fn, "name", None) or name_of(fn),
        "args": kept[0],
        "kwargs": kept[1],
    }


def takes_result(fn: Any) -> bool:
    """Say whether what undoes a `@task` is to be given what the task has returned, as `result=`."""
    return any(each.name == "result" for each in parameters_of(fn) or ())


def find(address: str) -> Callable[..., Any]:
    """The function that `module:name` names. Raises ImportError or AttributeError where it is gone."""
    module, _, qualname = address.partition(":")
    found: Any = import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _is_found(address: str, fn: Any) -> bool:
    try:
        return bool(find(address) == fn)
    except (ImportError, AttributeError):
        return False


def _is_of_an_object(fn: Any) -> bool:
    owner = getattr(fn, "__self__", None)
    return inspect.ismethod(fn) and not isinstance(owner, type)
