"""Graphs of one node, on one thread, whose errors are read."""

from __future__ import annotations

from typing import Any

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START
from durableweb.types import interrupt
from tests.programs.flows import build
from tests.programs.sample import Life, World

CONFIG = {"configurable": {"thread_id": "the-thread"}}


def builder_of(node: Any, name: str = "the_node") -> Any:
    return build(Life(World()), name, (START, name), **{name: node})


def flow_of(node: Any) -> Any:
    return builder_of(node).compile(checkpointer=InMemorySaver())


def asks(state: Any) -> Any:
    return {"log": [interrupt("the question")]}
