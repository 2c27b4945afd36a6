"""The tags of the standard library's types and of the engine's own value classes."""

from __future__ import annotations

import base64
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

from workflows.engine.serde.registry import Form, Registered
from workflows.engine.serde.times import time_types
from workflows.engine.types import (
    Command,
    Interrupt,
    Overwrite,
    Send,
    TimeoutPolicy,
)
from workflows.engine.waits import (
    TIME_IS_UP,
    ChildEnded,
    ChildWait,
    EventWait,
    Happened,
    SignalWait,
    Sleep,
)

_FACTORIES = {
    factory.__name__: factory
    for factory in (list, dict, set, int, float, str, bool, tuple, frozenset)
}
_ADDRESSES = (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)


def builtin_types() -> Iterator[Registered]:
    """Every type that is known without being registered."""
    yield from _containers()
    yield from _scalars()
    yield from time_types()
    yield from _engine_types()


def entry(
    tag: str,
    cls: type,
    pack: Callable[[Any], Any],
    unpack: Callable[[Any], Any],
    **more: Any,
) -> Registered:
    """A registered type whose value needs no further parts."""
    return Registered(tag, cls, Form(pack, lambda value, _: unpack(value), **more))


def _containers() -> Iterator[Registered]:
    yield entry("tuple", tuple, list, tuple)
    yield entry("set", set, list, set, sort=True)
    yield entry("frozenset", frozenset, list, frozenset, sort=True)
    yield entry(
        "OrderedDict",
        OrderedDict,
        lambda value: [[key, item] for key, item in value.items()],
        OrderedDict,
    )
    yield entry("Counter", Counter, dict, Counter)
    yield Registered(
        "deque",
        deque,
        Form(
            list,
            lambda value, rest: deque(value, rest.get("maxlen")),
            lambda value: {} if value.maxlen is None else {"maxlen": value.maxlen},
        ),
    )
    yield Registered(
        "defaultdict",
        defaultdict,
        Form(dict, _default_dict, lambda value: {"factory": _factory_name(value)}),
    )


def _factory_name(value: defaultdict[Any, Any]) -> Any:
    factory = value.default_factory
    if factory is None:
        return None
    name = getattr(factory, "__name__", "")
    # A factory of the author's own is a function, which the walk then refuses by name.
    return name if _FACTORIES.get(name) is factory else factory


def _default_dict(value: Any, rest: Any) -> Any:
    name = rest.get("factory")
    return defaultdict(None if name is None else _FACTORIES[name], value)


def _scalars() -> Iterator[Registered]:
    # int, float and str stand here for reading alone; the walk writes them itself.
    yield entry("int", int, hex, lambda text: int(text, 16))
    yield entry("float", float, repr, float)
    yield entry("str", str, str, lambda text: text.encode().decode("unicode_escape"))
    yield entry("bytes", bytes, _to_base64, base64.b64decode)
    yield entry(
        "bytearray",
        bytearray,
        _to_base64,
        lambda text: bytearray(base64.b64decode(text)),
    )
    yield entry("Decimal", Decimal, str, Decimal)
    yield entry("UUID", UUID, str, UUID)
    yield entry("Path", type(Path()), str, Path)
    yield entry("PurePosixPath", PurePosixPath, str, PurePosixPath)
    yield entry("PureWindowsPath", PureWindowsPath, str, PureWindowsPath)
    yield entry(
        "pattern",
        re.Pattern,
        lambda value: [value.pattern, value.flags],
        lambda parts: re.compile(parts[0], parts[1]),
    )
    for cls in _ADDRESSES:
        yield entry(cls.__name__, cls, str, cls)


def _to_base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


def _engine_types() -> Iterator[Registered]:
    yield entry("Send", Send, _send, _to_send)
    yield entry(
        "Command",
        Command,
        _fields_of("graph", "update", "resume", "goto"),
        _to(Command),
    )
    yield entry(
        "Interrupt",
        Interrupt,
        _question,
        _to_question,
    )
    event = ("topic", "key", "where", "since", "until", "after")
    for cls, names in (
        (Sleep, ("until",)),
        (SignalWait, ("topic", "until")),
        (EventWait, event),
        (ChildWait, ("topic", "until")),
    ):
        yield entry(cls.__name__, cls, _wait("id", *names), _to_wait(cls))
    yield entry("ChildEnded", ChildEnded, _fields_of("value", "error"), _to(ChildEnded))
    yield entry(
        "Happened", Happened, _fields_of("payload", "number", "at"), _to(Happened)
    )
    yield entry("TimeIsUp", type(TIME_IS_UP), lambda _: None, lambda _: TIME_IS_UP)
    yield entry("Overwrite", Overwrite, _fields_of("value"), _to(Overwrite))
    yield entry(
        "TimeoutPolicy",
        TimeoutPolicy,
        _fields_of("run_timeout", "idle_timeout", "refresh_on"),
        _to(TimeoutPolicy),
    )


def _question(value: Interrupt) -> dict[str, Any]:
    parts = {
        "value": value.value,
        "id": value.id,
        "response_schema": value.response_schema,
    }
    if value.schema_class:
        parts["class"] = value.schema_class
    if value.until is not None:
        parts["until"] = value.until
    if value.group:
        parts["group"] = value.group
    return parts


def _to_question(parts: dict[str, Any]) -> Interrupt:
    found = Interrupt(
        parts["value"], parts["id"], response_schema=parts["response_schema"]
    )
    if "class" in parts:
        found.schema_class = parts["class"]
    found.until = parts.get("until")
    if "group" in parts:
        found.group = parts["group"]
    return found


def _wait(*names: str) -> Callable[[Any], dict[str, Any]]:
    fields = _fields_of(*names)

    def pack(value: Any) -> dict[str, Any]:
        return fields(value) | ({"group": value.group} if value.group else {})

    return pack


def _to_wait(cls: Callable[..., Any]) -> Callable[[Any], Any]:
    def unpack(parts: dict[str, Any]) -> Any:
        group = parts.pop("group", "")
        found = cls(**parts)
        if group:
            found.group = group
        return found

    return unpack


def _send(value: Send) -> dict[str, Any]:
    parts = {"node": value.node, "arg": value.arg}
    if value.timeout is not None:
        parts["timeout"] = value.timeout
    return parts


def _to_send(parts: Any) -> Send:
    return Send(parts["node"], parts["arg"], timeout=parts.get("timeout"))


def _fields_of(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {name: getattr(value, name) for name in names}


def _to(cls: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda parts: cls(**parts)
