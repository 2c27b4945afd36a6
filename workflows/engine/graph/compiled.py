"""A compiled `StateGraph`: what it adds to a graph that can be run."""

from __future__ import annotations

from typing import Any

from workflows.engine.constants import END, START
from workflows.engine.draw import DrawnGraph
from workflows.engine.errors import FeatureNotBuiltError
from workflows.engine.graph.validate import command_targets
from workflows.engine.jsonschema import json_schema
from workflows.engine.pregel import Pregel


class CompiledStateGraph(Pregel):
    """A graph that can be run. Made by `StateGraph.compile`.

    A call without `config` needs no saver; with one, `configurable.thread_id` names the
    thread (R1.43). `None` as input continues, `Command(resume=...)` answers.
    """

    def get_graph(
        self, config: dict[str, Any] | None = None, *, xray: bool = False
    ) -> DrawnGraph:
        """Nodes and edges as they would be drawn (R1.45)."""
        if xray:
            raise FeatureNotBuiltError(
                "drawing the inside of subgraphs is not built yet: leave out xray"
            )
        builder = self.builder
        names = [START, *builder.nodes, END]
        edges: list[tuple[str, str, str | None, bool]] = [
            (start, end, None, False) for start, end in sorted(builder.edges)
        ]
        for starts, end in builder.waiting_edges:
            edges += [(start, end, None, False) for start in starts]
        for source, branches in builder.branches.items():
            for spec in branches.values():
                shown = spec.shown or {n: n for n in [*builder.nodes, END]}
                edges += [
                    (source, end, str(label) if str(label) != end else None, True)
                    for label, end in shown.items()
                ]
        for name, spec in builder.nodes.items():
            targets = spec.destinations or (
                {t: t for t in command_targets(spec.fn)}
                if spec.subgraph is None
                else {}
            )
            edges += [
                (name, end, label if label != end else None, True)
                for end, label in targets.items()
            ]
        left = {source for source, *_ in edges}
        edges += [
            (name, END, None, False) for name in builder.nodes if name not in left
        ]
        return DrawnGraph(names, edges)

    def get_input_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of the input."""
        return json_schema(self.input_schema)

    def get_output_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of the output."""
        return json_schema(self.output_schema)

    def get_context_jsonschema(self) -> dict[str, Any] | None:
        """The JSON Schema of the context, or None."""
        schema = self.context_schema
        return None if schema is None else json_schema(schema)
