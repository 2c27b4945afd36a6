"""Signals, events and children that are waited for: in nodes, tasks and graphs below, beside questions, and until an instant."""

from durableweb.errors import ChildFailed, InterruptTimeout, WaitTimeout
from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import (
    ask,
    event,
    first_of,
    interrupt,
    signal,
    timer,
    wait_event,
    wait_signal,
)
from tests.programs.flows import build
from tests.programs.sample import sample
from workflows.engine.children import result_of
from workflows.engine.waits import ChildEnded

HOUR = 3600


@sample({"log": []}, answers={"paid": "p", "sent": ["s"]})
def a_node_that_waits_for_three_signals(life, saver):
    def wait(state):
        found = [wait_signal(each) for each in ("paid", "sent", "paid")]
        return {"log": [life.did("wait"), str(found)]}

    edges = [(START, "x"), ("x", "wait"), ("wait", "y")]
    return build(life, "x wait y", *edges, wait=wait).compile(checkpointer=saver)


@sample({"log": []}, answers={"paid": None, "q": "yes"})
def nodes_that_wait_side_by_side(life, saver):
    def ask(state):
        return {"log": [life.did("ask"), interrupt("q")]}

    def wait(state):
        return {"log": [life.did("wait"), str(wait_signal("paid"))]}

    def late(state):
        return {"log": [life.did("late"), wait_signal("never", HOUR, "late")]}

    edges = [(START, name) for name in ("ask", "wait", "late")]
    nodes = {"ask": ask, "wait": wait, "late": late}
    edges.append(([*nodes], "fin"))
    return build(life, "ask wait late fin", *edges, **nodes).compile(checkpointer=saver)


@sample(2, answers={"0": "zero", "1": "one"}, only="async")
def tasks_that_wait_for_signals(life, saver):
    @task
    async def fetch(number):
        return life.did(f"fetch {number}") + wait_signal(str(number))

    @task
    def note(text):
        return life.did(text)

    @entrypoint(checkpointer=saver)
    async def flow(given):
        calls = [fetch(number) for number in range(given)]
        found = [await each for each in calls]
        try:
            wait_signal("never", HOUR)
        except WaitTimeout:
            found.append(await note("late"))
        return found

    return flow


@sample({"log": []}, answers={"told": {"n": 1}})
def nodes_that_wait_for_events(life, saver):
    def wait(state):
        found = [wait_event("told", key=each) for each in "aba"]
        return {"log": [life.did("wait"), str(found)]}

    def late(state):
        return {"log": [life.did("late"), wait_event("n", timeout=HOUR, default="no")]}

    nodes = {"wait": wait, "late": late}
    edges = [(START, name) for name in nodes] + [([*nodes], "fin")]
    return build(life, "wait late fin", *edges, **nodes).compile(checkpointer=saver)


@sample({"log": []}, answers={"c1": ChildEnded("one"), "c2": ChildEnded(error="no")})
def nodes_that_wait_for_children(life, saver):
    def wait(state):
        return {"log": [life.did("wait"), result_of("c1")]}

    def careful(state):
        try:
            result_of("c2")
        except ChildFailed as error:
            return {"log": [life.did("careful"), error.error]}

    nodes = {"wait": wait, "careful": careful}
    edges = [(START, name) for name in nodes] + [([*nodes], "fin")]
    return build(life, "wait careful fin", *edges, **nodes).compile(checkpointer=saver)


@sample({"log": []}, answers={"in time": "yes"})
def questions_that_are_given_up(life, saver):
    def ask(state):
        found = [interrupt(q, timeout=HOUR, on_timeout=q) for q in ("late", "in time")]
        return {"log": [life.did("ask"), *found]}

    def careful(state):
        try:
            interrupt("never", timeout=HOUR)
        except InterruptTimeout as error:
            return {"log": [life.did("careful"), error.question]}

    nodes = {"ask": ask, "careful": careful}
    edges = [(START, name) for name in nodes] + [([*nodes], "fin")]
    return build(life, "ask careful fin", *edges, **nodes).compile(checkpointer=saver)


@sample({"log": []}, answers={"q": "yes", "s": "sent"})
def nodes_that_wait_for_the_first_of_several(life, saver):
    def asks(state):
        found = first_of(ask("q"), signal("never"), timer(HOUR))
        return {"log": [life.did("asks"), str(found)]}

    def sent(state):
        found = [first_of(timer(HOUR), signal("s")) for _ in range(2)]
        return {"log": [life.did("sent"), str(found)]}

    @task
    def late():
        return life.did("late") + str(first_of(event("never"), timer(HOUR)))

    def calls(state):
        return {"log": [life.did("calls"), late().result()]}

    nodes = {"asks": asks, "sent": sent, "calls": calls}
    edges = [(START, name) for name in nodes] + [([*nodes], "fin")]
    return build(life, "asks sent calls fin", *edges, **nodes).compile(
        checkpointer=saver
    )


@sample({"log": []}, answers={"paid": "p"})
def a_graph_below_that_waits(life, saver):
    def wait(state):
        return {"log": [life.did("wait"), wait_signal("paid")]}

    edges = [(START, "a"), ("a", "wait"), ("wait", "b")]
    below = build(life, "a wait b", *edges, wait=wait).compile()

    def call(state):
        return {"log": below.invoke({"log": []})["log"]}

    edges = [(START, "call"), ("call", "fin")]
    return build(life, "call fin", *edges, call=call).compile(checkpointer=saver)
