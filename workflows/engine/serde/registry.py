"""Which types may be stored, under which tag, and how each is taken apart and rebuilt.

Data never names code: a tag is looked up here or it is unknown. What a class of the author
looks like (dataclass, model, enum, ...) is answered by `classes.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from workflows.engine.errors import SerdeError, UnknownTypeError

logger = logging.getLogger(__name__)

Pack = Callable[[Any], Any]
Unpack = Callable[[Any, Mapping[str, Any]], Any]
Upgrade = Callable[[Any], Any]


class Form(Struct):
    """How the instances of a type are taken apart and rebuilt.

    `pack` gives a value made of storable things, `also` further named parts (they stand
    beside the value, left out when empty). `unpack` gets both back. A digest leaves out the
    parts named in `unhashed`.
    """

    pack: Pack
    unpack: Unpack
    also: Callable[[Any], dict[str, Any]] | None = None
    sort: bool = False
    unhashed: frozenset[str] = frozenset()


class Registered(Struct):
    """A type with its tag, its version and the ways up from older versions."""

    tag: str
    cls: type
    form: Form
    version: int = 1
    upgrade: Mapping[int, Upgrade] = field(default_factory=dict)

    def rebuild(self, value: Any, version: int, rest: Mapping[str, Any]) -> Any:
        """An instance from its stored parts, upgraded step by step where they are older."""
        if version > self.version:
            raise SerdeError(
                f"{self.tag!r} was written in version {version}, this code knows version "
                f"{self.version}; deploy the newer code or register the newer version"
            )
        for step in range(version, self.version):
            if step in self.upgrade:
                value = self.upgrade[step](value)
        return self.form.unpack(value, rest)


class Registry:
    """The allow-list: tags to types and back. `late` are asked for a tag that is not in it."""

    def __init__(self, known: Iterable[Registered] = ()) -> None:
        self.by_tag: dict[str, Registered] = {}
        self.by_class: dict[type, Registered] = {}
        self.late: list[Callable[[str, Registry], Registered | None]] = []
        for entry in known:
            self.add(entry)

    def add(self, entry: Registered, aliases: Iterable[str] = ()) -> None:
        """Enter a type; a tag entered again is replaced."""
        for tag in (entry.tag, *aliases):
            old = self.by_tag.get(tag)
            if old is not None and old.cls is not entry.cls:
                logger.debug(
                    "type tag %r now means %r, before %r", tag, entry.cls, old.cls
                )
                if self.by_class.get(old.cls) is old:
                    del self.by_class[old.cls]
            self.by_tag[tag] = entry
        self.by_class[entry.cls] = entry

    def get(self, tag: str) -> Registered:
        """The type of a tag; UnknownTypeError where there is none."""
        found = self.by_tag.get(tag)
        if found is not None:
            return found
        for look in self.late:
            found = look(tag, self)
            if found is not None:
                return found
        raise UnknownTypeError(tag)
