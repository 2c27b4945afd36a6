"""Many requests at the same moment, by one thread that costs next to nothing.

Bytes are made and connections opened beforehand, so what is timed is the server: with a
thread and an HTTP library for each of a hundred people, the client takes longer than that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """What came back, and how long after the request was sent."""

    status_code: int
    content: bytes
    seconds: float


def form_post(address: str, path: str, cookies: str, form: dict[str, str]) -> bytes:
    """The bytes of a form that is sent."""
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\nCookie: {cookies}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def json_post(address: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """The bytes of a request of a program."""
    said = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n{said}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def send_at_once(address: str, requests: Sequence[bytes]) -> list[Answer]:
    """Each request on a connection of its own, all at once; the answers in their order."""
    return asyncio.run(_send_all(address, requests))


async def _send_all(address: str, requests: Sequence[bytes]) -> list[Answer]:
    where = urlsplit(address)
    lines = await asyncio.gather(
        *(asyncio.open_connection(where.hostname, where.port) for _ in requests)
    )
    began = time.monotonic()
    for (_, writer), request in zip(lines, requests, strict=True):
        writer.write(request)
    async with asyncio.timeout(PATIENCE_SECONDS):
        found = await asyncio.gather(*(_answer(reader, began) for reader, _ in lines))
    for _, writer in lines:
        writer.close()
    return found


async def _answer(reader: asyncio.StreamReader, began: float) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split()[1]), content, time.monotonic() - began)
