"""Section 2: values that pass: of one step, or never saved."""

import operator
import threading
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


class Handle:
    """Something open, which cannot be stored."""

    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()


def _sent_along(api, run, durability):
    """The pause, the result and the end of a run whose nodes are sent an untracked value."""

    class State(TypedDict, total=False):
        log: Annotated[list, operator.add]
        inner: dict
        handle: Annotated[object, api.UntrackedValue(object)]

    def uses(given):
        name = given["handle"].name
        return {"log": [name], "inner": given["inner"], "handle": Handle("next")}

    def ask(given):
        return {"log": [sorted(given), api.interrupt("q")]}

    def send(state):
        return [api.Send("uses", state), api.Send("ask", {**state, "log": ["own"]})]

    built = graph(
        api,
        (api.START, "open"),
        schema=State,
        open=lambda s: {"handle": Handle("first"), "inner": {"handle": "kept"}},
        uses=uses,
        ask=ask,
    )
    built.add_conditional_edges("open", send, ["uses", "ask"])
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config(), durability=durability)
    paused = run.look(g, run.config())
    answer = api.Command(resume="r")
    out = run.invoke(g, answer, run.config(), durability=durability)
    return [paused, out, run.look(g, run.config())]


@program("R2.7", "R1.27")
def an_untracked_value_is_sent_along_and_saved_nowhere(api, run):
    return _sent_along(api, run, "sync")


@program(
    "R2.7",
    "R4.4",
    differs='it is not saved in durability "exit" either (LangGraph fails to write it at a pause)',
    expected={"inner": {"handle": "kept"}, "log": ["first", ["inner", "log"], "r"]},
)
def an_untracked_value_is_sent_along_in_durability_exit(api, run):
    return _sent_along(api, run, "exit")[1]
