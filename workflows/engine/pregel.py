"""The compiled graph: invoke, stream, get_state, update_state and their async twins."""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any, Self

from workflows.engine.calls import Arguments, refuse_unbuilt, run_of
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.clearing import Clearing
from workflows.engine.config import configurable, merge_configs
from workflows.engine.constants import NS_END, NS_SEP
from workflows.engine.drivers import aio, blocking
from workflows.engine.errors import GraphInterrupt
from workflows.engine.loop import snapshot
from workflows.engine.loop.loop import edit, execute
from workflows.engine.loop.records import Outcome, Program, Run
from workflows.engine.runtime import current
from workflows.engine.streaming import shape, wanted_modes
from workflows.engine.types import GraphOutput, StateSnapshot, StateUpdate

log = logging.getLogger("durableweb.engine")
_UNSET: Any = object()


class Pregel(Clearing):
    """A graph that can be run. Made by `StateGraph.compile` and by `@entrypoint`."""

    default_stream_mode = "values"

    def __init__(
        self,
        program: Program,
        *,
        checkpointer: Any = None,
        store: Any = None,
        cache: Any = None,
        interrupt_before: Sequence[str] | str = (),
        interrupt_after: Sequence[str] | str = (),
        name: str | None = None,
        builder: Any = None,
        schemas: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        debug: bool = False,
    ) -> None:
        _check_saver(checkpointer)
        self.program = program
        self.checkpointer = checkpointer
        self.store = store
        self.cache = cache
        self.interrupt_before = interrupt_before
        self.interrupt_after = interrupt_after
        self.name = name or program.name
        self.builder = builder
        self.schemas = schemas or {}
        self.bound_config = config
        self.debug = debug

    # binding

    def with_config(self, config: dict[str, Any] | None = None, **more: Any) -> Self:
        """A copy that merges `config` below the config of each call."""
        twin = copy.copy(self)
        twin.bound_config = merge_configs(self.bound_config, config, more)
        return twin

    def with_saver(self, saver: Any) -> Self:
        """A copy that keeps its checkpoints in `saver`."""
        _check_saver(saver)
        twin = copy.copy(self)
        twin.checkpointer = saver
        return twin

    def with_shared(self, *, store: Any = None, cache: Any = None) -> Self:
        """A copy with this store and this cache, where it was compiled without."""
        twin = copy.copy(self)
        twin.store = store if self.store is None else self.store
        twin.cache = cache if self.cache is None else self.cache
        return twin

    @property
    def nodes(self) -> dict[str, Any]:
        """The nodes by name."""
        return self.program.nodes

    @property
    def state_schema(self) -> Any:
        """The class of the state, as the author gave it."""
        return self.schemas.get("state")

    @property
    def input_schema(self) -> Any:
        """The class of the input."""
        return self.schemas.get("input") or self.schemas.get("state")

    @property
    def output_schema(self) -> Any:
        """The class of the output."""
        return self.schemas.get("output") or self.schemas.get("state")

    @property
    def context_schema(self) -> Any:
        """The class of the context, or None."""
        return self.schemas.get("context")

    # running

    def invoke(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: Any = "values",
        print_mode: Any = (),
        output_keys: Any = None,
        interrupt_before: Any = None,
        interrupt_after: Any = None,
        durability: Any = None,
        control: Any = None,
        version: str = "v1",
        **more: Any,
    ) -> Any:
        """Run to the end or to a pause; the output, with `__interrupt__` at a question.

        Raises what a node raises, and the errors of docs/reference.
        """
        run = self._run(
            config,
            context=context,
            modes=() if stream_mode == "values" else stream_mode,
            output_keys=output_keys,
            before=interrupt_before,
            after=interrupt_after,
            durability=durability,
            control=control,
            more={**more, **({"print_mode": print_mode} if print_mode else {})},
        )
        driver = blocking.Blocking(run, execute(run, input))
        with closing(driver.stream()) as stream:
            chunks = list(stream)
        return self._result(run, driver.result, chunks, stream_mode, version)

    async def ainvoke(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: Any = "values",
        print_mode: Any = (),
        output_keys: Any = None,
        interrupt_before: Any = None,
        interrupt_after: Any = None,
        durability: Any = None,
        control: Any = None,
        version: str = "v1",
        **more: Any,
    ) -> Any:
        """Async twin of `invoke`."""
        run = self._run(
            config,
            context=context,
            modes=() if stream_mode == "values" else stream_mode,
            output_keys=output_keys,
            before=interrupt_before,
            after=interrupt_after,
            durability=durability,
            control=control,
            more={**more, **({"print_mode": print_mode} if print_mode else {})},
        )
        plain = run.program.plain and stream_mode == "values" and run.sink is None
        if plain and not getattr(run.saver, "awaited", False):
            outcome = await aio.drive_plain(run, execute(run, input))
            return self._result(run, outcome, [], stream_mode, version)
        driver = aio.Aio(run, execute(run, input))
        async with aclosing(driver.stream()) as stream:
            chunks = [chunk async for chunk in stream]
        return self._result(run, driver.result, chunks, stream_mode, version)

    def stream(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: Any = None,
        print_mode: Any = (),
        output_keys: Any = None,
        interrupt_before: Any = None,
        interrupt_after: Any = None,
        durability: Any = None,
        subgraphs: bool = False,
        debug: bool | None = None,
        control: Any = None,
        version: str = "v1",
        **more: Any,
    ) -> Iterator[Any]:
        """Run, yielding chunks of `stream_mode` ("updates" unless said otherwise; R9.1)."""
        mode = stream_mode or "updates"
        run = self._run(
            config,
            context=context,
            modes=mode,
            output_keys=output_keys,
            before=interrupt_before,
            after=interrupt_after,
            durability=durability,
            control=control,
            subgraphs=subgraphs,
            more={**more, **({"print_mode": print_mode} if print_mode else {})},
        )
        driver = blocking.Blocking(run, execute(run, input))
        with closing(driver.stream()) as chunks:
            for namespace, kind, chunk in chunks:
                yield shape(namespace, kind, chunk, mode, subgraphs, version)
        self._raise_pause(run, driver.result)

    async def astream(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: Any = None,
        print_mode: Any = (),
        output_keys: Any = None,
        interrupt_before: Any = None,
        interrupt_after: Any = None,
        durability: Any = None,
        subgraphs: bool = False,
        debug: bool | None = None,
        control: Any = None,
        version: str = "v1",
        **more: Any,
    ) -> AsyncIterator[Any]:
        """Async twin of `stream`."""
        mode = stream_mode or "updates"
        run = self._run(
            config,
            context=context,
            modes=mode,
            output_keys=output_keys,
            before=interrupt_before,
            after=interrupt_after,
            durability=durability,
            control=control,
            subgraphs=subgraphs,
            more={**more, **({"print_mode": print_mode} if print_mode else {})},
        )
        driver = aio.Aio(run, execute(run, input))
        async with aclosing(driver.stream()) as chunks:
            async for namespace, kind, chunk in chunks:
                yield shape(namespace, kind, chunk, mode, subgraphs, version)
        self._raise_pause(run, driver.result)

    def batch(
        self,
        inputs: Sequence[Any],
        config: Any = None,
        *,
        return_exceptions: bool = False,
        **more: Any,
    ) -> list[Any]:
        """`invoke` for each input; with `return_exceptions` errors stand in the list."""
        results: list[Any] = []
        for number, value in enumerate(inputs):
            mine = config[number] if isinstance(config, list) else config
            try:
                results.append(self.invoke(value, mine, **more))
            except Exception as error:
                if not return_exceptions:
                    raise
                results.append(error)
        return results

    # looking and editing

    def get_state(
        self, config: dict[str, Any], *, subgraphs: bool = False
    ) -> StateSnapshot:
        """The thread's state (R6.1). Raises ValueError without a checkpointer."""
        run = self._look(config)
        found: StateSnapshot = blocking.drive(
            run, snapshot.read(run, subgraphs=subgraphs)
        )
        return found

    async def aget_state(
        self, config: dict[str, Any], *, subgraphs: bool = False
    ) -> StateSnapshot:
        """Async twin of `get_state`."""
        run = self._look(config)
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
    ) -> Iterator[StateSnapshot]:
        """All checkpoints of the thread, newest first (R6.4)."""
        run = self._look(config)
        yield from blocking.drive(run, snapshot.history(run, filter, before, limit))

    async def aget_state_history(
        self,
        config: dict[str, Any],
        *,
        filter: dict[str, Any] | None = None,
        before: dict[str, Any] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[StateSnapshot]:
        """Async twin of `get_state_history`."""
        run = self._look(config)
        for found in await aio.drive(run, snapshot.history(run, filter, before, limit)):
            yield found

    def update_state(
        self,
        config: dict[str, Any],
        values: Any,
        as_node: str | None = None,
        task_id: str | None = None,
    ) -> dict[str, Any]:
        """Write to the state from outside (R6.5); returns the new checkpoint's config."""
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
        run = self._look(config)
        found: dict[str, Any] = blocking.drive(run, edit(run, supersteps))
        return found

    async def abulk_update_state(
        self, config: dict[str, Any], supersteps: Sequence[Sequence[StateUpdate]]
    ) -> dict[str, Any]:
        """Async twin of `bulk_update_state`."""
        run = self._look(config)
        found: dict[str, Any] = await aio.drive(run, edit(run, supersteps))
        return found

    def get_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> Iterator[tuple[str, Pregel]]:
        """The subgraphs added as nodes: ("mid", g), with recurse ("mid|inner", g) (R7.11)."""
        for name, node in self.program.nodes.items():
            graph = node.subgraph
            if not isinstance(graph, Pregel):
                continue
            if namespace in (None, name):
                yield name, graph
            if recurse:
                inner = (
                    namespace.removeprefix(f"{name}|")
                    if namespace and namespace.startswith(f"{name}|")
                    else None
                )
                if namespace is None or inner is not None:
                    for path, below in graph.get_subgraphs(
                        namespace=inner, recurse=True
                    ):
                        yield f"{name}|{path}", below

    async def aget_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> AsyncIterator[tuple[str, Pregel]]:
        """Async twin of `get_subgraphs`."""
        for found in self.get_subgraphs(namespace=namespace, recurse=recurse):
            yield found

    # within

    def inspecting(self, outer: Run, namespace: str) -> Run:
        """A run that only looks at `namespace` of the outer run's thread."""
        config = {
            "configurable": {"thread_id": outer.thread_id, "checkpoint_ns": namespace}
        }
        run = self.with_saver(outer.saver)._look(config)
        run.namespace = namespace
        return run

    def _run(
        self,
        config: dict[str, Any] | None,
        *,
        context: Any,
        modes: Any,
        output_keys: Any,
        before: Any,
        after: Any,
        durability: Any,
        control: Any,
        subgraphs: bool = False,
        more: dict[str, Any],
    ) -> Run:
        refuse_unbuilt(more, config)
        arguments = Arguments(
            config=merge_configs(self.bound_config, config),
            context=context,
            modes=wanted_modes(modes),
            output_keys=output_keys,
            before=before or self.interrupt_before,
            after=after or self.interrupt_after,
            durability=durability,
            control=control,
            subgraphs=subgraphs,
        )
        return run_of(self, arguments, current.get())

    def _look(self, config: dict[str, Any]) -> Run:
        if not isinstance(self.checkpointer, BaseCheckpointSaver) and (
            current.get() is None or self.checkpointer is False
        ):
            raise ValueError(
                f"graph {self.name!r} has no checkpointer, so there is no saved state; "
                "compile(checkpointer=...)"
            )
        arguments = Arguments(config=merge_configs(self.bound_config, config))
        arguments.looking = True
        namespace = str(configurable(arguments.config).get("checkpoint_ns") or "")
        return run_of(self._at(namespace), arguments, None)

    def _at(self, namespace: str) -> Pregel:
        """The graph whose checkpoints lie in `namespace`; one called in a node is asked itself.

        Raises ValueError where that graph is not known from this graph's shape.
        """
        graph: Pregel = self
        for part in namespace.split(NS_SEP) if namespace else ():
            name = part.split(NS_END)[0]
            if name.isdecimal():
                continue
            if graph is self and name not in self.program.nodes:
                return self
            below = graph.program.nodes[name].subgraph
            if below is None:
                raise ValueError(
                    f"namespace {namespace!r} belongs to a graph that node {name!r} of "
                    f"{graph.name!r} calls itself; ask that graph: "
                    "sub.with_saver(saver).get_state(config)"
                )
            graph = below
        return graph if graph is self else graph.with_saver(self.checkpointer)

    def _result(
        self,
        run: Run,
        outcome: Outcome,
        chunks: list[Any],
        stream_mode: Any,
        version: str,
    ) -> Any:
        self._raise_pause(run, outcome)
        if stream_mode != "values":
            return [
                shape(ns, kind, chunk, stream_mode, False, version)
                for ns, kind, chunk in chunks
            ]
        if version == "v2":
            schema = self.program.output
            value = outcome.values
            return GraphOutput(schema(value) if schema else value, outcome.interrupts)
        values = outcome.values
        if outcome.interrupts:
            base = values if isinstance(values, dict) else {}
            return {**base, "__interrupt__": list(outcome.interrupts)}
        return values

    def _raise_pause(self, run: Run, outcome: Outcome | None) -> None:
        """Within another graph, a pause ends the calling task too (R7.7)."""
        if run.outer is not None and outcome is not None and outcome.is_pause:
            if run.parent is not None:  # it must not catch this and go on (R5.10)
                run.parent.raised.extend(outcome.interrupts)
            pause = GraphInterrupt(outcome.interrupts)
            if run.saver is None and outcome.asked:
                pause.asked = outcome.asked  # type: ignore[attr-defined]
            raise pause


def _check_saver(checkpointer: Any) -> None:
    if checkpointer is None or checkpointer is True or checkpointer is False:
        return
    if not isinstance(checkpointer, BaseCheckpointSaver):
        raise TypeError(
            "checkpointer must be a saver (BaseCheckpointSaver), None, True or False, "
            f"not {type(checkpointer).__name__}"
        )
