"""What a task is: one execution of a node, or one call of a `@task`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from workflows.engine import ids
from workflows.engine.cache.base import FullKey
from workflows.engine.checkpoint.base import Asked, Commit, Due
from workflows.engine.loop.paths import path_text
from workflows.engine.loop.program import Node, Writes
from workflows.engine.types import Interrupt


class Call:
    """A `@task` that was called: its function, arguments and the future to answer."""

    __slots__ = (
        *("above", "args", "fn", "future", "kwargs"),
        *("number", "position", "record"),
    )

    def __init__(self, fn: Any, args: Any, kwargs: Any, future: Any) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.future = future
        self.above: Any = None  # the callbacks of what calls it, where it is heard of
        self.number = 0  # how-many-th call of that name in its parent
        self.position = 0  # how-many-th call of any name in its parent
        self.record: list[Any] = []


class Task:
    """One execution of one node in one step, or one call of a `@task`.

    What most tasks never need stands on the class, so that a step does not pay for it.
    """

    state = "new"
    writes: Writes | None = None
    failed: BaseException | None = None
    caught: str | None = None  # why its node's error handler runs now, as text (R1.39)
    interrupts: Sequence[Interrupt] = ()
    attempt = 1
    first_attempt: float | None = None
    heartbeat: Any = None
    children: Mapping[str, Task] = MappingProxyType({})
    failed_calls: Sequence[Task] = ()
    calls: Mapping[str, int] = MappingProxyType({})
    made: Set[str] = frozenset()
    position = 0
    questions = 0
    waits: Mapping[str, int] = MappingProxyType({})
    keys: Set[str] = frozenset()
    asked: Sequence[Asked] = ()
    asked_below: Sequence[Interrupt] = ()
    runs = 0  # attempts by now, in this run and those before
    kept_as: FullKey | None = None
    mapped: tuple[Any, Exception | None] | None = None  # input of the schema, or error
    returned: Any = None  # by the function, where messages are streamed (R9.3)
    past_record = ""  # asked for by its body, not in the record gone over (RA.4)
    waits_for: Sequence[Interrupt] = ()  # by its record, when it was started
    to_commit: Callable[[Writes, Any], Commit] | None = None
    is_saved = False  # with its body (RB.7)
    forks: Sequence[Any] = ()  # after which calls its body does all anew (RB.14)
    _origin: str | None = None

    def __init__(
        self,
        node: Node,
        path: tuple[Any, ...],
        key: tuple[Any, ...],
        value: Any = None,
        due: Due | None = None,
        parent: Task | None = None,
        call: Call | None = None,
        origin_key: tuple[Any, ...] | None = None,
    ) -> None:
        self.node = node
        self.name = node.name
        self.path = path
        self.key = ids.TaskKey(key)
        self.due: Due = due if due is not None else {}
        self.input = value
        self.parent = parent
        self.call = call
        self.origin_key = origin_key
        self.raised: list[Interrupt] = []

    @property
    def id(self) -> str:
        """The same for the same checkpoint, namespace, step, node and path (R4.11)."""
        return self.key.id

    @property
    def body_id(self) -> str:
        """What the calls of its function hang on: those of its error handler are not the node's."""
        return self.id if self.caught is None else handled_id(self.id)

    @property
    def origin(self) -> str:
        """What the ids of this task's questions hang on.

        It is the task's own id, or that of the task from which an edit has carried questions over
        (R6.10); below another task, in a `@task` or a subgraph, it follows from that one's and
        from the place alone, so that an edit of the outer task keeps the ids there too.
        """
        if self._origin is None:
            key = self.origin_key
            self._origin = self.due.get("origin") or (
                self.id if key is None else ids.task_id(*key)
            )
        return self._origin

    def ask_as(self, origin: str) -> None:
        """Let what it asks from now on hang on another origin."""
        self._origin = origin

    def count_call(self, name: str) -> tuple[int, int]:
        """One more call of a `@task`: its number among those of its name, and among all."""
        calls = self.calls
        if not isinstance(calls, dict):
            calls = self.calls = {}
        number, position = calls.get(name, 0), self.position
        calls[name] = number + 1
        self.position += 1
        return number, position

    def count_wait(self, what: str) -> int:
        """One more call that waits for `what`: its number among those."""
        waits = self.waits
        if not isinstance(waits, dict):
            waits = self.waits = {}
        number = waits.get(what, 0)
        waits[what] = number + 1
        return number

    def note_made(self, child: Task) -> None:
        """The present attempt has made this call."""
        made = self.made
        if not isinstance(made, set):
            made = self.made = set()
        made.add(child.id)

    def take_child(self, child: Task) -> None:
        """A call that is not over yet, or that asks."""
        children = self.children
        if not isinstance(children, dict):
            children = self.children = {}
        children[child.id] = child

    def note_asking(self, questions: Sequence[Interrupt]) -> None:
        """The body was handed these; it may not end as if it had an answer (R5.10)."""
        self.raised.extend(questions)  # maybe from a thread of the author's own

    def start_over(self) -> None:
        """Forget what an attempt left behind, before the next one."""
        self.calls = {}
        self.failed_calls = ()
        self.made = set()
        self.position = 0
        self.questions = 0
        self.waits = {}
        self.keys = frozenset()
        self.asked = ()
        self.raised = []
        if self.mapped is not None and self.mapped[1] is not None:
            self.mapped = None

    @property
    def recorded_name(self) -> str:
        """The name that its records and the namespaces below it carry (aliases, RB.12)."""
        return str(self.due.get("was", self.name))

    @property
    def path_text(self) -> str:
        """The path as text; texts sort in the order in which writes are applied (R3.9)."""
        return path_text(self.path)

    def __repr__(self) -> str:
        return f"Task({self.name!r}, {self.id})"


def handled_id(task_id: str) -> str:
    """What hangs on a task in the hands of its error handler: calls by id, questions by origin."""
    return ids.task_id(task_id, "handler")


def order_of(task: Task) -> tuple[Any, ...]:
    """Nodes by name first, then Sends in the order they were sent (R3.9)."""
    return task.path[0] != "node", task.path[1]
