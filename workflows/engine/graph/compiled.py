"""A compiled `StateGraph`: what it adds to a graph that can be run."""

from __future__ import annotations

from typing import Any

from workflows.engine.bound import Bound
from workflows.engine.config import merge_configs
from workflows.engine.draw import DrawnGraph
from workflows.engine.graph.picture import Shape
from workflows.engine.jsonschema import json_schema
from workflows.engine.kinds import refused
from workflows.engine.loop.program import Program
from workflows.engine.pregel import Pregel


class CompiledStateGraph(Pregel):
    """A graph that can be run. Made by `StateGraph.compile`.

    A call without `config` needs no saver; with one, `configurable.thread_id` names the
    thread (R1.43). `None` as input continues, `Command(resume=...)` answers.
    """

    def __init__(self, program: Program, **options: Any) -> None:
        Bound.__init__(self, program, **options)
        self.shape = Shape(self.builder)

    def get_graph(
        self, config: dict[str, Any] | None = None, *, xray: int | bool = False
    ) -> DrawnGraph:
        """Nodes and edges as they would be drawn; `xray` opens so many levels of subgraphs (R1.45)."""
        merge_configs(config)
        if not isinstance(xray, int):
            wanted = "True, or how many levels of subgraphs to open"
            raise refused(f"get_graph of graph {self.name!r}", "xray", xray, wanted)
        return self.shape.drawn(self.interrupt_before, self.interrupt_after, xray)

    def get_input_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of the input."""
        return json_schema(self.input_schema, made=True)

    def get_output_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of the output."""
        return json_schema(self.output_schema, made=True)
