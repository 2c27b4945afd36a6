"""Former spellings that programs for older versions of LangGraph have (E.former).

Each is taken for the present one, with a DeprecationWarning that names it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypedDict


class OfGraphs(TypedDict, total=False):
    """What `StateGraph` was given by former names."""

    config_schema: Any
    input: Any
    output: Any


class OfNodes(TypedDict, total=False):
    """What `add_node` was."""

    retry: Any
    input: Any


class OfEntrypoints(TypedDict, total=False):
    """What `@entrypoint` was."""

    config_schema: Any
    retry: Any


class OfAgents(TypedDict, total=False):
    """What `create_react_agent` was."""

    config_schema: Any


class OfTasks(TypedDict, total=False):
    """What `@task` was."""

    retry: Any


class OfPregels(TypedDict, total=False):
    """What `Pregel` was."""

    config_type: Any


class OfInterrupts(TypedDict, total=False):
    """What an `Interrupt` was, beside its value."""

    ns: Any
    resumable: Any
    when: Any


LangGraphDeprecationWarning = DeprecationWarning
"""What former names are warned of; here all are one category."""
LangGraphDeprecatedSinceV05 = LangGraphDeprecationWarning
"""The same."""
LangGraphDeprecatedSinceV10 = LangGraphDeprecationWarning
"""The same."""
LangGraphDeprecatedSinceV11 = LangGraphDeprecationWarning
"""The same."""

PRESENT = {
    "config_schema": "context_schema",
    "config_type": "context_schema",
    "input": "input_schema",
    "output": "output_schema",
    "retry": "retry_policy",
}
"""former name -> present name"""


def outdated(what: str, instead: str, *, above: int = 1) -> None:
    """Warn that `what` is deprecated; the warning stands `above` calls over who calls this."""
    warnings.warn(
        f"{what} is deprecated; {instead}",
        DeprecationWarning,
        stacklevel=above + 2,
    )


def taken(
    where: str, more: Mapping[str, object], given: dict[str, Any]
) -> dict[str, Any]:
    """The arguments `given` to `where`, with those that `more` has under a former name.

    What was given under the present name goes before. Raises TypeError for a name that nothing knows.
    """
    found = dict(given)
    for old, value in more.items():
        new = PRESENT.get(old)
        if new not in found:
            raise TypeError(f"{where} got an unexpected keyword argument {old!r}")
        outdated(f"{where}: {old}=", f"write {new}=", above=2)
        if found[new] is None:
            found[new] = value
    return found


def namespace_of(more: Mapping[str, object]) -> str | None:
    """The place that an `Interrupt` was given as `ns`, names one below the other, as text; None for none.

    Raises TypeError for a name that nothing knows.
    """
    for name in more:
        if name not in OfInterrupts.__annotations__:
            raise TypeError(f"Interrupt got an unexpected keyword argument {name!r}")
        instead = "write id=" if name == "ns" else "leave it out"
        outdated(f"Interrupt: {name}=", instead, above=2)
    given = more.get("ns")
    return "|".join(given) if isinstance(given, Sequence) else None


def durability_of(during: Any, durability: Any) -> Any:
    """What `checkpoint_during` says as a `durability`; ValueError where that is given too."""
    if during is None:
        return durability
    outdated("checkpoint_during=", "write durability= ('async' or 'exit')", above=3)
    if durability is not None:
        raise ValueError(
            "checkpoint_during= and durability= say the same; give durability= alone"
        )
    return "async" if during else "exit"


def moved(module: str, home: str, *names: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose `names` are imported from `home` by now."""

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        outdated(f"{module}.{name}", f"write from {home} import {name}")
        return getattr(import_module(home), name)

    return __getattr__


__all__ = [
    "LangGraphDeprecatedSinceV05",
    "LangGraphDeprecatedSinceV10",
    "LangGraphDeprecatedSinceV11",
    "LangGraphDeprecationWarning",
    "OfAgents",
    "OfEntrypoints",
    "OfGraphs",
    "OfInterrupts",
    "OfNodes",
    "OfPregels",
    "OfTasks",
    "durability_of",
    "moved",
    "namespace_of",
    "outdated",
    "taken",
]
