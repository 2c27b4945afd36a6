"""Graphs as pictures (R1.45)."""

from typing import Literal

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


def _shown(drawn):
    edges = [[e.source, e.target, e.data, bool(e.conditional)] for e in drawn.edges]
    nodes = [[n.id, n.name, n.metadata] for n in drawn.nodes.values()]
    return [sorted(nodes, key=str), edges, drawn.draw_mermaid()]


def _low(api):
    built = graph(api, (api.START, "l"), l=None, l2=None)
    return built.add_conditional_edges(
        "l", lambda s: "yes", {"yes": "l2", "no": api.END}
    )


def _mid(api):
    return graph(
        api, (api.START, "x"), ("x", "low"), x=None, low=_low(api).compile()
    ).compile()


def _levels(api):
    edges = [(api.START, "p"), ("p", "sub"), ("sub", "z")]
    return graph(api, *edges, p=None, sub=_mid(api), z=None).compile()


@program("R1.45")
def a_drawing_of_edges(api, run):
    edges = [(api.START, "b"), ("b", "a"), (["a", "b"], "c"), ("c", api.END)]
    return _shown(graph(api, *edges, a=None, b=None, c=None).compile().get_graph())


@program("R1.45")
def a_drawing_of_branches_and_commands(api, run):
    def path(state) -> Literal["b", "__end__"]:
        return "b"

    def jumps(state) -> api.Command[Literal["a"]]:
        return api.Command(goto="a")

    built = graph(api, (api.START, "a"), a=None, b=jumps)
    built.add_node("c", lambda s: None, destinations={"b": "back"})
    built.add_edge("a", "c")
    built.add_conditional_edges("a", path)
    return _shown(built.compile().get_graph())[1]


@program("R1.45")
def a_drawing_of_what_nodes_carry(api, run):
    built = graph(api, (api.START, "b"), ("b", "c"), b=None, c=None)
    built.add_node("a", lambda s: None, metadata={"k": 1}, defer=True)
    built.add_edge("c", "a")
    g = built.compile(interrupt_before=["a"], interrupt_after=["a", "b"])
    return _shown(g.get_graph())


@program("R1.45")
def a_drawing_of_the_inside(api, run):
    g = _levels(api)
    return [_shown(g.get_graph(xray=depth)) for depth in (False, 0, 1, 2, True)]


@program("R1.45")
def a_drawing_without_styles_is_its_edges(api, run):
    drawn = [_levels(api).get_graph(xray=depth) for depth in (0, 1, 2)]
    return [each.draw_mermaid(with_styles=False) for each in drawn]


@program("R1.45")
def a_drawing_of_two_equal_insides(api, run):
    sub = _mid(api)
    built = graph(api, ("a", "b"), a=sub, b=sub)
    built.add_conditional_edges(api.START, lambda s: "a", ["a", "b"])
    return _shown(built.compile().get_graph(xray=1))


@program("R1.45")
def insides_that_keep_their_ends(api, run):
    wide = graph(api, (api.START, "m"), (api.START, "n"), m=None, n=None)

    def path(state) -> Literal["m", "__end__"]:
        return "__end__"

    loop = graph(api, (api.START, "m"), m=None).add_conditional_edges("m", path)
    edges = [(api.START, "wide"), ("wide", "loop")]
    g = graph(api, *edges, wide=wide.compile(), loop=loop.compile()).compile()
    return _shown(g.get_graph(xray=True))


@program("R1.45", "R1.1")
def a_drawing_shows_what_was_compiled(api, run):
    built = graph(api, (api.START, "a"), a=None)
    g = built.compile()
    built.add_node("b", lambda s: None)
    built.add_edge("a", "b")
    return _shown(g.get_graph())[:2]


@program("R1.45", "R8.1")
def a_drawing_of_an_entrypoint(api, run):
    @api.entrypoint()
    def wf(n):
        return n

    g = graph(api, (api.START, "w"), w=wf).compile()
    drawn = wf.get_graph()
    edges = [[edge.source, edge.target] for edge in drawn.edges]
    return [sorted(drawn.nodes), edges, _shown(g.get_graph(xray=True))]


@program(
    "R1.45",
    differs="a branch that names no targets is drawn to every node; there: an edge to the end",
    expected=[
        ["__start__", "a", None, False],
        ["a", "__end__", None, True],
        ["a", "a", None, True],
        ["a", "b", None, True],
        ["b", "__end__", None, False],
    ],
)
def a_drawing_of_a_branch_without_targets(api, run):
    built = graph(api, (api.START, "a"), a=None, b=None)
    built.add_conditional_edges("a", lambda s: "b")
    return _shown(built.compile().get_graph())[1]


@program("R1.45")
def a_node_that_nothing_leads_to_is_drawn_alone(api, run):
    drawn = graph(api, (api.START, "a"), a=None, b=None).compile().get_graph()
    return [sorted(drawn.nodes), [[e.source, e.target] for e in drawn.edges]]
