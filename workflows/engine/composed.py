"""A graph of nodes and channels as they are: what `Pregel(nodes=..., channels=...)` is made of (R1.49)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypedDict, Unpack, is_typeddict

from workflows.engine.actor_picture import Drawing
from workflows.engine.actors import (
    Names,
    Places,
    built,
    check_fit,
    names_of,
    program_of,
    sorted_out,
)
from workflows.engine.bound import check_cache, check_store
from workflows.engine.breakpoints import check_stops, stops_of
from workflows.engine.channels import Channel
from workflows.engine.config import merge_configs
from workflows.engine.draw import DrawnGraph
from workflows.engine.jsonschema import Key, json_schema, object_schema
from workflows.engine.kinds import check_text
from workflows.engine.loop.identity import Identity
from workflows.engine.policies import checked_cache, checked_retry
from workflows.engine.sending import Sending
from workflows.engine.spellings import OfPregels, taken
from workflows.engine.types import All, CachePolicy, RetryPolicy, StreamMode


class Composed(Sending):
    """What a `Pregel` is before it runs."""

    def __init__(
        self,
        *,
        nodes: Mapping[str, Any],
        channels: Mapping[str, Any] | None,
        auto_validate: bool = True,
        stream_mode: StreamMode | Sequence[StreamMode] = "values",
        stream_eager: bool = False,
        output_channels: str | Sequence[str],
        stream_channels: str | Sequence[str] | None = None,
        interrupt_after_nodes: All | Sequence[str] = (),
        interrupt_before_nodes: All | Sequence[str] = (),
        input_channels: str | Sequence[str],
        step_timeout: float | None = None,
        debug: bool | None = None,
        checkpointer: Any = None,
        store: Any = None,
        cache: Any = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] = (),
        cache_policy: CachePolicy | None = None,
        context_schema: Any = None,
        config: dict[str, Any] | None = None,
        name: str = "LangGraph",
        **more: Unpack[OfPregels],
    ) -> None:
        """Nodes are due when a channel is written to which they subscribe to; the input goes into channels (R1.49).

        Whether all fits is looked at in any case, and what is streamed is handed out as it comes. Raises TypeError and
        ValueError for what does not fit.
        """
        if more:
            given = {"context_schema": context_schema}
            context_schema = taken("Pregel()", more, given)["context_schema"]
        actors = built(nodes)
        own, managed = sorted_out(channels)
        shown = tuple(own) if stream_channels is None else stream_channels
        places = Places(
            names_of(input_channels, "input_channels"),
            names_of(output_channels, "output_channels"),
            names_of(shown, "stream_channels"),
        )
        check_fit(actors, own, managed, places)
        check_store(store, "Pregel")
        check_cache(cache, "Pregel")
        check_text(name, "Pregel", "name", "a text")
        program = program_of(
            actors,
            own,
            managed,
            places,
            name=name,
            identity=Identity("" if name == "LangGraph" else name),
            retry=checked_retry(retry_policy, "Pregel") or (),
            cache=checked_cache(cache_policy, "Pregel"),
        )
        super().__init__(
            program,
            checkpointer=checkpointer,
            store=store,
            cache=cache,
            interrupt_before=stops_of(
                interrupt_before_nodes, "Pregel", "interrupt_before_nodes"
            ),
            interrupt_after=stops_of(
                interrupt_after_nodes, "Pregel", "interrupt_after_nodes"
            ),
            name=name,
            builder=Drawing(actors, places.input),
            schemas={
                "input": _schema_of(places.input, own, f"{name}Input", "UpdateType"),
                "output": _schema_of(places.output, own, f"{name}Output", "ValueType"),
                "context": context_schema,
            },
            config=config,
            debug=bool(debug),
        )
        check_stops(self)
        self.input_channels, self.output_channels = input_channels, output_channels
        self.stream_channels = stream_channels
        self.stream_mode = stream_mode
        self.step_timeout = step_timeout

    def validate(self) -> Self:
        """All fits since it was made."""
        return self

    def get_graph(
        self, config: dict[str, Any] | None = None, *, xray: int | bool = False
    ) -> DrawnGraph:
        """Nodes, and edges from who writes to who subscribes; `xray` opens so many levels of subgraphs (R1.45)."""
        merge_configs(config)
        graph: DrawnGraph = self.builder.drawn(
            self.interrupt_before, self.interrupt_after
        )
        if xray:
            deeper = xray if xray is True else xray - 1
            for name, below in self.get_subgraphs():
                inner: Any = below
                graph = graph.opened(name, inner.get_graph(xray=deeper))
        return graph

    async def aget_graph(
        self, config: dict[str, Any] | None = None, *, xray: int | bool = False
    ) -> DrawnGraph:
        """Async twin of `get_graph`."""
        return self.get_graph(config, xray=xray)

    def get_input_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of the input: of the one channel, or an object with one key for each."""
        return _described(self.input_schema, f"{self.name}Input")

    def get_output_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of the output."""
        return _described(self.output_schema, f"{self.name}Output")

    def get_context_jsonschema(self) -> dict[str, Any] | None:
        """The JSON Schema of the context, or None."""
        schema = self.context_schema
        return None if schema is None else json_schema(schema)


def _schema_of(
    names: Names, channels: Mapping[str, Channel], title: str, kind: str
) -> Any:
    """The type of one channel, or a class with a key for each; `kind` is whether they are written or read."""
    if isinstance(names, str):
        return _type_of(channels[names], kind)
    hints = {name: _type_of(channels[name], kind) for name in names}
    return TypedDict(title, hints, total=False)  # type: ignore[operator]


def _described(schema: Any, title: str) -> dict[str, Any]:
    """The JSON Schema of `_schema_of`; what is not given of several channels counts as None."""
    if not is_typeddict(schema):
        return {"title": title, **json_schema(schema)}
    hints = schema.__annotations__.items()
    keys = [Key(name, hint, False, None) for name, hint in hints]
    return object_schema(keys, title=title)


def _type_of(channel: Channel, kind: str) -> Any:
    try:
        return getattr(channel, kind)
    except TypeError:  # of a type that is given as a text there is no list
        return Any
