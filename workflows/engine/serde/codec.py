"""The codec: values to tagged JSON text and back, over one registry of types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from workflows.engine.errors import (
    DamagedValueError,
    DecryptionError,
    SerdeError,
    SerializationError,
)
from workflows.engine.serde import langchain
from workflows.engine.serde.builtin import builtin_types
from workflows.engine.serde.classes import default_tag, form_of
from workflows.engine.serde.plain import is_plain
from workflows.engine.serde.read import rebuild
from workflows.engine.serde.registry import (
    Form,
    Pack,
    Registered,
    Registry,
    Upgrade,
)
from workflows.engine.serde.vault import is_sealed
from workflows.engine.serde.write import Writer

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_encode_in_order = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode
FORMAT = "durableweb-1"
_MARK = b'"$t"'
_MARK_TEXT = _MARK.decode()
_WARN_BYTES = 1024 * 1024
MAX_BYTES = 16 * 1024 * 1024


class Serde:
    """A codec with a registry of its own; `workflows.engine.serde` holds the common one.

    `max_bytes` is the size above which a value is refused (R10.10).
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self.registry = Registry(builtin_types())
        self.registry.late.append(langchain.by_tag)
        self.max_bytes = max_bytes

    def register_type(
        self,
        tag: str,
        cls: type,
        version: int = 1,
        upgrade: Mapping[int, Upgrade] | None = None,
        aliases: Iterable[str] = (),
        *,
        pack: Pack | None = None,
        unpack: Callable[[Any], Any] | None = None,
    ) -> None:
        """Let instances of `cls` be stored under `tag`.

        `upgrade[n]` turns the stored parts of version n into those of n + 1. `aliases` are
        tags under which older data was written. A class that is no dataclass, model, enum,
        NamedTuple or Struct needs `pack` (instance to storable parts) and `unpack` (back).
        """
        if (pack is None) != (unpack is None):
            raise TypeError(
                f"register_type({tag!r}): give both pack= and unpack=, or neither"
            )
        form = (
            form_of(cls) if pack is None or unpack is None else _own_form(pack, unpack)
        )
        if form is None:
            raise TypeError(
                f"register_type({tag!r}): {cls!r} is no dataclass, model, enum, NamedTuple "
                "or Struct, so pack= and unpack= have to say how it is stored"
            )
        entry = Registered(tag, cls, form, version, dict(upgrade or {}))
        self.registry.add(entry, aliases)

    def encode(self, value: Any, path: str = "$") -> bytes:
        """`value` as tagged JSON in UTF-8, without NUL bytes or lone surrogates.

        Raises SerializationError, which names the place below `path`.
        """
        try:
            data = _encode(value) if is_plain(value) else _MARK
        except (ValueError, RecursionError):
            data = _MARK  # a lone surrogate, a number of thousands of digits
        if data.find(_MARK) >= 0:  # `in` would first try whether it is a number
            data = self._encode_carefully(value, path, canonical=False)
        if len(data) > _WARN_BYTES:
            self._check_size(len(data), path)
        return data

    def decode(self, data: bytes | str) -> Any:
        """The value that was encoded, made anew.

        Raises UnknownTypeError, or DamagedValueError for what `encode` cannot have written.
        """
        try:
            tree = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self.tree(data)  # says what is wrong
        if (_MARK_TEXT if type(data) is str else _MARK) not in data:  # type: ignore[operator]
            return tree
        try:
            return rebuild(tree, self.registry)
        except RecursionError as error:
            raise DamagedValueError("a stored value is nested too deep") from error

    def dumps(self, value: Any, path: str = "$") -> str:
        """`encode` as text."""
        return self.encode(value, path).decode()

    def dumps_plain(self, value: Any, path: str = "$") -> str:
        """`dumps` of what is known to hold nothing but plain JSON: nobody looks at its types."""
        try:
            return _encode(value).decode()
        except (ValueError, TypeError):  # a name that JSON cannot hold
            return self.dumps(value, path)

    def loads(self, text: str | bytes) -> Any:
        """`decode` by its usual name."""
        return self.decode(text)

    def dumps_typed(self, value: Any) -> tuple[str, bytes]:
        """(Name of the format, encoded value), as LangGraph's savers keep them."""
        return FORMAT, self.encode(value)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """What `dumps_typed` was given."""
        name, payload = data
        if name != FORMAT:
            raise SerdeError(f"a value in the format {name!r} is not {FORMAT!r}")
        return self.decode(payload)

    def tree(self, data: bytes | str) -> Any:
        """The raw tree for display: tagged nodes stay dicts, no type is built."""
        try:
            return _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if isinstance(data, str) and is_sealed(data):
                raise DecryptionError(
                    "a stored value is encrypted; give the saver its cipher "
                    "(VALUE_CIPHER)"
                ) from error
            raise DamagedValueError(f"a stored value is damaged: {error}") from error

    def canonical(self, value: Any, path: str = "$") -> str:
        """Text for digests: equal values give equal text, whatever the order of their keys.

        A model counts by its field values, not by which of them were given; ids that the engine gave to
        messages are left out.
        """
        try:
            data = _encode_in_order(value) if is_plain(value) else _MARK
        except (ValueError, RecursionError):
            data = _MARK
        if data.find(_MARK) >= 0:  # `in` would first try whether it is a number
            data = self._encode_carefully(value, path, canonical=True)
        return data.decode()

    def find(self, cls: type) -> Registered | None:
        """The entry of a class; one met for the first time is registered on the spot."""
        known = self.registry.by_class.get(cls) or langchain.by_class(
            cls, self.registry
        )
        if known is not None:
            return known
        form = form_of(cls)
        if form is None:
            return None
        entry = Registered(default_tag(cls), cls, form)
        self.registry.add(entry)
        return entry

    def _encode_carefully(self, value: Any, path: str, *, canonical: bool) -> bytes:
        encode = _encode_in_order if canonical else _encode
        writer = Writer(self.registry, self.find, root=path, canonical=canonical)
        try:
            try:
                return encode(writer.tree(value))
            except UnicodeEncodeError:
                writer = Writer(
                    self.registry,
                    self.find,
                    root=path,
                    canonical=canonical,
                    careful_text=True,
                )
                return encode(writer.tree(value))
        except RecursionError as error:
            raise SerializationError(
                path, "a value is nested too deep to be stored, or contains itself"
            ) from error

    def _check_size(self, size: int, path: str) -> None:
        if size > self.max_bytes:
            raise SerializationError(
                path,
                f"a value takes {size} bytes, more than the {self.max_bytes} allowed; keep "
                "large data elsewhere and store a reference",
            )
        logger.warning("the value at %s takes %d bytes", path, size)


def _own_form(pack: Pack, unpack: Callable[[Any], Any]) -> Form:
    def rebuild_one(parts: Any, _: Mapping[str, Any]) -> Any:
        return unpack(parts)

    return Form(pack, rebuild_one)
