"""A small authenticated cipher for tests: no secret worth the name, every property of one."""

from __future__ import annotations

import hmac
import itertools
from hashlib import sha256


class TinyCipher:
    """Encrypts under the first key, decrypts under any; takes no associated data."""

    def __init__(self, *names: str) -> None:
        self.names = names or ("k1",)
        self.numbers = itertools.count()

    def encrypt(self, data: bytes) -> tuple[str, bytes]:
        name = self.names[0]
        nonce = next(self.numbers).to_bytes(8, "big")
        body = nonce + _mixed(data, name, nonce)
        return name, _seal(name, body) + body

    def decrypt(self, name: str, data: bytes) -> bytes:
        if name not in self.names:
            raise KeyError(name)
        seal, body = data[:32], data[32:]
        if not hmac.compare_digest(seal, _seal(name, body)):
            raise ValueError("changed")
        return _mixed(body[8:], name, body[:8])


class BindingCipher(TinyCipher):
    """The same, with associated data."""

    def encrypt(  # type: ignore[override]
        self, data: bytes, *, associated_data: bytes
    ) -> tuple[str, bytes]:
        return super().encrypt(sha256(associated_data).digest() + data)

    def decrypt(  # type: ignore[override]
        self, name: str, data: bytes, *, associated_data: bytes
    ) -> bytes:
        plain = super().decrypt(name, data)
        if plain[:32] != sha256(associated_data).digest():
            raise ValueError("associated data differ")
        return plain[32:]


def tiny() -> TinyCipher:
    """What a setting may name."""
    return TinyCipher()


def other() -> TinyCipher:
    """What a setting may name, without the key of `tiny`."""
    return TinyCipher("k2")


def _seal(name: str, body: bytes) -> bytes:
    return hmac.digest(name.encode(), body, "sha256")


def _mixed(data: bytes, name: str, nonce: bytes) -> bytes:
    stream = bytearray()
    for number in range(len(data) // 32 + 1):
        stream += sha256(name.encode() + nonce + number.to_bytes(4, "big")).digest()
    return bytes(one ^ other for one, other in zip(data, stream, strict=False))
