"""Fetching a page from an address that somebody typed, without serving as their proxy.

Every address is resolved first, checked, and then connected to by that very number, so a
name cannot point elsewhere between the check and the connection. A redirect is a new
address and is checked like the first. Size, time and kind of the answer are bounded.
"""

import ipaddress
import time
from dataclasses import dataclass
from typing import Annotated, TypedDict

import httpx
from msgspec import Meta

from durableweb.addresses import NotResolved, parse, resolve
from durableweb.demo.page_text import read_html

MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 5
MAX_SECONDS = 30.0
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
HEADERS = {
    "User-Agent": "durableweb-demo",
    "Accept": "text/html, text/plain;q=0.9",
    # A compressed answer could grow beyond the limit while it is unpacked.
    "Accept-Encoding": "identity",
}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PageRefused(ValueError):
    """The answer cannot be used: missing, too large, or no text."""


class TemporaryFailure(Exception):
    """The server could not be reached or is overloaded; another try may succeed."""


class Page(TypedDict):
    """A fetched page: where it was found in the end, its title and its readable text."""

    url: Annotated[str, Meta(title="Address", extra_json_schema={"format": "uri"})]
    status: Annotated[int, Meta(title="HTTP status")]
    title: Annotated[str, Meta(title="Title")]
    text: Annotated[str, Meta(title="Text", extra_json_schema={"format": "long"})]


@dataclass(frozen=True)
class _Body:
    status: int
    content_type: str
    charset: str
    content: bytes


def fetch(url: str, *, allow_private: bool) -> Page:
    """Fetch `url` and return its text, following at most five checked redirects.

    Raises AddressRefused, PageRefused, or TemporaryFailure (the only one worth a retry).
    """
    deadline = time.monotonic() + MAX_SECONDS
    target = parse(url)
    # Without trust_env=False a proxy from the environment would do the connecting,
    # to a name nobody has checked.
    with httpx.Client(timeout=TIMEOUT, trust_env=False, headers=HEADERS) as client:
        for _ in range(MAX_REDIRECTS + 1):
            addresses = _resolve(target, allow_private=allow_private)
            answer = _request(client, target, addresses, deadline)
            if isinstance(answer, _Body):
                return _read(target, answer)
            target = parse(str(target.join(answer)))
    raise PageRefused(f"{url}: more than {MAX_REDIRECTS} redirects")


def _resolve(url: httpx.URL, *, allow_private: bool) -> list[Address]:
    hint = "DEMO_ALLOW_PRIVATE_ADDRESSES=1 allows this machine and private networks"
    try:
        return resolve(url, allow_private=allow_private, hint=hint)
    except NotResolved as error:
        raise TemporaryFailure(str(error)) from error


def _request(
    client: httpx.Client, url: httpx.URL, addresses: list[Address], deadline: float
) -> _Body | str:
    """Return the body, or the address of a redirect."""
    failures = []
    for address in addresses:
        request = client.build_request(
            "GET",
            url.copy_with(host=str(address), fragment=None),
            headers={"Host": url.netloc.decode("ascii")},
            # The certificate is checked against the name, not against the number.
            extensions={"sni_hostname": url.host},
        )
        try:
            return _send(client, url, request, deadline)
        except httpx.ConnectError as error:
            failures.append(f"{address}: {_why(error)}")
        except httpx.TransportError as error:
            raise TemporaryFailure(f"{url}: {_why(error)}") from error
    raise TemporaryFailure(f"{url} cannot be reached: {'; '.join(failures)}")


def _send(
    client: httpx.Client, url: httpx.URL, request: httpx.Request, deadline: float
) -> _Body | str:
    response = client.send(request, stream=True)
    try:
        if response.has_redirect_location:
            return response.headers["Location"]
        _check_status(url, response)
        return _Body(
            status=response.status_code,
            content_type=response.headers.get("Content-Type", ""),
            charset=response.charset_encoding or "utf-8",
            content=_read_content(url, response, deadline),
        )
    finally:
        response.close()


def _check_status(url: httpx.URL, response: httpx.Response) -> None:
    status = response.status_code
    if status >= 500 or status == 429:
        raise TemporaryFailure(f"{url}: the server answered {status}")
    if not 200 <= status < 300:
        raise PageRefused(f"{url}: the server answered {status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise PageRefused(
            f"{url}: the answer is compressed although that was not asked"
        )


def _read_content(url: httpx.URL, response: httpx.Response, deadline: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > MAX_BYTES:
            raise PageRefused(f"{url}: larger than {MAX_BYTES:,} bytes")
        # The client's timeouts are per read; a server that drips must end as well.
        if time.monotonic() > deadline:
            raise TemporaryFailure(f"{url}: not finished after {MAX_SECONDS:g} seconds")
    return bytes(content)


def _read(url: httpx.URL, body: _Body) -> Page:
    kind = body.content_type.partition(";")[0].strip().lower()
    if kind and not kind.startswith("text/") and kind != "application/xhtml+xml":
        raise PageRefused(f"{url}: {kind} is no text")
    try:
        text = body.content.decode(body.charset, errors="replace")
    except LookupError:
        text = body.content.decode("utf-8", errors="replace")
    if kind in ("text/html", "application/xhtml+xml"):
        title, text = read_html(text)
    else:
        title = ""
    return Page(url=str(url), status=body.status, title=title or url.host, text=text)


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
