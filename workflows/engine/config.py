"""Reading and merging the caller's config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from workflows.engine.callbacks import together
from workflows.engine.constants import DEFAULT_RECURSION_LIMIT

Config = dict[str, Any]
RunnableConfig = dict[str, Any]
"""What a call is given beside its input: `configurable` with `thread_id`, and perhaps
`metadata`, `recursion_limit`, `max_concurrency`, `tags`, `callbacks`. As the annotation of
a node's `config` parameter it marks what is filled in by name (R1.4)."""


_PLACES = frozenset(
    ("thread_id", "checkpoint_id", "checkpoint_ns", "checkpoint_map", "expected_head")
)
_EXAMPLE = 'such as {"configurable": {"thread_id": "..."}}'


_KEYS = frozenset(
    ("callbacks", "recursion_limit", "max_concurrency", "run_name", "run_id")
)


def merge_configs(*configs: Mapping[str, Any] | None) -> Config:
    """One config from several; later ones win, `configurable` and `metadata` are merged.

    A key that is none of a config's own stands for one of `configurable` and goes before what is there.
    """
    merged: Config = {}
    loose: Config = {}
    for config in configs:
        if config is None:
            continue
        if type(config) is not dict and not isinstance(config, Mapping):
            raise TypeError(f"a config is a dict, not {config!r}; {_EXAMPLE}")
        for key, value in config.items():
            if value is None:
                continue
            if key in ("configurable", "metadata"):
                if type(value) is not dict and not isinstance(value, Mapping):
                    raise TypeError(
                        f"{key!r} of the config is a dict, not {value!r}; {_EXAMPLE}"
                    )
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "tags":
                if not isinstance(value, list | tuple | set | frozenset):
                    raise TypeError(
                        f"'tags' of the config is a list of texts, not {value!r}"
                    )
                merged[key] = [*merged.get(key, []), *value]
            elif key == "callbacks":
                merged[key] = together(merged.get(key), value)
            elif key in _KEYS:
                merged[key] = value
            else:
                loose[key] = value
    if loose:
        merged["configurable"] = {**merged.get("configurable", {}), **loose}
    return merged


def configurable(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The `configurable` part, never None."""
    found: Mapping[str, Any] = (config or {}).get("configurable") or {}
    return found


def thread_id_of(asked: Mapping[str, Any]) -> str:
    """The thread id in a `configurable` as text (R1.43). Raises ValueError where it is missing or empty."""
    value = asked.get("thread_id")
    if type(value) is str and value:
        return value
    if value is None or value == "":
        raise ValueError(
            "a graph with a checkpointer needs a thread: pass "
            'config={"configurable": {"thread_id": "..."}} with a non-empty id'
        )
    if not _is_name(value):
        raise ValueError(
            f"thread_id must be a str, an int or a UUID, not {type(value).__name__} ({value!r})"
        )
    return str(value)


def _is_name(value: Any) -> bool:
    """Say whether its text names it: it is no container, and no address that another process does not know."""
    if isinstance(value, list | tuple | dict | set | frozenset | bytes | bool):
        return False
    kind: Any = type(value)
    return any(
        getattr(kind, name) is not getattr(object, name)
        for name in ("__str__", "__repr__")
    )


def place_of(asked: Mapping[str, Any], key: str) -> str | None:
    """A checkpoint, a namespace or a head that a `configurable` names, None for none; TypeError for no text."""
    value = asked.get(key)
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(
        f"configurable[{key!r}] is {value!r}; give it as text, as the config of a "
        "snapshot has it"
    )


def run_id_of(config: Mapping[str, Any] | None) -> str | None:
    """The caller's own id of the run as text (R1.6); None where the run is to have one by itself."""
    value = (config or {}).get("run_id")
    if value is None:
        return None
    if not _is_name(value):
        raise TypeError(f"run_id of the config must be a str or a UUID, not {value!r}")
    return str(value)


def recursion_limit_of(config: Mapping[str, Any] | None) -> int:
    """The recursion limit; raises ValueError below 1 (R3.10)."""
    limit: Any = (config or {}).get("recursion_limit", DEFAULT_RECURSION_LIMIT)
    is_whole = isinstance(limit, int) and not isinstance(limit, bool)
    if not is_whole or limit < 1:
        raise ValueError(f"recursion_limit must be a whole number >= 1, not {limit!r}")
    return int(limit)


def max_concurrency_of(config: Mapping[str, Any] | None) -> int | None:
    """How many tasks may run at once, None for any number; raises ValueError below 1 (R3.6)."""
    limit = (config or {}).get("max_concurrency")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ValueError(
            f"max_concurrency must be a whole number >= 1 or None, not {limit!r}"
        )
    return limit


def caller_metadata(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a checkpoint keeps of the caller's config: metadata and scalar keys (R3.4)."""
    found = dict((config or {}).get("metadata") or {})
    for key, value in configurable(config).items():
        if key in _PLACES or key.startswith("__"):
            continue
        if isinstance(value, str | int | float | bool):
            found.setdefault(key, value)
    return found
