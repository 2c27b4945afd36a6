"""What a body gets from its record when it runs again: R4.11 to R4.19."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import NonDeterminismError
from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.graph.message import HumanMessage, add_messages
from durableweb.types import Command, interrupt
from tests.engine.support.notes import Notes, settings
from tests.programs.flows import build
from tests.programs.sample import Life, World


@pytest.fixture
def notes() -> Notes:
    return Notes()


def tasks(notes: Notes) -> tuple[Any, Any]:
    @task
    def t1(n: int) -> str:
        notes.calls.append(f"t1({n})")
        return f"one {n}"

    @task
    def t2(n: int) -> str:
        notes.calls.append(f"t2({n})")
        return f"two {n}"

    return t1, t2


def resumed(
    notes: Notes, second: Callable[[Any, Any], Any], determinism: str
) -> tuple[Any, list[str]]:
    """A body that calls `t1(1), t2(2)`, then on replay what `second` does."""
    t1, t2 = tasks(notes)
    lives: list[int] = []

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        lives.append(1)
        if len(lives) == 1:
            t1(1).result(), t2(2).result()
            interrupt("q")
        found = second(t1, t2)
        return [each.result() for each in found]

    config = settings(determinism=determinism)
    flow.invoke(1, config)
    notes.calls.clear()
    return flow.invoke(Command(resume="r"), config), notes.calls


def other_arguments(t1: Any, t2: Any) -> Any:
    return t1(100), t2(200)


def other_order(t1: Any, t2: Any) -> Any:
    return t2(2), t1(1)


def one_inserted_before(t1: Any, t2: Any) -> Any:
    return t1(0), t1(1), t2(2)


def one_left_out(t1: Any, t2: Any) -> Any:
    return (t2(2),)


@pytest.mark.rule("R4.12", "R4.13", "R4.14")
@pytest.mark.parametrize(
    ("second", "result", "called"),
    [
        (other_arguments, ["one 1", "two 2"], []),
        (other_order, ["two 2", "one 1"], []),
        (one_inserted_before, ["one 1", "one 1", "two 2"], ["t1(1)"]),
        (one_left_out, ["two 2"], []),
    ],
)
@pytest.mark.parametrize("determinism", ["error", "warn", "off"])
def test_calls_are_found_by_name_and_how_many_th(
    notes: Notes,
    second: Any,
    result: list[str],
    called: list[str],
    determinism: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if determinism == "error" and second is not other_order:
        with pytest.raises(NonDeterminismError):
            resumed(notes, second, determinism)
        return

    assert resumed(notes, second, determinism) == (result, called)
    assert bool(caplog.records) == (determinism == "warn" and second is not other_order)


@pytest.mark.rule("R4.14", "R5.6", "RA.21")
@pytest.mark.parametrize("name", ["determinism", "question_changed"])
def test_a_setting_that_is_misspelt_is_refused(name: str) -> None:
    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        return given

    with pytest.raises(ValueError, match=f"'{name}'.*'wran'"):
        flow.invoke(1, settings(**{name: "wran"}))


@pytest.mark.rule("R4.14")
def test_arguments_that_do_not_serialize_are_not_compared(notes: Notes) -> None:
    @task
    def call(what: Any) -> int:
        notes.calls.append("call")
        return 1

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        return [call(object()).result(), interrupt("q")]

    flow.invoke(1, settings())

    assert flow.invoke(Command(resume="r"), settings()) == [1, "r"]
    assert notes.times("call") == 1


class Order(BaseModel):
    name: str
    amount: int = 1


@pytest.mark.rule("R4.14")
def test_a_model_counts_by_its_values_not_by_which_fields_were_set(
    notes: Notes,
) -> None:
    lives: list[int] = []

    @task
    def book(order: Order) -> int:
        notes.calls.append("book")
        return order.amount

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        lives.append(1)
        plain = Order(name="a")
        order = plain if len(lives) == 1 else Order(name="a", amount=1)
        return [book(order).result(), interrupt("q")]

    flow.invoke(1, settings())

    assert flow.invoke(Command(resume="r"), settings()) == [1, "r"]
    assert notes.times("book") == 1


@pytest.mark.rule("R4.14")
def test_ids_that_the_engine_gave_to_messages_are_not_compared(notes: Notes) -> None:
    @task
    def send(messages: Any) -> int:
        notes.calls.append("send")
        return len(messages)

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        messages = add_messages([], [HumanMessage("hello")])
        return [send(messages).result(), interrupt("q")]

    flow.invoke(1, settings())

    assert flow.invoke(Command(resume="r"), settings()) == [1, "r"]
    assert notes.times("send") == 1


@pytest.mark.rule("R4.14", "R5.21")
def test_after_an_edit_with_the_answer_other_arguments_only_warn(
    notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    @task
    def price(n: int) -> int:
        notes.calls.append(f"price {n}")
        return n * 10

    def node(state: Any) -> Any:
        found = price(state.get("a", 1)).result()
        return {"log": [found, interrupt("q")]}

    graph = build(Life(World()), "n", (START, "n"), n=node)
    flow = graph.compile(checkpointer=InMemorySaver())
    flow.invoke({"log": [], "a": 1}, settings())

    out = flow.invoke(Command(resume="r", update={"a": 2}), settings())

    assert out["log"] == [10, "r"]
    assert notes.calls == ["price 1"]
    assert "'price'" in caplog.text


@pytest.mark.rule("R4.15")
def test_calls_are_counted_when_they_are_made_not_when_they_end(notes: Notes) -> None:
    gates = [asyncio.Event() for _ in range(3)]

    @task
    async def part(n: int) -> str:
        notes.calls.append(n)
        if n < 2:
            await gates[n + 1].wait()
        gates[n].set()
        return f"part {n}"

    @entrypoint(checkpointer=InMemorySaver())
    async def flow(given: Any) -> Any:
        found = await asyncio.gather(*(part(n) for n in range(3)))
        return [*found, interrupt("q")]

    async def both() -> Any:
        await flow.ainvoke(1, settings())
        return await flow.ainvoke(Command(resume="r"), settings())

    assert asyncio.run(both()) == ["part 0", "part 1", "part 2", "r"]
    assert notes.calls == [0, 1, 2]


@pytest.mark.rule("R4.15")
def test_counting_starts_at_each_parent(notes: Notes) -> None:
    @task
    def small(n: int) -> int:
        notes.calls.append(n)
        return n

    @task
    def outer(n: int) -> Any:
        found = small(n).result()
        return [found, interrupt(f"q{n}")] if n == 2 else [found]

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        return [outer(1).result(), outer(2).result(), small(3).result()]

    flow.invoke(1, settings())

    assert flow.invoke(Command(resume="r"), settings()) == [[1], [2, "r"], 3]
    assert notes.calls == [1, 2, 3]


@pytest.mark.rule("R4.11")
def test_a_new_checkpoint_means_new_ids_and_nothing_recorded_is_used(
    notes: Notes,
) -> None:
    t1, _ = tasks(notes)

    def node(state: Any) -> Any:
        return {"log": [t1(1).result(), interrupt("q")]}

    saver = InMemorySaver()
    graph = build(Life(World()), "n", (START, "n"), n=node)
    flow = graph.compile(checkpointer=saver)
    flow.invoke({"log": []}, settings())
    before = flow.get_state(settings()).tasks[0].id
    flow.invoke(None, settings())
    same = flow.get_state(settings()).tasks[0].id
    assert notes.calls == ["t1(1)"]

    flow.update_state(settings(), {"log": ["edit"]}, as_node=START)
    flow.invoke(None, settings())

    assert same == before
    assert flow.get_state(settings()).tasks[0].id != before
    assert notes.calls == ["t1(1)", "t1(1)"]


@pytest.mark.rule("R4.18")
@pytest.mark.parametrize("value", [(1, (2,)), {1: "a"}, {1, 2}, 2**80, b"x"])
def test_a_value_read_back_is_equal_and_of_its_type(value: Any) -> None:
    seen: list[Any] = []

    @task
    def give() -> Any:
        return value

    @entrypoint(checkpointer=InMemorySaver())
    def flow(given: Any) -> Any:
        seen.append(give().result())
        return interrupt("q")

    flow.invoke(1, settings())
    flow.invoke(Command(resume="r"), settings())

    assert seen == [value, value]
    assert type(seen[1]) is type(value)
