"""Section 2: values that pass: of one step, or never saved."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph, once_bad


def one_step_state(api):
    return TypedDict(
        "OneStep",
        {
            "log": Annotated[list, operator.add],
            "secret": Annotated[str, api.UntrackedValue(str)],
            "topic": Annotated[list, api.Topic(str)],
            "once": Annotated[int, api.EphemeralValue(int)],
        },
        total=False,
    )


@program("R2.7", "R3.12")
def an_untracked_value_is_in_no_record(api, run):
    seen = []

    def last(state):
        seen.append(state.get("secret"))

    g = graph(
        api,
        (api.START, "a"),
        (api.START, "bad"),
        ("a", "last"),
        schema=one_step_state(api),
        a=lambda state: {"secret": "s"},
        bad=once_bad([]),
        last=last,
    ).compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": []}, run.config())
    tasks = run.get_state(g, run.config()).tasks
    run.invoke(g, None, run.config())
    history = run.get_history(g, run.config())
    results = [[t.result for t in s.tasks if t.name == "a"] for s in history]
    return [[t.result for t in tasks if t.name == "a"], results, seen]


@program("R2.7", "R5.3", "R9.3")
def a_pause_leaves_the_values_of_one_step(api, run):
    g = graph(
        api,
        (api.START, "a"),
        ("a", "ask"),
        schema=one_step_state(api),
        a=lambda state: {"topic": "t", "once": 1, "log": ["a"]},
        ask=asks(api),
    ).compile(checkpointer=run.saver)
    asked = run.invoke(g, {"log": []}, run.config())
    return [asked, run.look(g, run.config())["values"]]
