"""One face over the blocking and the async interface, and what makes a transcript plain.

A program calls `run.invoke(graph, ...)`; whether `invoke` or `ainvoke` answers is the
runner's choice. Ids become `#1`, `#2`, ... in the order in which they come up, so two engines
and two runs can be compared, and one id that returns is seen to be the same.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}"
)


class Run:
    """What a program runs its graphs with; `run.saver` is fresh for each program."""

    def __init__(self, driver: str, saver: Any) -> None:
        self.driver = driver
        self.saver = saver
        self._loop = asyncio.Runner() if driver == "async" else None
        self._labels: dict[str, str] = {}

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()

    # the graph's methods

    def config(self, thread: str = "t", **more: Any) -> dict[str, Any]:
        return {"configurable": {"thread_id": thread, **more}}

    def invoke(self, graph: Any, *args: Any, **options: Any) -> Any:
        if self._loop is None:
            return graph.invoke(*args, **options)
        return self._loop.run(graph.ainvoke(*args, **options))

    def batch(self, graph: Any, *args: Any, **options: Any) -> list[Any]:
        if self._loop is None:
            return list(graph.batch(*args, **options))
        return list(self._loop.run(graph.abatch(*args, **options)))

    def stream(self, graph: Any, *args: Any, **options: Any) -> list[Any]:
        """All chunks; an exception at the end becomes a last entry."""
        chunks: list[Any] = []
        try:
            if self._loop is None:
                chunks.extend(graph.stream(*args, **options))
            else:
                self._loop.run(self._collect(chunks, graph.astream(*args, **options)))
        except not_built():
            raise
        except Exception as error:  # noqa: BLE001
            chunks.append({"raises": type(error).__name__})
        return chunks

    def first_chunks(
        self, graph: Any, count: int, *args: Any, **options: Any
    ) -> list[Any]:
        """The first chunks, then the loop is left."""
        chunks: list[Any] = []
        if self._loop is None:
            stream = graph.stream(*args, **options)
            for chunk in stream:
                chunks.append(chunk)
                if len(chunks) == count:
                    break
            stream.close()
            return chunks

        async def read() -> None:
            stream = graph.astream(*args, **options)
            async for chunk in stream:
                chunks.append(chunk)
                if len(chunks) == count:
                    break
            await stream.aclose()

        self._loop.run(read())
        return chunks

    def events(self, graph: Any, *args: Any, **options: Any) -> list[Any]:
        """What `astream_events` gives; an exception at the end becomes a last entry."""
        found: list[Any] = []
        assert self._loop is not None
        try:
            self._loop.run(self._collect(found, graph.astream_events(*args, **options)))
        except not_built():
            raise
        except Exception as error:  # noqa: BLE001
            found.append({"raises": type(error).__name__})
        return found

    def logs(self, graph: Any, *args: Any, **options: Any) -> list[Any]:
        """What `astream_log` gives."""
        found: list[Any] = []
        assert self._loop is not None
        self._loop.run(self._collect(found, graph.astream_log(*args, **options)))
        return found

    async def _collect(self, chunks: list[Any], stream: Any) -> None:
        async for chunk in stream:
            chunks.append(chunk)

    def get_state(self, graph: Any, *args: Any, **options: Any) -> Any:
        if self._loop is None:
            return graph.get_state(*args, **options)
        return self._loop.run(graph.aget_state(*args, **options))

    def get_history(self, graph: Any, *args: Any, **options: Any) -> list[Any]:
        if self._loop is None:
            return list(graph.get_state_history(*args, **options))
        found: list[Any] = []
        self._loop.run(self._collect(found, graph.aget_state_history(*args, **options)))
        return found

    def update_state(self, graph: Any, *args: Any, **options: Any) -> Any:
        if self._loop is None:
            return graph.update_state(*args, **options)
        return self._loop.run(graph.aupdate_state(*args, **options))

    def bulk_update_state(self, graph: Any, *args: Any) -> Any:
        if self._loop is None:
            return graph.bulk_update_state(*args)
        return self._loop.run(graph.abulk_update_state(*args))

    def clear_cache(self, graph: Any, *args: Any) -> None:
        if self._loop is None:
            graph.clear_cache(*args)
        else:
            self._loop.run(graph.aclear_cache(*args))

    # transcripts

    def attempt(
        self,
        call: Callable[..., Any],
        *args: Any,
        kind: type | None = None,
        says: str | None = None,
        **options: Any,
    ) -> Any:
        """What `call` returns, or the class of what it raised.

        With `kind`, any subclass is noted as that class; with `says`, whether the message
        holds that text.
        """
        try:
            return call(*args, **options)
        except not_built():
            raise
        except Exception as error:  # noqa: BLE001
            name = (
                kind.__name__
                if kind and isinstance(error, kind)
                else type(error).__name__
            )
            noted: dict[str, Any] = {"raises": name}
            if says is not None:
                noted["says"] = says if says in str(error) else f"not {says}: {error}"
            return noted

    def look(self, graph: Any, config: Any, **options: Any) -> dict[str, Any]:
        """The snapshot's fields as a transcript shows them."""
        return self.snapshot(self.get_state(graph, config, **options))

    def snapshot(self, found: Any) -> dict[str, Any]:
        seen = {
            "values": found.values,
            "next": list(found.next),
            "interrupts": list(found.interrupts),
            "tasks": [self.task(each) for each in found.tasks],
        }
        if found.metadata is not None:
            seen["step"] = [found.metadata.get("step"), found.metadata.get("source")]
        return seen

    def task(self, found: Any) -> dict[str, Any]:
        seen: dict[str, Any] = {"name": found.name}
        if found.error is not None:
            seen["error"] = str(found.error)
        if found.interrupts:
            seen["interrupts"] = list(found.interrupts)
        if found.result is not None:
            seen["result"] = found.result
        if found.state is not None:
            below = hasattr(found.state, "values") and hasattr(found.state, "tasks")
            seen["state"] = self.snapshot(found.state) if below else "config"
        return seen

    def steps(self, graph: Any, config: Any, **options: Any) -> list[Any]:
        """History, newest first: step, source, next."""
        return [
            [s.metadata["step"], s.metadata["source"], list(s.next)]
            for s in self.get_history(graph, config, **options)
        ]

    def plain(self, value: Any) -> Any:
        """`value` as JSON can hold it, with ids in order of appearance."""
        if isinstance(value, str):
            return ID.sub(lambda m: self._label(m.group()), value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if type(value).__name__ == "Interrupt":
            return {"asks": self.plain(value.value), "id": self.plain(value.id)}
        if type(value).__name__ in {"HumanMessage", "AIMessage", "SystemMessage"}:
            return {value.type: value.content}
        if isinstance(value, BaseException):
            return {"error": type(value).__name__, "text": str(value)}
        if hasattr(value, "model_dump"):
            return {type(value).__name__: self.plain(value.model_dump())}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {type(value).__name__: self.plain(vars(value))}
        if isinstance(value, Mapping):
            return {
                str(self.plain(key)): self.plain(item) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.plain(item) for item in value]
        if isinstance(value, set | frozenset):
            return sorted(self.plain(item) for item in value)
        return repr(value)

    def _label(self, text: str) -> str:
        return self._labels.setdefault(text, f"#{len(self._labels) + 1}")


def not_built() -> tuple[type[BaseException], ...]:
    """The error that says "not built yet"; no transcript may hide it."""
    try:
        from workflows.engine.errors import FeatureNotBuiltError
    except ImportError:  # the reference's own environment
        return ()
    return (FeatureNotBuiltError,)
