"""The compiled graph, run: invoke, stream, batch and their async twins."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any, Literal

from workflows.engine.cache.base import is_awaited
from workflows.engine.calls import Arguments, check_call, run_of
from workflows.engine.chaining import Chaining
from workflows.engine.clearing import Clearing
from workflows.engine.composed import Composed
from workflows.engine.config import configurable
from workflows.engine.drivers import aio, blocking, heard
from workflows.engine.drivers.left import Left
from workflows.engine.drivers.listeners import heard_by
from workflows.engine.drivers.loops import loop_around
from workflows.engine.errors import GraphInterrupt
from workflows.engine.kinds import IN_BRACKETS, several
from workflows.engine.later import asyncio
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.loop import execute
from workflows.engine.loop.outcome import Outcome
from workflows.engine.loop.rehearsal import check_on_record
from workflows.engine.loop.run import Run
from workflows.engine.runtime import RunControl, current
from workflows.engine.starts import keyed
from workflows.engine.streaming import Reader
from workflows.engine.types import All, Durability, GraphOutput, StreamMode


class Pregel(Composed, Clearing, Chaining):
    """A graph that can be run: one that `StateGraph.compile` or `@entrypoint` made, or of nodes and channels as they are.

    Pregel(nodes={"shout": NodeBuilder().subscribe_only("a").do(str.upper).write_to("b")},
    channels={"a": EphemeralValue(str), "b": LastValue(str)}, input_channels="a", output_channels="b")
    """

    __class_getitem__ = IN_BRACKETS

    def invoke(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: StreamMode | Sequence[StreamMode] = "values",
        print_mode: StreamMode | Sequence[StreamMode] = (),
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        durability: Durability | None = None,
        control: RunControl | None = None,
        version: Literal["v1", "v2"] = "v1",
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Any:
        """Run to the end or to a pause; the output, with `__interrupt__` at a question.

        Another `stream_mode` than "values" gives the list of its chunks (R9.1), version "v2" a `GraphOutput`.
        Of the calls with one `idempotency_key` the first begins the work, others are given what came of it or go on
        with it (RB.6); without a thread in the config the key has one of its own.
        Raises what a node raises, and the errors of docs/reference.
        """
        given = Arguments.taken(locals())
        run, reader = self._open(given, whole=stream_mode == "values")
        steps = self._begin(run, given, input)
        driver = blocking.Blocking(run, steps, loop_around())
        with closing(heard.stream(driver, input)) as stream:
            chunks = [reader.shape(*each) for each in stream if reader.takes(*each)]
        return self._result(run, driver.result, chunks, given)

    async def ainvoke(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: StreamMode | Sequence[StreamMode] = "values",
        print_mode: StreamMode | Sequence[StreamMode] = (),
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        durability: Durability | None = None,
        control: RunControl | None = None,
        version: Literal["v1", "v2"] = "v1",
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Any:
        """Async twin of `invoke`."""
        given = Arguments.taken(locals())
        run, reader = self._open(given, whole=stream_mode == "values")
        if _is_one_hop(run):
            outcome = await aio.drive_plain(run, self._begin(run, given, input))
            return self._result(run, outcome, [], given)
        driver = aio.Aio(run, self._begin(run, given, input))
        async with aclosing(heard.astream(driver, input)) as stream:
            chunks = [
                reader.shape(*each) async for each in stream if reader.takes(*each)
            ]
        return self._result(run, driver.result, chunks, given)

    def stream(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: StreamMode | Sequence[StreamMode] | None = None,
        print_mode: StreamMode | Sequence[StreamMode] = (),
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        durability: Durability | None = None,
        control: RunControl | None = None,
        subgraphs: bool = False,
        debug: bool | None = None,
        version: Literal["v1", "v2"] = "v1",
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Iterator[Any]:
        """Run, yielding chunks of `stream_mode` (the graph's own, "updates", unless said otherwise; R9.1)."""
        given = Arguments.taken(locals())
        check_call(self, given)
        return self._chunks(given, self._reader(given), input)

    def _chunks(self, given: Arguments, reader: Reader, input: Any) -> Iterator[Any]:
        run = self._run(given, reader)
        driver = blocking.Blocking(run, self._begin(run, given, input))
        with closing(heard.stream(driver, input)) as chunks:
            for each in chunks:
                if reader.takes(*each):
                    yield reader.shape(*each)
        self._raise_pause(run, driver.result)

    def astream(
        self,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        context: Any = None,
        stream_mode: StreamMode | Sequence[StreamMode] | None = None,
        print_mode: StreamMode | Sequence[StreamMode] = (),
        output_keys: str | Sequence[str] | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        durability: Durability | None = None,
        control: RunControl | None = None,
        subgraphs: bool = False,
        debug: bool | None = None,
        version: Literal["v1", "v2"] = "v1",
        idempotency_key: str | None = None,
        **more: Any,
    ) -> AsyncGenerator[Any, None]:
        """Async twin of `stream`."""
        given = Arguments.taken(locals())
        check_call(self, given)
        left = Left()
        chunks = self._read(given, self._reader(given), input, left)
        left.watch(chunks)
        return chunks

    async def _read(
        self, given: Arguments, reader: Reader, input: Any, left: Left
    ) -> AsyncGenerator[Any, None]:
        run = self._run(given, reader)
        driver = aio.Aio(run, self._begin(run, given, input), left)
        async with aclosing(heard.astream(driver, input)) as chunks:
            async for each in chunks:
                if reader.takes(*each):
                    yield reader.shape(*each)
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
        for value, mine in self._paired(inputs, config, "batch"):
            try:
                results.append(self.invoke(value, mine, **more))
            except Exception as error:
                if not return_exceptions:
                    raise
                results.append(error)
        return results

    async def abatch(
        self,
        inputs: Sequence[Any],
        config: Any = None,
        *,
        return_exceptions: bool = False,
        **more: Any,
    ) -> list[Any]:
        """`ainvoke` for each input, side by side; results stand in the order of the inputs."""
        calls = [
            self.ainvoke(value, mine, **more)
            for value, mine in self._paired(inputs, config, "abatch")
        ]
        return list(await asyncio.gather(*calls, return_exceptions=return_exceptions))

    def _paired(self, inputs: Any, config: Any, verb: str) -> Iterable[tuple[Any, Any]]:
        """Each input with its config; one config serves all inputs."""
        where = f"{verb} of graph {self.name!r}"
        values = several(inputs, where, "inputs", "a list of inputs")
        if not isinstance(config, list | tuple):
            return [(value, config) for value in values]
        if len(config) != len(values):
            raise ValueError(
                f"{where}: {len(values)} inputs were given with {len(config)} configs; give "
                "one config for each, or one for all"
            )
        return zip(values, config, strict=True)

    def _open(self, given: Arguments, *, whole: bool) -> tuple[Run, Reader]:
        """The run's record and who reads its chunks; `whole`: the caller wants the output alone.

        What is streamed of a graph that is called for its output has the keys of the output (R2.13).
        """
        reader = self._reader(given, whole=whole)
        run = self._run(given, reader)
        run.stream_keys = run.program.output_keys
        return run, reader

    def _begin(self, run: Run, given: Arguments, input: Any) -> Steps[Outcome]:
        if given.idempotency_key is not None:
            input = keyed(self, given.idempotency_key, input)
        return execute(run, input)

    def _run(self, given: Arguments, reader: Reader) -> Run:
        run = run_of(self, given, current.get(), reader.all_modes)
        run.heard = heard_by(self, run, given.config)
        return run

    def _reader(self, given: Arguments, *, whole: bool = False) -> Reader:
        mode = given.stream_mode
        if mode is None:
            mode = "values" if _is_of_task(given) else self.stream_mode
        return Reader(
            () if whole else mode,
            given.print_mode,
            debug=self.debug if given.debug is None else given.debug,
            subgraphs=given.subgraphs,
            version=given.version,
        )

    def _result(
        self, run: Run, outcome: Outcome, chunks: list[Any], given: Arguments
    ) -> Any:
        self._raise_pause(run, outcome)
        if given.stream_mode != "values":
            return chunks
        if given.version == "v2":
            schema = self.program.output
            value = outcome.values
            return GraphOutput(schema(value) if schema else value, outcome.questions)
        values = outcome.values
        if asked := outcome.questions:
            base = values if isinstance(values, dict) else {}
            return {**base, "__interrupt__": list(asked)}
        return values

    def _raise_pause(self, run: Run, outcome: Outcome | None) -> None:
        """Within another graph, a pause ends the calling task too (R7.7, R5.26)."""
        if run.outer is not None and outcome is not None and outcome.is_pause:
            if not outcome.interrupts:
                check_on_record(current.get(), f"a step of graph {self.name!r}")
            if run.parent is not None:  # it must not catch this and go on (R5.10)
                run.parent.note_asking(outcome.interrupts)
            pause = GraphInterrupt(outcome.interrupts)
            if run.saver is None and outcome.asked:
                pause.asked = outcome.asked  # type: ignore[attr-defined]
            raise pause


def _is_of_task(given: Arguments) -> bool:
    """Say whether a call inside a task was given the config of that task."""
    context = current.get()
    if context is None or given.config is None:
        return False
    return configurable(given.config).get("checkpoint_ns") == context.namespace


def _is_one_hop(run: Run) -> bool:
    """Say whether nothing of an awaited run is awaited, so that all of it can be run in one thread.

    A handler may be a coroutine function (R9.9), and a saver or a cache may have async methods of its own.
    """
    return (
        run.program.plain
        and not run.modes
        and not run.handlers
        and run.heard is None
        and not getattr(run.saver, "awaited", False)
        and not (run.cache is not None and is_awaited(run.cache))
    )
