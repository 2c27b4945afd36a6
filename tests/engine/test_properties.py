"""What holds for any program: replay equals the live run, order of ending is nothing, forks are apart."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, Send, interrupt
from tests.engine.support.lives import wait_for_threads
from workflows.engine.calls import Arguments, run_of
from workflows.engine.drivers import faults
from workflows.engine.drivers.blocking import Blocking
from workflows.engine.loop.loop import execute

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}

# A body is a list of steps; a step calls a task, calls several side by side, calls a task that
# has a body of its own, asks, or catches the failure of a call.
calls = st.tuples(st.just("call"), st.sampled_from("fgh"), st.integers(0, 2))
leaves = st.one_of(
    calls,
    st.tuples(st.just("beside"), st.lists(calls, min_size=2, max_size=3)),
    st.just(("ask",)),
    st.just(("caught",)),
)
bodies = st.lists(
    st.one_of(
        leaves, st.tuples(st.just("nested"), st.lists(leaves, min_size=1, max_size=3))
    ),
    min_size=1,
    max_size=5,
)


class Body:
    """Runs a drawn body with tasks of the engine, and notes which calls were made."""

    def __init__(self, saver: Any, steps: Any) -> None:
        self.made: Counter[str] = Counter()

        def function(name: str) -> Any:
            @task(name=name)
            def call(n: int) -> str:
                self.made[name] += 1
                return f"{name}{n}"

            return call

        self.tasks = {name: function(name) for name in "fgh"}

        @task
        def failing() -> None:
            self.made["failing"] += 1
            raise ValueError("always")

        @task
        def nested(steps: Any) -> Any:
            return self.run(steps)

        @entrypoint(checkpointer=saver)
        def flow(steps: Any) -> Any:
            return self.run(steps)

        self.failing, self.nested, self.flow = failing, nested, flow

    def run(self, steps: Any) -> list[Any]:
        return [self.step(*step) for step in steps]

    def step(self, kind: str, *args: Any) -> Any:
        if kind == "call":
            name, n = args
            return self.tasks[name](n).result()
        if kind == "beside":
            futures = [self.tasks[name](n) for _, name, n in args[0]]
            return [future.result() for future in futures]
        if kind == "nested":
            return self.nested(args[0]).result()
        if kind == "ask":
            return interrupt("q")
        try:
            return self.failing().result()
        except ValueError:
            return "caught"


def plainly(steps: Any) -> list[Any]:
    """What the body means, without an engine."""
    means: dict[str, Callable[..., Any]] = {
        "call": lambda name, n: f"{name}{n}",
        "beside": lambda several: [f"{name}{n}" for _, name, n in several],
        "nested": plainly,
        "ask": lambda: "answer",
        "caught": lambda: "caught",
    }
    return [means[kind](*args) for kind, *args in steps]


def counted(steps: Any) -> Counter[str]:
    """How often each task is called, if none is called twice for the same."""
    found: Counter[str] = Counter()
    for kind, *args in steps:
        if kind == "call":
            found[args[0]] += 1
        elif kind == "beside":
            found.update(name for _, name, _ in args[0])
        elif kind == "nested":
            found += counted(args[0])
        elif kind == "caught":
            found["failing"] += 1
    return found


def go_on(flow: Any, saver: Any, steps: Any) -> Any:
    """Begin or go on, and answer until nothing is asked."""
    out = flow.invoke(steps if saver.get_tuple(CONFIG) is None else None, CONFIG)
    while isinstance(out, dict):
        out = flow.invoke(Command(resume="answer"), CONFIG)
    return out


@pytest.mark.rule("R4.12", "R4.13", "R4.15", "R4.16", "R8.14", "RA.4")
@settings(max_examples=40, deadline=None)
@given(bodies)
def test_a_replayed_body_gives_what_it_means_and_repeats_no_call(steps: Any) -> None:
    saver = InMemorySaver()
    body = Body(saver, steps)

    assert go_on(body.flow, saver, steps) == plainly(steps)
    assert body.made == counted(steps)


@pytest.mark.rule("R4.6", "R4.12", "R4.19")
@settings(max_examples=40, deadline=None)
@given(bodies, st.integers(1, 40))
def test_a_body_that_was_killed_anywhere_gives_the_same(steps: Any, k: int) -> None:
    saver = InMemorySaver()
    with suppress(faults.Killed), faults.kill_before(k):
        go_on(Body(saver, steps).flow, saver, steps)
    wait_for_threads()
    saver.__dict__.get("_live", {}).clear()  # as a supervisor does for the dead
    saved = saved_calls(saver)

    second = Body(saver, steps)

    assert go_on(second.flow, saver, steps) == plainly(steps)
    assert second.made <= counted(steps) - saved


def saved_calls(saver: Any) -> Counter[str]:
    """How many calls of each task have a result on record."""
    found = saver.get_tuple(CONFIG)
    writes = (found.pending_writes or []) if found else []
    ended = {task_id for task_id, name, _ in writes if name == "__return__"}
    return Counter(
        value[1]
        for task_id, name, value in writes
        if name == "__call__" and task_id in ended
    )


class Shuffled(Blocking):
    """Runs what is ready one by one, in an order that is drawn."""

    def __init__(self, run: Any, steps: Any, random: Random) -> None:
        super().__init__(run, steps)
        self.random = random

    def _next_events(self) -> list[Any]:
        if not self.ready:
            return super()._next_events()
        at = self.random.randrange(len(self.ready))
        self.ready.rotate(-at)
        return [self._attempt(self.ready.popleft())]


class S(TypedDict, total=False):
    log: Annotated[list, operator.add]
    last: str
    sum: Annotated[int, lambda left, right: left * 3 + right]


names = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True)
layers = st.lists(names, min_size=1, max_size=3)


def layered(
    drawn: list[list[str]], sends: list[int], fails: set[str], saver: Any
) -> Any:
    """Every node of a layer leads to every node of the next; some send work, some fail once."""
    failed: set[str] = set()

    def node(name: str, count: int) -> Any:
        def run(state: Any) -> Any:
            if name[0] in fails and name not in failed:
                failed.add(name)
                raise ConnectionResetError(name)
            work = [Send("work", {"last": f"{name}-{n}"}) for n in range(count)]
            update = {"log": [name], "sum": len(state["log"])}
            return Command(update=update, goto=work)

        return run

    graph = StateGraph(S)
    graph.add_node("work", lambda state: {"log": [state["last"]], "sum": 1})
    number = 0
    for depth, layer in enumerate(drawn):
        for letter in layer:
            graph.add_node(
                f"{letter}{depth}", node(f"{letter}{depth}", sends[number % len(sends)])
            )
            number += 1
            for before in drawn[depth - 1] if depth else [START]:
                start = f"{before}{depth - 1}" if depth else START
                graph.add_edge(start, f"{letter}{depth}")
    return graph.compile(checkpointer=saver)


def driven(flow: Any, given_: Any, random: Random) -> Any:
    run = run_of(flow, Arguments(config=CONFIG, durability="sync"), None)
    return Shuffled(run, execute(run, given_), random).drive()


def told(flow: Any) -> list[Any]:
    """The history without its ids."""
    found = flow.get_state_history(CONFIG)
    return [(s.metadata["step"], s.metadata["source"], s.values, s.next) for s in found]


@pytest.mark.rule("R3.8", "R3.9", "RA.18")
@settings(max_examples=40, deadline=None)
@given(
    layers, st.lists(st.integers(0, 2), min_size=1), st.randoms(use_true_random=False)
)
def test_the_order_in_which_tasks_end_changes_nothing(
    drawn: Any, sends: list[int], random: Random
) -> None:
    plain = layered(drawn, sends, set(), InMemorySaver())
    plain.invoke({"log": []}, CONFIG)

    shuffled = layered(drawn, sends, set(), InMemorySaver())
    driven(shuffled, {"log": []}, random)

    assert told(shuffled) == told(plain)


@pytest.mark.rule("R3.8", "R3.13", "R4.6")
@settings(max_examples=40, deadline=None)
@given(
    layers,
    st.lists(st.integers(0, 2), min_size=1),
    st.sets(st.sampled_from("abcdefg"), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
)
def test_failures_on_the_way_change_nothing_either(
    drawn: Any, sends: list[int], fails: set[str], random: Random
) -> None:
    plain = layered(drawn, sends, set(), InMemorySaver())
    plain.invoke({"log": []}, CONFIG)

    shuffled = layered(drawn, sends, fails, InMemorySaver())
    given_: Any = {"log": []}
    while True:
        try:
            driven(shuffled, given_, random)
            break
        except ConnectionResetError:
            given_ = None

    assert told(shuffled) == told(plain)


def asking_chain(saver: Any) -> Any:
    def asks(state: Any) -> Any:
        return {"log": [interrupt("q")]}

    graph = StateGraph(S)
    graph.add_sequence(
        [("x", lambda s: {"log": ["x"]}), ("ask", asks), ("y", lambda s: {"last": "y"})]
    )
    return graph.add_edge(START, "x").compile(checkpointer=saver)


def kept(saver: Any) -> dict[str, Any]:
    """Everything that is saved, by the id of its checkpoint."""
    return {
        each.checkpoint["id"]: (
            each.checkpoint,
            each.metadata,
            each.parent_config,
            each.pending_writes,
        )
        for each in saver.list(CONFIG)
    }


ACTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "replay": lambda flow, config: flow.invoke(None, config),
    "input": lambda flow, config: flow.invoke({"log": ["new"]}, config),
    "answer": lambda flow, config: flow.invoke(Command(resume="other"), config),
    "update": lambda flow, config: flow.update_state(config, {"log": ["edit"]}),
    "copy": lambda flow, config: flow.update_state(config, None, as_node="__copy__"),
}


@pytest.mark.rule("R6.12", "R6.13", "R6.15", "R6.16")
@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(1, 50)),
        min_size=1,
        max_size=4,
    )
)
def test_a_fork_leaves_where_it_came_from_unchanged(actions: Any) -> None:
    saver = InMemorySaver()
    flow = asking_chain(saver)
    flow.invoke({"log": []}, CONFIG)
    flow.invoke(Command(resume="first"), CONFIG)

    for action, number in actions:
        before = kept(saver)
        # The head may go on where it is; every older checkpoint is forked.
        old = sorted(before)[:-1][number % (len(before) - 1)]
        config = {"configurable": {"thread_id": "t", "checkpoint_id": old}}
        with suppress(RuntimeError):  # nothing to answer there
            ACTIONS[action](flow, config)

        after = kept(saver)
        assert {id: after[id] for id in before} == before
        assert all(id > max(before) for id in after if id not in before)
