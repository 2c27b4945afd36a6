"""A graph as a link of a chain of langchain-core, where that package is installed: `prompt | graph | parser` (E.chains).

A chain takes what is a `Runnable`. A graph is none, as the engine needs no such package; it is made known as one
once the class is loaded, and has from there the methods that are made of `invoke` and `stream` alone.
"""

from __future__ import annotations

import sys
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, get_type_hints

from workflows.engine.errors import FeatureNotBuiltError

_MODULE = "langchain_core.runnables.base"


class Borrowed:
    """A method of Runnable as one of a graph; the package is imported when it is asked for."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, graph: Any, owner: type | None = None) -> Any:
        if graph is None:
            return self
        runnable = _runnable()
        if runnable is None:
            raise AttributeError(
                f"graph {graph.name!r} has {self.name!r} from langchain-core, which is not "
                "installed; add langchain-core, or call the graph in a function"
            )
        return getattr(runnable, self.name).__get__(graph, owner)


class Events(Borrowed):
    """The same of what streams events: of a runnable around the graph, and not in its newest version."""

    def __get__(self, graph: Any, owner: type | None = None) -> Any:
        found = super().__get__(graph, owner)
        return found if graph is None else partial(self._stream, graph)

    def _stream(
        self,
        graph: Any,
        input: Any,
        config: dict[str, Any] | None = None,
        *,
        version: str = "v2",
        **more: Any,
    ) -> Any:
        if version == "v3" or self.name == "stream_events":
            raise FeatureNotBuiltError(
                f"{self.name} of graph {graph.name!r} has no version {version!r}; read "
                "astream_events(version='v2'), or stream(stream_mode=[...], "
                "subgraphs=True), which knows 'values', 'updates', 'messages' and others"
            )
        around = _link()(graph)
        return getattr(around, self.name)(input, config, version=version, **more)


class AsTool(Borrowed):
    """The same of what makes a tool of a graph: left out, its arguments are the keys of the graph's input."""

    def __get__(self, graph: Any, owner: type | None = None) -> Any:
        found = super().__get__(graph, owner)
        return found if graph is None else partial(self._make, graph, found)

    def _make(
        self,
        graph: Any,
        make: Any,
        args_schema: Any = None,
        *,
        arg_types: Any = None,
        **more: Any,
    ) -> Any:
        if args_schema is None and arg_types is None:
            schema = graph.input_schema
            arg_types = get_type_hints(schema) if isinstance(schema, type) else None
        return make(args_schema, arg_types=arg_types, **more)


class Chaining:
    """What a graph is in a chain (E.chains)."""

    name: str

    pipe: Any = Borrowed()
    bind: Any = Borrowed()
    map: Any = Borrowed()
    pick: Any = Borrowed()
    assign: Any = Borrowed()
    transform: Any = Borrowed()
    atransform: Any = Borrowed()
    batch_as_completed: Any = Borrowed()
    abatch_as_completed: Any = Borrowed()
    with_retry: Any = Borrowed()
    with_fallbacks: Any = Borrowed()
    with_listeners: Any = Borrowed()
    with_alisteners: Any = Borrowed()
    with_types: Any = Borrowed()
    as_tool: Any = AsTool()
    astream_log: Any = Borrowed()
    astream_events: Any = Events()
    stream_events: Any = Events()

    def __or__(self, other: Any) -> Any:
        runnable = _runnable()
        return NotImplemented if runnable is None else runnable.__or__(self, other)

    def __ror__(self, other: Any) -> Any:
        runnable = _runnable()
        return NotImplemented if runnable is None else runnable.__ror__(self, other)

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """The graph's name, or `name`, with a suffix: "MyGraph" and "input" give "MyGraphInput", "flow" "flow_input"."""
        found = name or self.name
        if not suffix:
            return found
        if found[:1].isupper():
            return found + suffix.title()
        return f"{found}_{suffix.lower()}"


def make_known() -> None:
    """Let chains take graphs, if there can be a chain by now."""
    runnable = getattr(sys.modules.get(_MODULE), "Runnable", None)
    if runnable is not None:
        runnable.register(Chaining)


@cache
def _link() -> Any:
    """A class whose own parts langchain-core may call by private names."""
    base: Any = import_module(_MODULE).Runnable

    class Link(base):  # type: ignore[misc]
        """A graph as a runnable of its own."""

        def __init__(self, graph: Any) -> None:
            self.graph = graph
            self.name = graph.get_name()

        def invoke(self, input: Any, config: Any = None, **more: Any) -> Any:
            """The graph's."""
            return self.graph.invoke(input, config, **more)

        def astream(self, input: Any, config: Any = None, **more: Any) -> Any:
            """The graph's."""
            return self.graph.astream(input, config, **more)

    return Link


def _runnable() -> Any:
    if _MODULE not in sys.modules and find_spec("langchain_core") is None:
        return None
    found = import_module(_MODULE).Runnable
    make_known()
    return found
