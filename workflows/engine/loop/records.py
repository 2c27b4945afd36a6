"""What a graph, a node, a task and a run are, for the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from workflows.engine import ids
from workflows.engine.cache.base import FullKey
from workflows.engine.callbacks import GraphCallbackHandler
from workflows.engine.channels import Channel
from workflows.engine.checkpoint.base import Asked, Commit, Due
from workflows.engine.loop.identity import Identity
from workflows.engine.loop.paths import path_text
from workflows.engine.runtime import Stop
from workflows.engine.types import (
    CachePolicy,
    Durability,
    Interrupt,
    RetryPolicy,
    TracePolicy,
)

Writes = list[tuple[str, Any]]
Channels = dict[str, Channel]


class Branch(Struct, eq=False):
    """A conditional edge: `path` is asked, `route` turns its answer into due items."""

    name: str
    path: Callable[..., Any]
    is_async: bool
    inject: tuple[str, ...]
    read: Callable[[Channels, int], Any]
    route: Callable[[Any], list[Due]]
    ends: Mapping[str, str] | None = None
    schema: Any = None
    annotated: bool = False

    def sees(self, channels: Channels, remaining: int, returned: Any) -> Any:
        """The state as `path` is given it; without an annotation also what else its node has returned (R1.20)."""
        state = self.read(channels, remaining)
        plain = isinstance(state, dict) and type(returned) is dict
        return {**returned, **state} if plain and not self.annotated else state


class Node(Struct, eq=False):
    """A step of the graph.

    `write` turns what the function returned into writes; a second argument says who gave it, where
    that was not the function.
    """

    name: str
    fn: Callable[..., Any]
    is_async: bool
    write: Callable[..., Writes]
    read: Callable[[Channels, int], Any]
    index: int = 0
    inject: tuple[str, ...] = ()
    inject_error: str | None = None
    branches: tuple[Branch, ...] = ()
    edges: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()  # the channels it subscribes to (R1.49)
    only: str = ""
    """The one channel whose value it is given; while that holds nothing, it is not due."""
    retry: tuple[RetryPolicy, ...] = ()
    cache: CachePolicy | None = None
    timeout: Any = None
    handler: Node | None = None
    defer: bool = False
    hidden: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    trace: TracePolicy | None = None
    subgraph: Any = None
    afn: Callable[..., Any] | None = None
    mapper: Callable[[Any], Any] | None = None
    undo: Any = None  # what undoes a `@task` that has worked (RB.8)
    transaction: str | None = None
    """The database in whose transaction a `@task` runs with its record, "" for the saver's own (RB.7)."""
    is_bare: bool = False  # a plain function: no injection, branch, mapped input


class Join(Struct, eq=False):
    """An edge from several nodes: `target` is due when all have arrived at `channel`."""

    channel: str
    target: str


class Program(Struct, eq=False):
    """A compiled graph as the loop sees it; nothing here knows edges by name of method."""

    name: str
    nodes: dict[str, Node]
    channels: Channels
    joins: dict[str, Join]
    accept: Callable[..., Any]  # input as given (and by what) -> as stored; raises
    first: str  # the node that takes the input; "" where channels do
    state_keys: tuple[str, ...]
    output_keys: tuple[str, ...] | str
    stream_keys: tuple[str, ...] | str
    managed: Mapping[str, Any]
    volatile: tuple[str, ...]
    untracked: frozenset[str] = frozenset()
    deltas: tuple[str, ...] = ()
    """The channels that are saved as what was written to them (R2.8)."""
    subscribers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By channel, the nodes that are due when it is written to (R1.49); the input goes into channels then."""
    functional: bool = False
    defers: bool = False
    plain: bool = False  # without coroutine functions: a run needs one thread hop
    output: Callable[[Any], Any] | None = None
    """Turns the output into an instance of the output schema (version="v2")."""
    identity: Identity = field(default_factory=Identity)


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


class Answer(Struct, eq=False):
    """What a person answered, and the digest of the question they saw (R5.6)."""

    value: Any
    digest: str | None = None


class Run(Struct, eq=False):
    """One call of a graph: what it was given and what is constant while it lasts."""

    program: Program
    thread_id: str | None
    namespace: str
    saver: Any
    config: dict[str, Any]
    metadata: dict[str, Any]
    limit: int
    durability: Durability = "sync"
    context: Any = None
    store: Any = None
    cache: Any = None
    read: frozenset[str] = frozenset()
    """The stream modes that the caller of this run reads."""
    deep: bool = False
    """The caller reads what comes from runs below, too."""
    passed: frozenset[str] = frozenset()
    """The modes that `sink` takes, which hands chunks to the run above."""
    sink: Callable[[str, str, Any], None] | None = None
    modes: frozenset[str] = frozenset()
    """What the loop has to emit: what is read here and what is passed up."""
    shown: set[str] = field(default_factory=set)
    """The ids of messages that were streamed; a run below shares it."""
    stream_keys: tuple[str, ...] | str = ()
    control: Any = None
    handlers: tuple[GraphCallbackHandler, ...] = ()
    heard: Any = None
    """The call as a run that handlers of langchain-core hear of (`listeners.Heard`), where there are some."""
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    max_concurrency: int | None = None
    step_timeout: float | None = None  # seconds (R3.20)
    answers: dict[str, Answer] = field(default_factory=dict)
    waits: dict[str, Interrupt] = field(default_factory=dict)
    """What the tasks wait for that a run before this one has let wait, by id: what was fixed then stays (RB.1)."""
    resuming: bool = False
    rehearsal: Any = None
    """Where the run only goes over its record, the `Rehearsal` (RA.4)."""
    is_silent: bool = False  # called as a node, wrote no output key: None (R2.12)
    went_on: bool = False
    """A subgraph that was begun before its parent's task was stopped."""
    taken_over: bool = False  # by another task than began it, as after an edit
    parent: Task | None = None
    outer: Run | None = None
    outermost: Any = None
    """The context of the root's task in which this run was called, however far below; None for the root."""
    saver_below: Any = None
    """What graphs below save with that keep their state: also where this one saves nothing (R7.5)."""
    parents: dict[str, str] = field(default_factory=dict)
    parent_task: str = ""
    origin: str = ""
    """In a subgraph, what the origins of its tasks hang on: the calling task's, and which call."""
    cuts: Sequence[Sequence[str]] = ()
    """What of the history is no part of this branch: pairs of checkpoint ids, of which neither is left out."""
    inside: Mapping[str, str] = field(default_factory=dict)
    """The checkpoint of a graph below that the caller has named, and those around it: ids by namespace (R6.12)."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Where graphs below begin that keep their state: checkpoint ids by namespace; "" is the fork they begin in."""
    began: int = -1
    """The step of this call's input; more than -1 in a subgraph that keeps its state (R7.5)."""
    checkpoint_id: str | None = None
    unknown: bool = False  # it looks at a namespace of which nobody knows the graph
    run_id: str | None = None
    remaining: int = 0
    channels: Channels = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    warn: Callable[[str], None] | None = None
    stopping: bool = False
    seed: str = ""
    begun_with: dict[str, str] | None = None  # noted by `begun.py`
    expected_head: str | None = None
    """The head that the caller has seen: `configurable["expected_head"]` (RA.1)."""
    live_step: int = 0
    stop: Stop = field(default_factory=Stop)
    is_plain: bool | None = None  # what the caller gave for metadata; None: not looked
    live_checkpoint: str | None = None  # the id of the one whose step is being run
    forks: Mapping[str, Any] = field(default_factory=dict)  # the marks of `forking.py`
    reached: frozenset[str] = frozenset()  # the `Place`'s

    @property
    def below(self) -> frozenset[str]:
        """What is wanted of the runs that this one's tasks call."""
        return self.passed | self.read if self.deep else self.passed

    @property
    def is_root(self) -> bool:
        """Say whether no other run of this process waits for this one."""
        return self.outer is None
