"""The types of chunks say what streams hand out: the same keys, with values of the kinds they tell."""

from __future__ import annotations

import operator
from contextlib import suppress
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypedDict,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pytest

from durableweb import types
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.config import get_stream_writer
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt

pytestmark = pytest.mark.rule("R9.3", "R9.5")
MODES: Any = [
    "values",
    "updates",
    "messages",
    "custom",
    "tasks",
    "checkpoints",
    "debug",
]


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    bad: bool


@task
def shout(text: str) -> str:
    return text.upper()


def tell(state: State) -> State:
    get_stream_writer()("a chunk")
    get_stream_writer().message("m1", "a word")
    return {"log": [shout("told").result()]}


def ask(state: State) -> State:
    return {"log": [interrupt("really?")]}


def fail(state: State) -> State:
    if state.get("bad"):
        raise ValueError("bad")
    return {"log": ["well"]}


def chunks() -> list[Any]:
    """Of a run that asks, is answered, fails and is tried again, with a graph below."""
    below = StateGraph(State).add_sequence([tell, ask]).add_edge(START, "tell")
    built = StateGraph(State).add_node("below", below.compile())
    built.add_node(fail, metadata={"kind": "fragile"})
    built.add_node("well", lambda state: {"log": ["well"]})
    built.add_edge(START, "below").add_edge("below", "well").add_edge("below", "fail")
    graph = built.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    found: list[Any] = []
    inputs: list[Any] = [{"log": [], "bad": True}, Command(resume="yes"), None]
    for given in inputs:
        chunks = graph.stream(
            given, config, stream_mode=MODES, subgraphs=True, version="v2"
        )
        with suppress(ValueError):
            found.extend(chunks)
    return found


def fits(value: Any, kind: Any) -> bool:
    """Say whether a value is what an annotation tells, its keys and all."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any or isinstance(kind, TypeVar):
        return True
    if origin in (Union, UnionType):
        return any(fits(value, each) for each in args)
    if origin is Literal:
        return value in args
    if is_typeddict(origin or kind):
        shape = origin or kind
        hints = get_type_hints(shape)
        return (
            isinstance(value, dict)
            and shape.__required_keys__ <= value.keys() <= hints.keys()
            and all(fits(item, hints[key]) for key, item in value.items())
        )
    if origin is tuple:
        every = args * len(value) if args[-1] is not ... else args[:1] * len(value)
        return isinstance(value, tuple) and all(
            fits(v, k) for v, k in zip(value, every, strict=False)
        )
    if origin is list:
        return isinstance(value, list) and all(fits(each, args[0]) for each in value)
    return isinstance(value, origin or kind or type(None))


@pytest.fixture(scope="module")
def seen() -> list[Any]:
    return chunks()


@pytest.mark.parametrize("mode", MODES)
def test_each_chunk_of_a_mode_is_of_the_type_of_that_mode(
    seen: list[Any], mode: str
) -> None:
    name = {"checkpoints": "Checkpoint"}.get(mode, mode.capitalize())
    part = getattr(types, f"{name}StreamPart")
    mine = [chunk for chunk in seen if chunk["type"] == mode]

    assert mine
    assert [chunk for chunk in mine if not fits(chunk, part)] == []
    assert all(fits(chunk, types.StreamPart) for chunk in mine)


def test_a_chunk_of_another_mode_does_not_fit(seen: list[Any]) -> None:
    tasks = [chunk for chunk in seen if chunk["type"] == "tasks"]

    assert not any(fits(chunk, types.UpdatesStreamPart) for chunk in tasks)
    assert not any(fits(chunk["data"], types.CheckpointPayload) for chunk in tasks)
    assert not any(fits(chunk["data"], types.DebugPayload) for chunk in tasks)


def test_every_key_that_a_type_names_is_in_some_chunk(seen: list[Any]) -> None:
    tasks = [chunk["data"] for chunk in seen if chunk["type"] == "tasks"]
    due = [
        each
        for chunk in seen
        if chunk["type"] == "checkpoints"
        for each in chunk["data"]["tasks"]
    ]
    kinds = {chunk["data"]["type"] for chunk in seen if chunk["type"] == "debug"}

    assert {k for chunk in tasks for k in chunk} == (
        types.TaskPayload.__required_keys__
        | types.TaskPayload.__optional_keys__
        | types.TaskResultPayload.__required_keys__
    )
    assert {k for each in due for k in each} == {
        *types.CheckpointTask.__required_keys__,
        *types.CheckpointTask.__optional_keys__,
    }
    assert kinds == {"checkpoint", "task", "task_result"}


def test_unions_take_the_state_and_the_output() -> None:
    part: Any = types.StreamPart
    kinds = get_args(part[State, int])

    assert types.ValuesStreamPart[int] in kinds
    assert types.CheckpointStreamPart[State] in kinds
    assert types.DebugStreamPart[State] in kinds
