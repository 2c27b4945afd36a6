"""Signatures of webhook calls, in the form of Standard Webhooks (version 1, symmetric).

The signature is the HMAC-SHA256 over "id.timestamp.body" with the decoded secret, in base64.
While a secret is being changed there is one for each, with a space between them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret of 32 random bytes, as the receiver keeps it too."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(
    keys: Sequence[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The three headers of a call, signed with each of `keys`, the newest first.

    `timestamp` is in seconds since 1970.
    """
    signed = (signature(key, message_id, timestamp, body) for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{each}" for each in signed),
    }


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature in base64, without its version. Raises ValueError for a broken secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret of the webhook is not base64") from error
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
