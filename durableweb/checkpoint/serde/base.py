"""What serializers and ciphers offer."""

from workflows.engine.serde.protocol import SerializerProtocol
from workflows.engine.serde.vault import Cipher as CipherProtocol

__all__ = ["CipherProtocol", "SerializerProtocol"]
