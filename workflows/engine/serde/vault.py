"""Encrypted texts: a cipher of the author's around what the codec writes (R10.9).

A cipher has `encrypt(data) -> (name, data)` and `decrypt(name, data)`; the name says which key or
method was used, so that a cipher that knows an old name beside the new one allows rotation. It has
to authenticate, as AES-GCM does. Where its methods take a keyword `associated_data`, they are given
the thread and the place of the value there. For others the vault writes both in front of the value
and compares them on reading. Either way a row that is moved elsewhere does not open.
"""

from __future__ import annotations

import base64
import inspect
import json
import re
from typing import Any, Protocol

from workflows.engine.errors import DecryptionError, SerdeError

_MARK = "$sealed:"  # no JSON text begins with a dollar
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Cipher(Protocol):
    """What `InMemorySaver(cipher=)` and `DjangoSaver(cipher=)` take.

    One that takes associated data is a `BindingCipher`. `decrypt` raises an exception of
    any kind where the data or the associated data is not what was encrypted.
    """

    def encrypt(self, data: bytes) -> tuple[str, bytes]:
        """(Name of the key or method, encrypted data)."""
        ...

    def decrypt(self, name: str, data: bytes) -> bytes:
        """What was encrypted under that name."""
        ...


class BindingCipher(Protocol):
    """A `Cipher` that takes associated data: what it has to be given again to decrypt."""

    def encrypt(self, data: bytes, *, associated_data: bytes) -> tuple[str, bytes]:
        """(Name of the key or method, encrypted data)."""
        ...

    def decrypt(self, name: str, data: bytes, *, associated_data: bytes) -> bytes:
        """What was encrypted under that name with this associated data."""
        ...


AnyCipher = Cipher | BindingCipher


class Vault:
    """Seals texts for a place of a thread and opens them there.

    `accepts_plain` reads texts from before there was a cipher; whoever can write to the
    database could then plant values, so it is for the time of a migration only.
    """

    def __init__(self, cipher: Any, *, accepts_plain: bool = False) -> None:
        for name in ("encrypt", "decrypt"):
            if not callable(getattr(cipher, name, None)):
                raise TypeError(
                    f"the cipher {cipher!r} has no {name}(); it needs encrypt(data) -> "
                    "(name, data) and decrypt(name, data) -> data"
                )
        self.cipher = cipher
        self.accepts_plain = accepts_plain
        self._binds = all(
            _takes_data(each) for each in (cipher.encrypt, cipher.decrypt)
        )

    def seal(self, text: str, thread_id: str, place: str) -> str:
        """`text` encrypted for this place, as text."""
        place_data = _place_data(thread_id, place)
        if self._binds:
            name, data = self.cipher.encrypt(text.encode(), associated_data=place_data)
        else:
            framed = len(place_data).to_bytes(4, "big") + place_data + text.encode()
            name, data = self.cipher.encrypt(framed)
        if not _NAME.fullmatch(name):
            raise SerdeError(
                f"the cipher names its key {name!r}; a name is 1 to 64 of A-Z a-z 0-9 _ . -"
            )
        return f"{_MARK}{name}:{base64.b64encode(data).decode('ascii')}"

    def open(self, text: str, thread_id: str, place: str) -> str:
        """What was sealed here; raises DecryptionError, and never gives a part."""
        if not text.startswith(_MARK):
            if self.accepts_plain:
                return text
            raise DecryptionError(
                f"{place} of thread {thread_id!r} is not encrypted, although there is a cipher; "
                "allow plain values while you migrate (VALUE_CIPHER_ACCEPTS_PLAIN)"
            )
        name, _, payload = text[len(_MARK) :].partition(":")
        place_data = _place_data(thread_id, place)
        try:
            data = base64.b64decode(payload, validate=True)
            if self._binds:
                plain = self.cipher.decrypt(name, data, associated_data=place_data)
            else:
                plain = _unframed(self.cipher.decrypt(name, data), place_data)
            return bytes(plain).decode()
        except Exception as error:
            raise DecryptionError(
                f"{place} of thread {thread_id!r} does not decrypt under {name!r} "
                f"({type(error).__name__}: {error}); the key is not the one it was written "
                "with, or the row was changed or moved"
            ) from error


def is_sealed(text: str) -> bool:
    """Say whether `text` is an encrypted one."""
    return text.startswith(_MARK)


def _place_data(thread_id: str, place: str) -> bytes:
    return json.dumps(["durableweb", 1, thread_id, place]).encode()


def _unframed(framed: bytes, place_data: bytes) -> bytes:
    size = int.from_bytes(framed[:4], "big")
    if framed[4 : 4 + size] != place_data:
        raise ValueError("it was encrypted for another place")
    return framed[4 + size :]


def _takes_data(method: Any) -> bool:
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):
        return False
    return "associated_data" in parameters or any(
        each.kind is each.VAR_KEYWORD for each in parameters.values()
    )
