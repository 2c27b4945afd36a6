"""Section 5: static breakpoints."""

from typing import Any

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph, once_bad, say


def _chain(api, run, **options):
    edges = [(api.START, "n1"), ("n1", "n2")]
    return graph(api, *edges, n1=None, n2=None).compile(
        checkpointer=run.saver, **options
    )


@program("R5.25", "R5.26")
def a_breakpoint_before(api, run):
    g = _chain(api, run, interrupt_before=["n2"])
    chunks = run.stream(g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    again = run.invoke(g, None, run.config())
    by_answer = run.invoke(g, {"log": []}, run.config("u"))
    return [
        chunks,
        seen,
        again,
        by_answer,
        run.invoke(g, api.Command(resume="go"), run.config("u")),
        run.steps(g, run.config()),
    ]


@program("R5.25")
def breakpoints_per_call(api, run):
    g = _chain(api, run)
    fixed = _chain(api, run, interrupt_before=["n1"])
    return [
        run.invoke(g, {"log": []}, run.config("a"), interrupt_after=["n1"]),
        run.look(g, run.config("a"))["next"],
        run.invoke(g, None, run.config("a")),
        run.invoke(fixed, {"log": []}, run.config("b"), interrupt_before=[]),
        run.invoke(fixed, {"log": []}, run.config("c"), interrupt_before=["n2"]),
        run.attempt(lambda: _chain(api, run, interrupt_after=["ghost"])),
    ]


@program(
    "R5.25",
    differs="unknown names are refused per call too",
    expected={"raises": "ValueError"},
)
def unknown_breakpoint_per_call(api, run):
    g = _chain(api, run)
    return run.attempt(
        run.invoke, g, {"log": []}, run.config(), interrupt_before=["ghost"]
    )


@program("R5.27")
def breakpoints_everywhere(api, run):
    before, after = (
        _chain(api, run, interrupt_before="*"),
        _chain(api, run, interrupt_after="*"),
    )
    seen = []
    for g, thread in ((before, "b"), (after, "a")):
        given: Any = {"log": []}
        for _ in range(3):
            out = run.invoke(g, given, run.config(thread))
            seen.append([out, run.look(g, run.config(thread))["next"]])
            given = None
    return seen


@program("R5.28")
def breakpoints_without_a_saver(api, run):
    edges = [(api.START, "n1"), ("n1", "n2")]
    g = graph(api, *edges, n1=None, n2=None).compile(interrupt_before=["n2"])
    return run.invoke(g, {"log": []})


@program("R5.26", "R7.1")
def a_breakpoint_in_a_subgraph(api, run):
    edges = [(api.START, "s1"), ("s1", "s2")]
    below = graph(api, *edges, s1=None, s2=None).compile(interrupt_before=["s2"])
    built = graph(api, (api.START, "p"), ("p", "sub"), p=None, sub=below)
    g = built.compile(checkpointer=run.saver)
    chunks = run.stream(g, {"log": []}, run.config(), stream_mode=["values", "updates"])
    seen = run.look(g, run.config())
    inside = run.look(g, run.config(), subgraphs=True)["tasks"][0]["state"]["next"]
    by_answer = run.invoke(g, {"log": []}, run.config("u"))
    answered = run.invoke(g, api.Command(resume="go"), run.config("u"))
    return [
        chunks,
        seen,
        inside,
        run.invoke(g, None, run.config()),
        by_answer,
        answered,
    ]


@program("R5.26", "R7.2")
def a_breakpoint_in_a_called_subgraph(api, run):
    edges = [(api.START, "s1"), ("s1", "s2")]
    below = graph(api, *edges, s1=None, s2=None).compile(interrupt_after=["s1"])

    def calls(state):
        return {"log": below.invoke({"log": ["b"]})["log"]}

    g = graph(api, (api.START, "p"), p=calls).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.look(g, run.config()), run.invoke(g, None, run.config())]


@program("R5.26")
def a_breakpoint_in_a_loop(api, run):
    def again(state):
        return "a" if len(state["log"]) < 3 else api.END

    built = graph(api, (api.START, "a"), a=None).add_conditional_edges("a", again)
    g = built.compile(checkpointer=run.saver, interrupt_before=["a"])
    seen = []
    for given in ({"log": []}, None, None, None):
        out = run.invoke(g, given, run.config())
        seen.append([out, run.look(g, run.config())["next"]])
    return seen


@program("R5.26")
def a_breakpoint_before_one_of_several(api, run):
    calls = []
    edges = [(api.START, "a"), (api.START, "b"), (["a", "b"], "c")]
    nodes = {name: say(name, calls) for name in ("a", "b", "c")}
    g = graph(api, *edges, **nodes).compile(
        checkpointer=run.saver, interrupt_before=["a"]
    )
    first = run.invoke(g, {"log": []}, run.config())
    stopped = run.look(g, run.config())["next"], calls[:]
    return [first, stopped, run.invoke(g, None, run.config())]


@program("R5.26", "R1.27")
def a_breakpoint_before_sent_tasks(api, run):
    built = graph(api, w=lambda n: {"log": [f"w{n}"]})
    built.add_conditional_edges(api.START, lambda s: [api.Send("w", n) for n in (1, 2)])
    g = built.compile(checkpointer=run.saver, interrupt_before=["w"])
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.look(g, run.config())["next"], run.invoke(g, None, run.config())]


@program("R5.25")
def breakpoints_are_not_remembered(api, run):
    edges = [(api.START, "a"), ("a", "b"), ("b", "c")]
    g = graph(api, *edges, a=None, b=None, c=None).compile(checkpointer=run.saver)
    both = {"interrupt_before": ["b"], "interrupt_after": ["b"]}
    seen = [run.invoke(g, {"log": []}, run.config(), **both)]
    seen.append(run.invoke(g, None, run.config(), **both))
    return [seen, run.look(g, run.config())["next"], run.invoke(g, None, run.config())]


@program("R5.26")
def a_breakpoint_and_a_question(api, run):
    g = graph(api, (api.START, "x"), ("x", "n"), x=None, n=asks(api))
    both = {"interrupt_before": ["n"], "interrupt_after": ["n"]}
    g = g.compile(checkpointer=run.saver, **both)
    seen = []
    for given in ({"log": []}, None, api.Command(resume="r"), None):
        out = run.invoke(g, given, run.config())
        seen.append([out, run.look(g, run.config())["next"]])
    return seen


@program(
    "R5.18",
    "R5.26",
    differs="a plain answer goes on at a static breakpoint, not after a failure",
    expected=[
        {"raises": "RuntimeError"},
        {"raises": "UnknownInterruptError"},
        {"log": ["bad"]},
        2,
    ],
)
def a_failure_is_no_breakpoint(api, run):
    calls = []
    g = graph(api, (api.START, "bad"), bad=once_bad(calls))
    g = g.compile(checkpointer=run.saver)
    failed = run.attempt(run.invoke, g, {"log": []}, run.config())
    refused = run.attempt(run.invoke, g, api.Command(resume="r"), run.config())
    return [failed, refused, run.invoke(g, None, run.config()), len(calls)]


@program("R5.26", "R8.4")
def a_breakpoint_before_an_entrypoint_that_has_returned_before(api, run):
    below = graph(api, (api.START, "x"), x=None).compile(interrupt_before=["x"])

    @api.entrypoint(checkpointer=run.saver)
    def body(number, *, previous=None):
        if number == 5:
            below.invoke({"log": []})
        return {"got": number, "before": previous and previous["got"]}

    return [
        run.invoke(body, 1, run.config()),
        run.invoke(body, 2, run.config(), interrupt_before=["body"]),
        run.look(body, run.config())["next"],
        run.invoke(body, None, run.config()),
        run.invoke(body, 3, run.config(), interrupt_after=["body"]),
        run.stream(body, 4, run.config(), interrupt_before="*", stream_mode=["values"]),
        run.invoke(body, 5, run.config()),
        run.invoke(body, None, run.config()),
    ]


@program("R5.25")
def breakpoints_that_are_set_on_a_compiled_graph(api, run):
    g = _chain(api, run)
    bare = [list(g.interrupt_before_nodes), list(g.interrupt_after_nodes)]
    g.interrupt_before_nodes = ["n2"]
    before = run.invoke(g, {"log": []}, run.config("a"))
    g.interrupt_before_nodes = []
    g.interrupt_after_nodes = "*"
    after = run.invoke(g, {"log": []}, run.config("b"))
    given = _chain(api, run, interrupt_before=["n1"], interrupt_after=["n2"])
    known = [list(given.interrupt_before_nodes), list(given.interrupt_after_nodes)]
    return [bare, before, after, known]


@program("R3.10", "R7.13")
def the_config_that_a_graph_is_bound_to(api, run):
    g = _chain(api, run)
    bound = g.with_config({"recursion_limit": 5}).with_config(recursion_limit=1)
    seen = [g.config, bound.config["recursion_limit"]]
    seen.append(run.attempt(run.invoke, bound, {"log": []}, run.config("a")))
    g.config = {"recursion_limit": 1}
    return [*seen, run.attempt(run.invoke, g, {"log": []}, run.config("b"))]
