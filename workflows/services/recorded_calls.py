"""A call of a `@task` found by the name that a person gives it: "price", "price#2", "order/price#2" (RB.14).

A name says as much as is needed of where the call was made: the node (of a `Send` "node#3", the third that was sent), the
calls around it, and the how-many-th of its name it is in its body, counted from 1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import product

from workflows.engine.loop.tasks import handled_id
from workflows.storage.bodies import Cut, RecordedCall

_MOST_LISTED = 20
_ROOT = re.compile(r"~(?:node|send~(?P<sent>\d{6}))~(?P<name>.*)", re.DOTALL)


class CallsOfStep:
    """The calls that the tasks of one step have on record."""

    def __init__(self, calls: Sequence[RecordedCall]) -> None:
        self._calls = calls
        self._by_id = {call.id: call for call in calls}

    def named(self, name: str) -> list[RecordedCall]:
        """The calls that may be meant by this name."""
        return [call for call in self._calls if name in self._spellings(call)]

    def listed(self, calls: Collection[RecordedCall] | None = None) -> str:
        """Each by a name that means no other, for people."""
        shown = self._calls if calls is None else calls
        names = [repr(self._shortest(call)) for call in [*shown][:_MOST_LISTED]]
        more = len(shown) - len(names)
        return ", ".join(names) + (f" and {more} more" if more else "")

    def is_of_handler(self, call: RecordedCall) -> bool:
        """Whether a node's error handler has made the call, or one around it."""
        outermost = self._around(call)[0]
        return outermost.path.endswith(
            f"~handler call~{outermost.name}~{outermost.number:06d}"
        )

    def cut_after(self, call: RecordedCall) -> Cut:
        """Where the record ends whose last call this is: what its body, and those around it, have done later goes."""
        around = self._around(call)
        bodies = {each.body: each.position for each in around}
        root = around[0].body
        later = {
            each.id
            for each in self._calls
            if each.body == handled_id(root)
            or each.position > bodies.get(each.body, each.position)
        }
        dropped = frozenset(
            each.id
            for each in self._calls
            if any(outer.id in later for outer in self._around(each))
        )
        calls = [(each.name, each.number) for each in around[:-1]]
        return Cut(root, bodies, calls, dropped)

    def _around(self, call: RecordedCall) -> list[RecordedCall]:
        """The call and those it was made in, the outermost first."""
        found = [call]
        while (outer := self._by_id.get(found[0].body)) is not None:
            found.insert(0, outer)
        return found

    def _parts(self, call: RecordedCall) -> list[list[str]]:
        """How each part of its name may be written, the node first; the clearest way is the last one."""
        around = self._around(call)
        first = around[0]
        found = [_names_of_node(first)]
        found += [[each.name, f"{each.name}#{each.number + 1}"] for each in around]
        return found

    def _spellings(self, call: RecordedCall) -> set[str]:
        parts = self._parts(call)
        return {
            "/".join(spelled)
            for start in range(len(parts))
            for spelled in product(*parts[start:])
        } - {""}

    def _shortest(self, call: RecordedCall) -> str:
        clear = [part[-1] for part in self._parts(call)]
        names = ["/".join(clear[start:]) for start in range(len(clear) - 1, -1, -1)]
        return next((name for name in names if len(self.named(name)) == 1), names[-1])


def _names_of_node(call: RecordedCall) -> list[str]:
    path = re.sub(r"~(handler )?call~.*", "", call.path, count=1, flags=re.DOTALL)
    found = _ROOT.fullmatch(path)
    if found is None:
        return [path]
    name, sent = found["name"], found["sent"]
    return [name] if sent is None else [name, f"{name}#{int(sent) + 1}"]
