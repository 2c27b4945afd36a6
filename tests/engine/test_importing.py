"""What the engine brings into a process, and what it leaves out until somebody uses it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from typing import TypedDict

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt


class State(TypedDict):
    n: int


def ask(state):
    return {"n": interrupt("how many?")}


def look(state):
    return None


graph = StateGraph(State).add_node(ask).add_node(look)
flow = graph.add_edge(START, "ask").add_edge(START, "look").compile(checkpointer=InMemorySaver())
config = {"configurable": {"thread_id": "t"}}
flow.invoke({"n": 0}, config)
assert flow.invoke(Command(resume=2), config) == {"n": 2}


@task
def double(n):
    return 2 * n


@entrypoint()
def doubled(numbers):
    return [each.result() for each in [double(n) for n in numbers]]


assert doubled.invoke([1, 2]) == [2, 4]
print(*[name for name in ("asyncio", "django", "langchain_core", "pydantic", "ssl") if name in sys.modules])
"""


def test_a_program_that_blocks_loads_neither_asyncio_nor_django() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
