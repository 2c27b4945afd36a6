"""A ready cipher: AES-GCM of the package `cryptography`, with keys by name."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from importlib import import_module

_NONCE_BYTES = 12


class AesGcmCipher:
    """Encrypts under the first of `keys` (name to 16, 24 or 32 bytes), decrypts under any.

    To rotate, put the new key in front and leave the old ones until no row needs them. Use a new key
    before one has encrypted 2**32 values, as AES-GCM with random nonces asks for.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ValueError("AesGcmCipher needs at least one key, by name")
        try:
            aead = import_module("cryptography.hazmat.primitives.ciphers.aead")
        except ImportError as error:
            raise ImportError(
                "AesGcmCipher needs the package cryptography; install the extra "
                "'encryption'"
            ) from error
        self._keys = {name: aead.AESGCM(key) for name, key in keys.items()}
        self._present = next(iter(self._keys))

    @classmethod
    def from_text(cls, text: str) -> AesGcmCipher:
        """Keys as `name:base64,name:base64`, the present one first."""
        keys: dict[str, bytes] = {}
        for part in text.split(","):
            name, colon, key = part.strip().partition(":")
            if not (name and colon and key):
                raise ValueError(
                    "keys are written name:base64,name:base64, the present one first; "
                    f"part {len(keys) + 1} is not"
                )
            keys[name] = base64.b64decode(key, validate=True)
        return cls(keys)

    def encrypt(
        self, data: bytes, *, associated_data: bytes = b""
    ) -> tuple[str, bytes]:
        """(Name of the present key, nonce and encrypted data)."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self._present].encrypt(nonce, data, associated_data)
        return self._present, nonce + sealed

    def decrypt(self, name: str, data: bytes, *, associated_data: bytes = b"") -> bytes:
        """What was encrypted under that name; raises where it is not known or does not fit."""
        key = self._keys.get(name)
        if key is None:
            raise KeyError(f"no key of that name; known: {', '.join(self._keys)}")
        opened: bytes = key.decrypt(
            data[:_NONCE_BYTES], data[_NONCE_BYTES:], associated_data
        )
        return opened
