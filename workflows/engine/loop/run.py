"""What a run is: one call of a graph, and what is constant while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from workflows.engine.callbacks import GraphCallbackHandler
from workflows.engine.loop.program import Channels, Program
from workflows.engine.loop.tasks import Task
from workflows.engine.runtime import Stop
from workflows.engine.types import Durability, Interrupt


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
    place: Any = None  # the `Place` with which the root has taken the thread

    @property
    def below(self) -> frozenset[str]:
        """What is wanted of the runs that this one's tasks call."""
        return self.passed | self.read if self.deep else self.passed

    @property
    def is_root(self) -> bool:
        """Say whether no other run of this process waits for this one."""
        return self.outer is None
