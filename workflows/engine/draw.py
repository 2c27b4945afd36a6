"""A graph as a picture: nodes and edges as data, as JSON, as Mermaid text (R1.45)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from html import escape
from typing import Any, NamedTuple

from workflows.engine.constants import END, START

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]")
_STYLES = (
    "\tclassDef default fill:#f2f0ff,line-height:1.2",
    "\tclassDef first fill-opacity:0",
    "\tclassDef last fill:#bfb6fc",
)


class DrawnNode(NamedTuple):
    """A node of the picture."""

    id: str
    name: str
    metadata: Mapping[str, Any] | None = None


class DrawnEdge(NamedTuple):
    """An edge of the picture; `data` is its label where it says more than the target does."""

    source: str
    target: str
    data: str | None = None
    conditional: bool = False


class DrawnGraph:
    """What `get_graph()` gives: made from names, knows nothing of code.

    `nodes` are names or (name, metadata) pairs; `edges` are (source, target, label, conditional) and are drawn in
    that order, equal ones once. The id of a node inside a subgraph is `subgraph:node`.
    """

    def __init__(
        self,
        nodes: Iterable[str | tuple[str, Mapping[str, Any] | None]],
        edges: Iterable[tuple[str, str, str | None, bool]],
    ) -> None:
        self.nodes: dict[str, DrawnNode] = {}
        for node in nodes:
            name, metadata = (node, None) if isinstance(node, str) else node
            self.nodes[name] = DrawnNode(name, name, metadata or None)
        self.edges: list[DrawnEdge] = [
            *dict.fromkeys(
                DrawnEdge(
                    source, target, None if label == target else label, conditional
                )
                for source, target, label, conditional in edges
            )
        ]

    def opened(self, name: str, inner: DrawnGraph) -> DrawnGraph:
        """This graph with `inner` in the place of its node `name`.

        Start and end of `inner` are left out where one edge leads from or to them and to nothing that others reach.
        """
        inside, first, last = inner._without_ends()
        graph = DrawnGraph((), ())
        graph.nodes = {key: node for key, node in self.nodes.items() if key != name}
        for node in inside.nodes.values():
            key = f"{name}:{node.id}"
            graph.nodes[key] = node._replace(id=key)
        graph.edges = [
            edge._replace(
                source=f"{name}:{last}" if edge.source == name else edge.source,
                target=f"{name}:{first}" if edge.target == name else edge.target,
            )
            for edge in self.edges
        ]
        graph.edges += [
            edge._replace(
                source=f"{name}:{edge.source}", target=f"{name}:{edge.target}"
            )
            for edge in inside.edges
        ]
        return graph

    def _without_ends(self) -> tuple[DrawnGraph, str, str]:
        """The graph without needless ends, and the nodes it begins and ends with."""
        first, last = START, END
        out = [edge for edge in self.edges if edge.source == START]
        if len(out) == 1 and _ways(self.edges, target=out[0].target) == 1:
            first = out[0].target
        into = [edge for edge in self.edges if edge.target == END]
        if len(into) == 1 and _ways(self.edges, source=into[0].source) == 1:
            last = into[0].source
        dropped = {START, END} - {first, last}
        if len(self.nodes) - len(dropped) < 1:
            return self, START, END
        graph = DrawnGraph((), ())
        graph.nodes = {k: node for k, node in self.nodes.items() if k not in dropped}
        graph.edges = [
            edge
            for edge in self.edges
            if edge.source not in dropped and edge.target not in dropped
        ]
        return graph, first, last

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """Nodes and edges as plain dicts; what an edge does not have is left out."""
        return {
            "nodes": [_node_json(node) for node in self.nodes.values()],
            "edges": [_edge_json(edge) for edge in self.edges],
        }

    def draw_mermaid(self, *, with_styles: bool = True) -> str:
        """The graph in Mermaid's language; conditional edges are dotted, subgraphs are boxes.

        Without styles it is the edges, and the nodes that no edge leads to or from.
        """
        drawn: Collection[DrawnNode] = self.nodes.values()
        if not with_styles:
            met = {end for edge in self.edges for end in edge[:2]} | {START, END}
            drawn = [node for node in drawn if node.id not in met]
        lines = ["graph TD;", *self._block("", drawn)]
        if with_styles:
            head = ["---", "config:", "  flowchart:", "    curve: linear", "---"]
            lines = [*head, *lines, *_STYLES]
        return "\n".join(lines) + "\n"

    def _block(self, box: str, drawn: Collection[DrawnNode]) -> list[str]:
        """Those of the nodes `drawn` and the edges that lie in `box` itself, then the boxes within it."""
        lines = [f"\t{_mermaid_node(node)}" for node in drawn if _box(node.id) == box]
        lines += [
            f"\t{_mermaid_edge(edge)};"
            for edge in self.edges
            if _common(_box(edge.source), _box(edge.target)) == box
        ]
        children = dict.fromkeys(_child(box, _box(key)) for key in self.nodes)
        for child in filter(None, children):
            key = _mermaid_id(child)
            title = child if key == child else f"{key}[{_label(child)}]"
            name = f"{box}:{child}" if box else child
            lines += [f"\tsubgraph {title}", *self._block(name, drawn), "\tend"]
        return lines


def _ways(edges: list[DrawnEdge], **where: str) -> int:
    """How many edges there are from or to a node."""
    return sum(
        all(getattr(edge, end) == name for end, name in where.items()) for edge in edges
    )


def _box(key: str) -> str:
    return key.rpartition(":")[0]


def _child(box: str, other: str) -> str | None:
    """The box within `box` that holds the box `other`."""
    outside = f"{box}:" if box else ""
    if not other.startswith(outside):
        return None
    return other.removeprefix(outside).split(":")[0] or None


def _common(one: str, other: str) -> str:
    """The innermost box that holds both."""
    shared = []
    for mine, its in zip(one.split(":"), other.split(":"), strict=False):
        if mine != its:
            break
        shared.append(mine)
    return ":".join(shared)


def _node_json(node: DrawnNode) -> dict[str, Any]:
    if node.id == END:
        return {"id": node.id}
    out: dict[str, Any] = {
        "id": node.id,
        "type": "runnable",
        "data": {"name": node.name},
    }
    if node.metadata:
        out["metadata"] = dict(node.metadata)
    return out


def _edge_json(edge: DrawnEdge) -> dict[str, Any]:
    out: dict[str, Any] = {"source": edge.source, "target": edge.target}
    if edge.data is not None:
        out["data"] = edge.data
    if edge.conditional:
        out["conditional"] = True
    return out


def _mermaid_node(node: DrawnNode) -> str:
    if node.id == START:
        return f"{node.id}([<p>{node.name}</p>]):::first"
    if node.id == END:
        return f"{node.id}([<p>{node.name}</p>]):::last"
    if node.name in (START, END):
        return f"{_mermaid_id(node.id)}(<p>{node.name}</p>)"
    label = _label(node.name)
    if node.metadata:
        notes = "\n".join(
            f"{_label(str(key))} = {_label(str(value))}"
            for key, value in node.metadata.items()
        )
        label += f"<hr/><small><em>{notes}</em></small>"
    if re.search(r"[()\[\]{}]", label):
        label = f'"{label}"'  # brackets would end the shape
    return f"{_mermaid_id(node.id)}({label})"


def _mermaid_edge(edge: DrawnEdge) -> str:
    source, target = _mermaid_id(edge.source), _mermaid_id(edge.target)
    if edge.data is not None:
        label = f"&nbsp;{_label(edge.data)}&nbsp;"
        arrow = f"-. {label} .->" if edge.conditional else f"-- {label} -->"
    else:
        arrow = "-.->" if edge.conditional else "-->"
    return f"{source} {arrow} {target}"


def _mermaid_id(name: str) -> str:
    # A bare `end` closes a block in Mermaid's language, so one letter of it is written as a code.
    if name.lower() == "end":
        return f"\\{ord(name[0]):02x}{name[1:]}"
    return "".join(
        char if _PLAIN_ID.match(char) else f"\\{ord(char):02x}" for char in name
    )


def _label(text: str) -> str:
    return escape(text, quote=True).replace("\n", " ")
