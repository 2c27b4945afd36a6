"""Sections 6 and 7: time travel over a subgraph that keeps its state (`checkpointer=True`)."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


class Turns(TypedDict):
    turn: int
    seen: Annotated[list, operator.add]


def _turns(api, run, *, asks=False, turns=3, size=1):
    """`next` counts; `below` calls a graph that keeps a log of all calls, and may ask."""
    calls = []

    def first(state):
        calls.append("first")
        return {"log": ["a" * size]}

    def second(state):
        calls.append("second")
        return {"log": [api.interrupt("q") if asks else "b"]}

    kept = graph(
        api, (api.START, "first"), ("first", "second"), first=first, second=second
    ).compile(checkpointer=True)

    def below(state):
        log = kept.invoke({"log": [state["turn"]]})["log"]
        return {"seen": [[each if size == 1 else str(each)[:1] for each in log]]}

    built = api.StateGraph(Turns)
    built.add_node("count", lambda state: {"turn": state["turn"] + 1})
    built.add_node("below", below)
    built.add_edge(api.START, "count")
    built.add_edge("count", "below")
    built.add_conditional_edges(
        "below",
        lambda state: "count" if state["turn"] < turns else api.END,
        ["count", api.END],
    )
    return built.compile(checkpointer=run.saver), calls


def _due_below(run, g, number):
    """The config before the call of that number, counted from the newest."""
    due = [s for s in run.get_history(g, run.config()) if s.next == ("below",)]
    return due[number].config


@program("R6.12", "R7.5")
def a_replay_takes_the_kept_state_of_its_place(api, run):
    g, calls = _turns(api, run)
    run.invoke(g, {"turn": 0, "seen": []}, run.config())
    old = _due_below(run, g, 1)
    calls.clear()
    replayed = run.invoke(g, None, old)
    again = run.invoke(g, None, _due_below(run, g, 0))
    return [replayed, calls, again]


@program("R6.12", "R7.5", "R10.7")
def a_replay_over_a_long_kept_list(api, run):
    g, _ = _turns(api, run, turns=4, size=700)
    run.invoke(g, {"turn": 0, "seen": []}, run.config())
    replayed = run.invoke(g, None, _due_below(run, g, 2))
    again = run.invoke(g, None, _due_below(run, g, 1))
    return [replayed, again, run.invoke(g, {"turn": 3, "seen": []}, run.config())]


@program("R6.16", "R7.5")
def an_edit_of_the_past_takes_the_kept_state_of_its_place(api, run):
    g, calls = _turns(api, run)
    run.invoke(g, {"turn": 0, "seen": []}, run.config())
    edited = run.update_state(g, _due_below(run, g, 1), {"turn": 2}, as_node="count")
    calls.clear()
    return [run.invoke(g, None, edited), calls]


@program("R6.12", "R7.5")
def a_replay_of_a_paused_call_begins_it_anew(api, run):
    g, calls = _turns(api, run, asks=True, turns=1)
    run.invoke(g, {"turn": 0, "seen": []}, run.config())
    calls.clear()
    asked = run.invoke(g, None, _due_below(run, g, 0))
    first = list(calls)
    answered = run.invoke(g, api.Command(resume="yes"), run.config())
    return ["__interrupt__" in asked, first, answered, calls]


@program("R6.10", "R7.5")
def an_edit_beside_a_paused_call_lets_it_go_on(api, run):
    g, calls = _turns(api, run, asks=True, turns=1)
    run.invoke(g, {"turn": 0, "seen": []}, run.config())
    run.update_state(g, run.config(), {"turn": 5})
    calls.clear()
    asked = run.invoke(g, None, run.config())
    first = list(calls)
    answered = run.invoke(g, api.Command(resume="yes"), run.config())
    return ["__interrupt__" in asked, first, answered, calls]


@program(
    "R6.12",
    "R7.5",
    differs="what a fork left behind stays behind in every later call, too",
    expected=[
        [[1, "a", "b"], [1, "a", "b", 2, "a", "b"], [1, "a", "b", 2, "a", "b", 3, "a", "b"]],
        [[1, "a", "b"], [1, "a", "b", 3, "a", "b"]],
        [[1, "a", "b"], [1, "a", "b", 3, "a", "b"], [1, "a", "b", 3, "a", "b", 9, "a", "b"]],
    ],
)  # fmt: skip
def a_fork_whose_first_step_calls_nothing(api, run):
    g, _ = _turns(api, run)
    whole = run.invoke(g, {"turn": 0, "seen": []}, run.config())
    # Before the second `count`: the kept graph is not called until the step after.
    old = [s for s in run.get_history(g, run.config()) if s.next == ("count",)][1]
    edited = run.update_state(g, old.config, {"turn": 2})
    run.stream(g, None, edited, interrupt_before=["below"])
    forked = run.invoke(g, None, run.config())
    more = run.update_state(g, run.config(), {"turn": 9}, as_node="count")
    later = run.invoke(g, None, more)
    return [whole["seen"], forked["seen"], later["seen"]]


def _log_that_asks(api, run):
    """A graph that keeps a log, and asks in its second node; the node above calls it with its own number."""

    def second(state):
        return {"log": [api.interrupt("q")]}

    kept = graph(
        api, (api.START, "first"), ("first", "second"), first=None, second=second
    ).compile(checkpointer=True)

    def below(state):
        return {"seen": kept.invoke({"log": [f"call with {state['turn']}"]})["log"]}

    built = api.StateGraph(Turns)
    built.add_node("below", below)
    built.add_edge(api.START, "below")
    return built.compile(checkpointer=run.saver)


@program("R3.14", "R7.5")
def a_new_input_while_a_kept_graph_asks(api, run):
    g = _log_that_asks(api, run)
    run.invoke(g, {"turn": 1, "seen": []}, run.config())
    asked = run.invoke(g, {"turn": 2, "seen": []}, run.config())
    answered = run.invoke(g, api.Command(resume="r"), run.config())
    return [len(asked["__interrupt__"]), answered["seen"]]


@program(
    "R6.10",
    "R7.5",
    differs="a jump is a new call with the state of now; the reference goes on inside with the old one",
    expected=[
        [False, ["call with 1", "first", "call with 2", "first", "r"]],
        [False, ["call with 1", "first", "call with 2", "first", "r"]],
    ],
)  # fmt: skip
def a_jump_while_a_kept_graph_asks(api, run):
    found = []
    for to_end in (False, True):
        g = _log_that_asks(api, run)
        first = run.invoke(g, {"turn": 1, "seen": []}, run.config())["__interrupt__"]
        if to_end:
            run.update_state(g, run.config(), None, as_node=api.END)
            said = api.Command(update={"turn": 2}, goto="below")
            asked = run.invoke(g, said, run.config())["__interrupt__"]
        else:
            run.update_state(g, run.config(), {"turn": 2}, as_node=api.START)
            asked = run.invoke(g, None, run.config())["__interrupt__"]
        answered = run.invoke(g, api.Command(resume="r"), run.config())
        found.append([asked[0].id == first[0].id, answered["seen"]])
        run.saver.delete_thread("t")
    return found


@program("R7.8", "R6.10")
def a_kept_call_that_asks_is_seen_after_an_edit(api, run):
    g = _log_that_asks(api, run)
    run.invoke(g, {"turn": 1, "seen": []}, run.config())
    run.update_state(g, run.config(), {"turn": 5})
    run.invoke(g, None, run.config())
    below = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
    return [below.values, list(below.next), len(below.interrupts)]
