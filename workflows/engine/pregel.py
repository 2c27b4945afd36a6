"""The compiled graph, run: invoke, stream, batch and their async twins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any

from workflows.engine.calls import Arguments, refuse_unbuilt, run_of
from workflows.engine.clearing import Clearing
from workflows.engine.config import merge_configs
from workflows.engine.drivers import aio, blocking
from workflows.engine.errors import GraphInterrupt
from workflows.engine.inspection import Inspection
from workflows.engine.loop.loop import execute
from workflows.engine.loop.records import Outcome, Run
from workflows.engine.runtime import current
from workflows.engine.streaming import shape, wanted_modes
from workflows.engine.types import GraphOutput


class Pregel(Inspection, Clearing):
    """A graph that can be run. Made by `StateGraph.compile` and by `@entrypoint`."""

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
        """Within another graph, a question ends the calling task too (R7.7)."""
        if run.outer is not None and outcome is not None and outcome.interrupts:
            if run.parent is not None:  # it must not catch this and go on (R5.10)
                run.parent.raised.extend(outcome.interrupts)
            pause = GraphInterrupt(outcome.interrupts)
            if run.saver is None and outcome.asked:
                pause.asked = outcome.asked  # type: ignore[attr-defined]
            raise pause
