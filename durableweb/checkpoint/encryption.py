"""Encrypting what savers keep: what a cipher is, and a ready one."""

from workflows.engine.serde.aes import AesGcmCipher
from workflows.engine.serde.vault import BindingCipher, Cipher

__all__ = ["AesGcmCipher", "BindingCipher", "Cipher"]
