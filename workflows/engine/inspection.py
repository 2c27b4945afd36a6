"""A compiled graph, looked at and edited: get_state, its history, update_state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from workflows.engine.bound import Bound, called_by
from workflows.engine.calls import Arguments, reading_run, run_of
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.checkpoint.reading import ReadingSaver
from workflows.engine.config import configurable, merge_configs, place_of
from workflows.engine.constants import NS_END, NS_SEP
from workflows.engine.drivers import aio, blocking
from workflows.engine.loop import snapshot
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.loop import edit
from workflows.engine.loop.namespaces import without_ids
from workflows.engine.loop.preview import Preview, preview
from workflows.engine.loop.rehearsal import Rehearsal, check_on_record, rehearse
from workflows.engine.loop.run import Run
from workflows.engine.runtime import current
from workflows.engine.types import StateSnapshot, StateUpdate


class Inspection(Bound):
    """What may be asked of the threads of a graph while it does not run."""

    def get_state(
        self, config: dict[str, Any], *, subgraphs: bool = False
    ) -> StateSnapshot:
        """The thread's state (R6.1). Raises ValueError without a checkpointer."""
        run = self._reading(config)
        found: StateSnapshot = blocking.look(
            run, snapshot.read(run, subgraphs=subgraphs)
        )
        return found

    async def aget_state(
        self, config: dict[str, Any], *, subgraphs: bool = False
    ) -> StateSnapshot:
        """Async twin of `get_state`."""
        run = self._reading(config)
        found: StateSnapshot = await aio.drive(
            run, snapshot.read(run, subgraphs=subgraphs)
        )
        return found

    def get_state_history(
        self,
        config: dict[str, Any],
        *,
        filter: dict[str, Any] | None = None,
        before: dict[str, Any] | None = None,
        limit: int | None = None,
        subgraphs: bool = False,
    ) -> Iterator[StateSnapshot]:
        """All checkpoints of the thread, newest first (R6.4).

        With `subgraphs`, those of all graphs below are among them, finished ones too; each names its namespace in
        its config (RA.12).
        """
        run = self._reading(config)
        snapshot.check_narrowing(run, filter, before, limit)
        below = partial(self._inspecting_below, run) if subgraphs else None
        return self._history(run, snapshot.history(run, filter, before, limit, below))

    def _history(self, run: Run, steps: Steps[Any]) -> Iterator[StateSnapshot]:
        yield from blocking.look(run, steps)

    def aget_state_history(
        self,
        config: dict[str, Any],
        *,
        filter: dict[str, Any] | None = None,
        before: dict[str, Any] | None = None,
        limit: int | None = None,
        subgraphs: bool = False,
    ) -> AsyncIterator[StateSnapshot]:
        """Async twin of `get_state_history`."""
        run = self._reading(config)
        snapshot.check_narrowing(run, filter, before, limit)
        below = partial(self._inspecting_below, run) if subgraphs else None
        return self._ahistory(run, snapshot.history(run, filter, before, limit, below))

    async def _ahistory(
        self, run: Run, steps: Steps[Any]
    ) -> AsyncIterator[StateSnapshot]:
        for found in await aio.drive(run, steps):
            yield found

    def update_state(
        self,
        config: dict[str, Any],
        values: Any,
        as_node: str | None = None,
        task_id: str | None = None,
    ) -> dict[str, Any]:
        """Write to the state from outside (R6.5); returns the new checkpoint's config.

        Raises InvalidUpdateError for an unknown node and for values that the state cannot take.
        """
        return self.bulk_update_state(config, [[StateUpdate(values, as_node, task_id)]])

    async def aupdate_state(
        self,
        config: dict[str, Any],
        values: Any,
        as_node: str | None = None,
        task_id: str | None = None,
    ) -> dict[str, Any]:
        """Async twin of `update_state`."""
        return await self.abulk_update_state(
            config, [[StateUpdate(values, as_node, task_id)]]
        )

    def bulk_update_state(
        self, config: dict[str, Any], supersteps: Sequence[Sequence[StateUpdate]]
    ) -> dict[str, Any]:
        """Several updates, each inner list as one step (R6.11)."""
        run = self._edit(config)
        found: dict[str, Any] = blocking.drive(run, edit(run, supersteps))
        return found

    async def abulk_update_state(
        self, config: dict[str, Any], supersteps: Sequence[Sequence[StateUpdate]]
    ) -> dict[str, Any]:
        """Async twin of `bulk_update_state`."""
        run = self._edit(config)
        found: dict[str, Any] = await aio.drive(run, edit(run, supersteps))
        return found

    def preview_update(
        self,
        config: dict[str, Any],
        values: Mapping[str, Any],
        *,
        answering: Sequence[str] | None = None,
    ) -> Preview:
        """What `update_state(config, values)` would do at the head, without doing it.

        With `answering`, what `Command(resume={id: ...}, update=values)` would, for these ids of
        questions. Reducers and branches run, tasks do not; nothing is saved and nobody is told.
        """
        run = self._edit(config)
        found: Preview = blocking.drive(run, preview(run, values, answering))
        return found

    async def apreview_update(
        self,
        config: dict[str, Any],
        values: Mapping[str, Any],
        *,
        answering: Sequence[str] | None = None,
    ) -> Preview:
        """Async twin of `preview_update`."""
        run = self._edit(config)
        found: Preview = await aio.drive(run, preview(run, values, answering))
        return found

    def inspecting(self, outer: Run, namespace: str) -> Run:
        """A run that only looks at `namespace` of the outer run's thread, in which this graph has run."""
        asked = {"thread_id": outer.thread_id, "checkpoint_ns": namespace}
        given = Arguments({"configurable": asked}, looking=True)
        return run_of(self.with_saver(outer.saver), given, None)

    def _inspecting_below(self, outer: Run, namespace: str) -> Run:
        graph, _ = self._at(namespace)
        run = (graph or self).inspecting(outer, namespace)
        run.unknown = graph is None
        return run

    def rehearsing(
        self, config: dict[str, Any], context: Any, rehearsal: Rehearsal
    ) -> tuple[Run, Callable[[str], Run]]:
        """A run that goes over the thread's record and writes nothing, and what gives one for a namespace below."""
        run = self._look(config, context)
        run.saver = run.saver_below = ReadingSaver(run.saver)
        rehearse(run, rehearsal)

        def below(namespace: str) -> Run:
            found = self._inspecting_below(run, namespace)
            # A graph that was called, or is no node any more, answers to no name here.
            found.unknown = found.unknown or found.program is run.program
            return found

        return run, below

    def _reading(self, config: dict[str, Any]) -> Run:
        if isinstance(self.checkpointer, BaseCheckpointSaver) and current.get() is None:
            merged = merge_configs(self.bound_config, config)
            if not place_of(configurable(merged), "checkpoint_ns"):
                return reading_run(self, merged, "")
        return self._look(config)

    def _look(
        self, config: dict[str, Any], context: Any = None, *, called: bool = False
    ) -> Run:
        saver = self.checkpointer  # True is refused as it is for a run
        if saver is False or (saver is None and current.get() is None):
            raise ValueError(
                f"graph {self.name!r} has no checkpointer, so there is no saved state; "
                "compile(checkpointer=...)"
            )
        merged = merge_configs(self.bound_config, config)
        namespace = place_of(configurable(merged), "checkpoint_ns") or ""
        graph, place = self._at(namespace, called=called)
        if place != namespace:
            merged = merge_configs(merged, {"configurable": {"checkpoint_ns": place}})
        is_merged = graph is None or graph is self
        given = Arguments(merged, context, looking=True, is_merged=is_merged)
        run = run_of(graph or self, given, None)
        run.unknown = graph is None
        return run

    def _edit(self, config: dict[str, Any]) -> Run:
        check_on_record(current.get(), f"an edit by graph {self.name!r}")
        run = self._look(config, called=True)
        if run.unknown:
            raise ValueError(
                f"namespace {run.namespace!r} belongs to a graph that a node or task "
                f"below {self.name!r} calls itself; edit it by that graph: "
                "sub.with_saver(saver).update_state(config, ...)"
            )
        return run

    def _at(
        self, namespace: str, *, called: bool = False
    ) -> tuple[Inspection | None, str]:
        """The graph whose checkpoints lie in `namespace`, and where exactly they do; one called in a node is asked itself.

        None where that graph is not known from this graph's shape. The name of one that keeps its state may be given with
        the id of a task, as snapshots show it. With `called`, one that a node's code calls is known too.
        """
        graph: Inspection = self
        parts = namespace.split(NS_SEP) if namespace else []
        place: list[str] = []
        for number, part in enumerate(parts, 1):
            place.append(part)
            name = part.split(NS_END)[0]
            if name.isdecimal():
                continue
            program = graph.program  # a renamed node's graph stays under the old name
            node = program.nodes.get(program.identity.aliases.get(name, name))
            if node is None and graph is self:
                return self, namespace
            below = None if node is None else node.subgraph
            if node is not None and below is None and called:
                below = called_by(node.fn)
            if below is None:
                return None, NS_SEP.join([*place, *parts[number:]])
            graph = below
            if graph.checkpointer is True:
                place = [without_ids(each) for each in place]
        found = graph if graph is self else graph.with_saver(self.checkpointer)
        return found, NS_SEP.join(place)
