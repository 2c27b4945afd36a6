"""Which pages may open a websocket: only this site's own, by full origin.

Host names alone are not enough: another port of the same machine is another site. A browser
cannot forge Host, so "the page's origin is what this very request was addressed to" holds
behind port forwarding and on any port the server was given; PUBLIC_URL covers proxies.
"""

import re
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import validate_host

ORIGIN = re.compile(r"(https?)://([a-z0-9.\-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?\Z")
DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def parse_origin(text: str) -> Origin | None:
    """Scheme, host and port; None for anything but a plain http or https origin."""
    match = ORIGIN.match(text.strip().lower())
    if match is None:
        return None
    scheme, host, port = match.groups()
    return scheme, host, int(port) if port else DEFAULT_PORTS[scheme]


def _origin_of_url(url: str) -> Origin | None:
    parts = urlsplit(url)
    return parse_origin(f"{parts.scheme}://{parts.netloc}")


def is_allowed(origin_header: str, host_header: str) -> bool:
    """Whether a page of this origin may open a socket at this host."""
    origin = parse_origin(origin_header)
    if origin is None:
        return False
    public = _origin_of_url(settings.PUBLIC_URL)
    named = {public, *map(_origin_of_url, settings.CSRF_TRUSTED_ORIGINS)}
    if origin in named:
        return True
    scheme = "https" if public is not None and public[0] == "https" else "http"
    addressed = parse_origin(f"{scheme}://{host_header}")
    return (
        addressed is not None
        and origin == addressed
        and validate_host(addressed[1], settings.ALLOWED_HOSTS)
    )


class OwnOriginOnly:
    """Lets a websocket through only when its page is ours; no Origin is no entry."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        found = {
            name: [v.decode("latin1") for key, v in scope["headers"] if key == name]
            for name in (b"origin", b"host")
        }
        single = all(len(values) == 1 for values in found.values())
        if single and is_allowed(found[b"origin"][0], found[b"host"][0]):
            return await self.application(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)
