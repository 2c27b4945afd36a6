"""The operations of the API, each with the act of the table that it is.

To add one: one line in OPERATIONS. What is not listed fails `test_api.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.permissions.matrix import Door

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Ask(Door):
    """One operation: the act, an address with the names of world.py, and what is sent.

    A text of `body` may name them too.
    """

    body: Body | None = None
    verb: str = ""

    @property
    def method(self) -> str:
        """POST where something is sent, else GET."""
        return self.verb or ("GET" if self.body is None else "POST")

    @property
    def unasked(self) -> int:
        """The status for whoever has no token."""
        return 401

    @property
    def names_a_thing(self) -> bool:
        """Whether what is asked for belongs to one workflow."""
        return "{" in self.path

    def filled(self, names: Mapping[str, str]) -> tuple[str, Any]:
        """The address and the body for one place."""
        path = self.path.format(**names)
        return path, None if self.body is None else json.dumps(_put(self.body, names))


def _put(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _put(each, names) for key, each in value.items()}
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        found = names[value[1:-1]]
        return int(found) if found.isdigit() else found
    return value


# What the description calls the operation -> what is asked.
OPERATIONS: Mapping[str, tuple[Ask, ...]] = {
    "GET /me": (Ask("own", "/me", ok=(200,)),),
    "GET /health": (Ask("own", "/health", ok=(200,)),),
    "GET /metrics": (Ask("own", "/metrics", ok=(200,)),),
    "GET /openapi.json": (Ask("own", "/openapi.json", ok=(200,)),),
}
