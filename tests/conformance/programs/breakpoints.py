"""Section 5: static breakpoints."""

from typing import Any

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


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
