"""A small HTTP server on 127.0.0.1 that answers from a table and notes what was asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Posted:
    """One POST as it arrived; names of headers in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class LocalServer:
    """`pages` maps a path to its reply, or to a function called for each request."""

    url: str
    pages: dict[str, Reply | Callable[[], Reply]]
    asked: list[str]
    posted: list[Posted] = field(default_factory=list)


@contextmanager
def serve_locally() -> Iterator[LocalServer]:
    asked: list[str] = []
    pages: dict[str, Reply | Callable[[], Reply]] = {}
    posted: list[Posted] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            found = pages.get(self.path, Reply(b"not here", status=404))
            reply = found() if callable(found) else found
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            posted.append(Posted(self.path, headers, body))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing; the test reads `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield LocalServer(
            f"http://127.0.0.1:{server.server_port}", pages, asked, posted
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
