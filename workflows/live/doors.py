"""The first two doors of the ASGI application, before anything of Django is asked."""

from django.conf import settings

TOO_LARGE = (
    b"The request is larger than 12 MiB and was not read. "
    b"Send a smaller file, or give the workflow an address to fetch it from.\n"
)


class NoForeignRootPath:
    """Takes the root path from the settings, never from the request.

    Daphne (4.2) turns a `Daphne-Root-Path` header of anybody into `scope["root_path"]`, and
    Django builds its redirects on that: a log-in page could be made to lead elsewhere.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            headers = [
                (name, value)
                for name, value in scope["headers"]
                if name.lower() != b"daphne-root-path"
            ]
            root_path = settings.FORCE_SCRIPT_NAME or ""
            scope = {**scope, "headers": headers, "root_path": root_path}
        return await self.application(scope, receive, send)


class BodyTooLargeError(Exception):
    """The body grew past the limit while it was being received."""


class BodyLimit:
    """Answers 413 to a body above the limit, by its announced length or as it arrives."""

    def __init__(self, application, limit_bytes: int):
        self.application = application
        self.limit_bytes = limit_bytes

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.application(scope, receive, send)
        announced = [v for name, v in scope["headers"] if name == b"content-length"]
        if any(v.isdigit() and int(v) > self.limit_bytes for v in announced):
            return await refuse_too_large(send)
        started = False
        seen_bytes = 0

        async def limited_receive():
            nonlocal seen_bytes
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > self.limit_bytes:
                raise BodyTooLargeError
            return message

        async def watched_send(message):
            nonlocal started
            started = True
            await send(message)

        try:
            return await self.application(scope, limited_receive, watched_send)
        except BodyTooLargeError:
            if started:
                raise
            return await refuse_too_large(send)


async def refuse_too_large(send) -> None:
    """The answer 413, as text, with the connection closed after it."""
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(TOO_LARGE)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": TOO_LARGE})
