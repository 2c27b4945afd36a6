"""Pages on a fixed number of threads that stay, each with its own database connection.

Django's own handler gives every request a thread of its own, and with it a new connection to
the database; a hundred requests at once are a hundred of both, and all of them slow each
other down. Here requests wait in line for one of a few threads, first come, first served.
An answer whose parts are awaited is made on a thread too, and then told on the event loop.
"""

import asyncio
import contextvars
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

Message = Mapping[str, Any]
Post = Callable[[Message], None]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class PooledHandler(ASGIHandler):
    """Django's handler, with the whole of a request's work on one of `threads` threads."""

    def __init__(self, threads: int) -> None:
        # Not ASGIHandler's own: it makes the middleware ready to be run on the event loop.
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="http")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; whoever leaves the line before their turn costs nothing more."""
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is answered here, not {scope['type']}")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        loop = asyncio.get_running_loop()
        visit = _Visit(self, scope, body, lambda m: _send_from_thread(loop, send, m))
        work = self._pool.submit(contextvars.copy_context().run, visit.answer)
        answering = asyncio.wrap_future(work)
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            both: list[asyncio.Future[Any]] = [answering, leaving]
            await asyncio.wait(both, return_when=FIRST_COMPLETED)
            if answering.done():
                response = answering.result()
                if response is not None and response.streaming:
                    await _tell(response, send, leaving)
                elif response is not None:
                    await self.send_response(response, send)
            else:
                work.add_done_callback(_close_unsent)
        finally:
            visit.is_over = True
            if work.cancel():
                body.close()
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)


class _Visit:
    """What one request does on its thread, from the first signal to the last."""

    def __init__(
        self, handler: PooledHandler, scope: Message, body: Any, send: Post
    ) -> None:
        self.handler = handler
        self.scope = scope
        self.body = body
        self.send = send
        self.is_over = False

    def answer(self) -> HttpResponseBase | None:
        """The response, ready to be sent; None where it went out piece by piece."""
        handler = self.handler
        set_script_prefix(get_script_prefix(self.scope))
        signals.request_started.send(sender=PooledHandler, scope=self.scope)
        with closing(self.body):
            request, refused = handler.create_request(self.scope, self.body)
            response: Any = (
                refused if request is None else handler.get_response(request)
            )
            if response.streaming and response.is_async:
                # Its parts come as things happen: it is told on the loop, and closed there.
                close_old_connections()
                return response  # type: ignore[no-any-return]
            # Closed at the end is what the request has opened, old connections among it.
            with closing(response):
                if response.streaming:
                    self._stream(response)
                    return None
        return response

    def _stream(self, response: Any) -> None:
        if isinstance(response, FileResponse):
            response.block_size = self.handler.chunk_size
        parts = iter(response)
        self.send(_start_of(response))
        for part in parts:
            if self.is_over:
                return
            self.send({"type": "http.response.body", "body": part, "more_body": True})
        self.send({"type": "http.response.body"})


def _start_of(response: HttpResponseBase) -> Message:
    headers = [
        (name.encode("ascii"), value.encode("latin-1"))
        for name, value in response.items()
    ]
    headers += [
        (b"Set-Cookie", cookie.output(header="").encode("ascii").strip())
        for cookie in response.cookies.values()
    ]
    return {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": headers,
    }


async def _tell(response: Any, send: Send, leaving: asyncio.Future[None]) -> None:
    """Send a response in parts that are awaited, until it ends or its reader has left."""
    telling = asyncio.create_task(_send_parts(response, send))
    try:
        await asyncio.wait([telling, leaving], return_when=FIRST_COMPLETED)
    finally:
        telling.cancel()
        (fault,) = await asyncio.gather(telling, return_exceptions=True)
        response.close()
    if isinstance(fault, Exception):
        raise fault


async def _send_parts(response: Any, send: Send) -> None:
    await send(_start_of(response))
    async for part in response:
        # `is_paced`: our server takes the next part when this one is on its way.
        body = {"type": "http.response.body", "body": part, "is_paced": True}
        await send({**body, "more_body": True})
    await send({"type": "http.response.body"})


def _close_unsent(work: Future[Any]) -> None:
    """Nobody waits for the response any more."""
    if work.cancelled() or work.exception() is not None:
        return
    response = work.result()
    if response is not None and response.streaming:
        response.close()


def _send_from_thread(
    loop: asyncio.AbstractEventLoop, send: Send, message: Message
) -> None:
    async def pass_on() -> None:
        await send(message)

    asyncio.run_coroutine_threadsafe(pass_on(), loop).result()
