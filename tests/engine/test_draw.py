"""R1.45: the picture of a graph."""

from __future__ import annotations

import pytest

from workflows.engine.draw import DrawnEdge, DrawnGraph

pytestmark = pytest.mark.rule("R1.45")

GRAPH = DrawnGraph(
    ["__start__", "a", ("my node", {"defer": True}), "c", "__end__"],
    [
        ("__start__", "a", None, False),
        ("a", "c", "c", True),
        ("a", "c", "c", True),
        ("a", "my node", "yes", True),
        ("c", "__end__", None, False),
        ("my node", "__end__", None, False),
    ],
)


def test_nodes_and_edges_are_data():
    assert list(GRAPH.nodes) == ["__start__", "a", "my node", "c", "__end__"]
    assert GRAPH.nodes["my node"].metadata == {"defer": True}
    assert GRAPH.edges == [
        DrawnEdge("__start__", "a"),
        DrawnEdge("a", "c", None, True),
        DrawnEdge("a", "my node", "yes", True),
        DrawnEdge("c", "__end__"),
        DrawnEdge("my node", "__end__"),
    ]


def test_json_leaves_out_what_is_not_there():
    out = GRAPH.to_json()

    assert out["edges"][0] == {"source": "__start__", "target": "a"}
    assert out["edges"][2] == {
        "source": "a",
        "target": "my node",
        "data": "yes",
        "conditional": True,
    }
    assert out["nodes"][-1] == {"id": "__end__"}
    assert out["nodes"][2]["metadata"] == {"defer": True}


def test_mermaid_draws_conditional_edges_dotted():
    lines = GRAPH.draw_mermaid().splitlines()

    assert lines[lines.index("graph TD;") :][:11] == [
        "graph TD;",
        "\t__start__([<p>__start__</p>]):::first",
        "\ta(a)",
        "\tmy\\20node(my node<hr/><small><em>defer = True</em></small>)",
        "\tc(c)",
        "\t__end__([<p>__end__</p>]):::last",
        "\t__start__ --> a;",
        "\ta -.-> c;",
        "\ta -. &nbsp;yes&nbsp; .-> my\\20node;",
        "\tc --> __end__;",
        "\tmy\\20node --> __end__;",
    ]


def test_styles_can_be_had_and_left_out():
    text = GRAPH.draw_mermaid()

    assert text.startswith("---\nconfig:")
    assert "classDef last" in text
    assert "classDef" not in GRAPH.draw_mermaid(with_styles=False)


def test_without_styles_a_node_that_no_edge_names_is_still_drawn():
    graph = DrawnGraph(
        ["__start__", "a", "alone", "in:b"], [("__start__", "a", None, False)]
    )

    assert graph.draw_mermaid(with_styles=False).splitlines() == [
        "graph TD;",
        "\talone(alone)",
        "\t__start__ --> a;",
        "\tsubgraph in",
        "\tin\\3ab(in:b)",
        "\tend",
    ]


def test_names_cannot_break_out_of_the_picture():
    graph = DrawnGraph(["end", "f(x)", '"><script>'], [("end", "f(x)", "<b>|", False)])

    text = graph.draw_mermaid()

    assert "\\65nd(end)" in text
    assert '("f(x)")' in text
    assert "<script" not in text
    assert "<b>" not in text
