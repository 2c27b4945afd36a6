"""Daphne's server, run inside `manage.py serve`: bounded bodies and a clean end.

Daphne reads a whole body before the application sees it, and has neither a lifespan nor a
way to drain. Here a body above the limit is refused when its headers are read, and `drain`
lets requests finish before the process goes.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer, reactor
from twisted.web import http

from workflows.live.doors import TOO_LARGE
from workflows.live.open_streams import open_streams

WEBSOCKET_BYTES = 64 * 1024
HANDSHAKE_SECONDS = 10
LINGER_SECONDS = 10
# Autobahn sends no code of the protocol's own range but 1000.
SERVER_STOPS = 4012
REFUSAL = (
    b"HTTP/1.1 413 Content Too Large\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
) % (len(TOO_LARGE), TOO_LARGE)


class Pace:
    """Told by the connection when its buffer is full and when there is room again."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self.is_open.clear()

    def resumeProducing(self) -> None:
        """There is room."""
        self.is_open.set()

    def stopProducing(self) -> None:
        """The connection is gone, and nobody has to wait for it."""
        self.is_open.set()


class BoundedRequest(WebRequest):
    """A request whose body is let in up to the server's limit."""

    # Twisted would parse forms on its own account; Django does that.
    _parsePOSTFormSubmission = False
    _refused = False
    _body_bytes = 0

    def gotLength(self, length: int | None) -> None:
        """Called with the announced length, before the first byte of the body."""
        too_large = length is not None and length > self.server.body_limit_bytes
        super().gotLength(0 if too_large else length)
        if too_large:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Called with each piece of the body; a chunked one has announced no length."""
        self._body_bytes += len(data)
        if not self._refused and self._body_bytes > self.server.body_limit_bytes:
            self._refuse()
        if not self._refused:
            super().handleContentChunk(data)

    def requestReceived(self, *args: object) -> None:
        """The body has ended."""
        if self._refused:
            self.channel.transport.loseConnection()
        else:
            super().requestReceived(*args)

    async def room(self) -> None:
        """Return when the client has taken most of what was sent.

        The server's own buffer has no bound: whoever sends without an end waits here, so
        that a reader that does not read fills no memory.
        """
        if self.finished or self.channel is None:
            return
        if self.producer is None:
            self.registerProducer(Pace(), True)
        pace = self.producer
        if isinstance(pace, Pace):
            await pace.is_open.wait()

    def finish(self) -> None:
        """The answer has ended."""
        if isinstance(self.producer, Pace):
            self.unregisterProducer()
        super().finish()

    def _refuse(self) -> None:
        # The rest of the body is read and dropped for a while: closing at once would reset
        # the connection, and the client would never see the answer.
        self._refused = True
        transport = self.channel.transport
        transport.write(REFUSAL)
        # zope's interfaces have no `self`, which the checker takes for the first argument.
        reactor.callLater(LINGER_SECONDS, transport.loseConnection)  # type: ignore[arg-type]


class BoundedFactory(HTTPFactory):
    """Makes BoundedRequests."""

    def buildProtocol(self, addr: object) -> http.HTTPChannel:
        """One connection."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol


class DrainingServer(Server):
    """Serves one listening socket, given as a file descriptor.

    `on_ready` is called once the port listens; it runs on the thread of the event loop,
    just before the loop starts.
    """

    def __init__(
        self,
        application: Callable[..., object],
        fileno: int,
        *,
        body_limit_bytes: int,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(
            application,
            endpoints=[f"fd:fileno={fileno}"],
            signal_handlers=False,
            websocket_handshake_timeout=HANDSHAKE_SECONDS,
            websocket_max_message_size=WEBSOCKET_BYTES,
            websocket_max_frame_size=WEBSOCKET_BYTES,
            ready_callable=on_ready,
            server_name="",
        )
        self.body_limit_bytes = body_limit_bytes
        self._ports: list[object] = []

    @property
    def http_factory(self) -> BoundedFactory:
        """The factory of connections; daphne's `run` makes one of its own class here."""
        return self._http_factory

    @http_factory.setter
    def http_factory(self, _given: HTTPFactory) -> None:
        self._http_factory = BoundedFactory(self)

    def listen_success(self, port: object) -> None:
        """Keep the port, to be able to close it."""
        super().listen_success(port)
        self._ports.append(port)

    def kill_all_applications(self) -> defer.Deferred[object]:
        """Cancel what still runs; unlike daphne's (4.2), also when a request just began."""
        running = [
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        ]
        for application in running:
            application.cancel()
        everything = asyncio.gather(*running, return_exceptions=True)
        return defer.Deferred.fromFuture(cast("asyncio.Future[object]", everything))

    async def handle_reply(self, protocol: object, message: dict[str, Any]) -> None:
        """Send a message; a part that is paced returns when there is room for the next."""
        await super().handle_reply(protocol, message)
        if message.get("is_paced") and isinstance(protocol, BoundedRequest):
            await protocol.room()

    async def drain(self, seconds: float) -> bool:
        """Take no new connection, send sockets away, wait for requests in flight.

        Returns whether all of them had ended in time.
        """
        for port in self._ports:
            port.stopListening()  # type: ignore[attr-defined]
        open_streams.end_all()
        for connection in list(self.connections):
            if isinstance(connection, WebSocketProtocol) and connection.state == (
                WebSocketProtocol.STATE_OPEN
            ):
                connection.serverClose(SERVER_STOPS)
        deadline = time.monotonic() + seconds
        while self._is_busy():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    def _is_busy(self) -> bool:
        return any(
            "application_instance" in details
            and not details["application_instance"].done()
            for details in self.connections.values()
        )
