"""A graph as a picture: nodes and edges as data, as JSON, as Mermaid text (R1.45)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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

    `nodes` are names or (name, metadata) pairs; `edges` are (source, target, label, conditional), in any
    order. Equal edges are drawn once.
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
        unique = dict.fromkeys(
            DrawnEdge(source, target, None if label == target else label, conditional)
            for source, target, label, conditional in edges
        )
        self.edges: list[DrawnEdge] = sorted(
            unique, key=lambda edge: (edge.source, edge.target, edge.data or "")
        )

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """Nodes and edges as plain dicts; what an edge does not have is left out."""
        return {
            "nodes": [_node_json(node) for node in self.nodes.values()],
            "edges": [_edge_json(edge) for edge in self.edges],
        }

    def draw_mermaid(self, *, with_styles: bool = True) -> str:
        """The graph in Mermaid's language; conditional edges are dotted."""
        lines = ["graph TD;"]
        lines += [f"\t{_mermaid_node(node)}" for node in self.nodes.values()]
        lines += [f"\t{_mermaid_edge(edge)};" for edge in self.edges]
        if with_styles:
            head = ["---", "config:", "  flowchart:", "    curve: linear", "---"]
            lines = [*head, *lines, *_STYLES]
        return "\n".join(lines) + "\n"


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
