"""What stands in an address for a value that may have any letters."""

from __future__ import annotations

from urllib.parse import unquote


class AnyText:
    """An id or a name as one part of a path: programs give threads ids such as `customers/7`.

    A server decodes a path before it is looked up, so a slash is encoded once more, and with it the sign of encoding.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """The text that is meant."""
        return unquote(value)

    def to_url(self, value: str) -> str:
        """The text as it stands in a path; browsers would follow the dots of `..`."""
        if value in (".", ".."):
            return value.replace(".", "%2E")
        return value.replace("%", "%25").replace("/", "%2F")
