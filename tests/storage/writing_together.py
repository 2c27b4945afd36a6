"""A process of eight runs on one event loop, which save together until it is killed.

`python -m tests.storage.writing_together [file]`: on a file of its own, or on Django's
database. Prints a thread's name and the number of its step as each node begins.
"""

from __future__ import annotations

import asyncio
import operator
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, TypedDict

from durableweb.checkpoint.base import BaseCheckpointSaver
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.graph import START, StateGraph

NAMES = "abcdefgh"


class State(TypedDict, total=False):
    """How many steps there were, and a text a step."""

    n: int
    log: Annotated[list[str], operator.add]


async def work(state: State) -> State:
    sys.stdout.write(f"{state['log'][0]} {state['n']}\n")
    sys.stdout.flush()
    return {"n": state["n"] + 1, "log": [f"{state['n']:0200d}"]}


def graph_on(saver: Any) -> Any:
    graph = StateGraph(State).add_node("work", work).add_edge(START, "work")
    return graph.add_edge("work", "work").compile(saver)


async def write(saver: Any) -> None:
    """Run all eight, for as long as they are let."""
    graph = graph_on(saver)
    configs = [
        {"configurable": {"thread_id": name}, "recursion_limit": 10_000}
        for name in NAMES
    ]
    await asyncio.gather(
        *(
            graph.ainvoke({"n": 0, "log": [name]}, config)
            for name, config in zip(NAMES, configs, strict=True)
        )
    )


def told_before_it_was_killed(
    arguments: Sequence[str], lines: int, env: Mapping[str, str]
) -> list[list[str]]:
    """What a Python process has printed, a list of words a line, when it was killed after so many lines."""
    writer = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env={**env}
    )
    assert writer.stdout is not None
    told = [writer.stdout.readline().split() for _ in range(lines)]
    writer.kill()
    told += [line.split() for line in writer.stdout.read().splitlines() if " " in line]
    writer.wait(60)
    writer.stdout.close()
    return told


def check_each_is_whole(
    saver: BaseCheckpointSaver, told: Sequence[Sequence[str]]
) -> None:
    """A node begins when the step before it is on the disk, with however many others it went there."""
    begun = {name: int(number) for name, number in told if number}
    assert begun.keys() == {*NAMES}
    for name, number in begun.items():
        found = [*saver.list({"configurable": {"thread_id": name}})][::-1]
        values = [item.checkpoint["channel_values"] for item in found]
        assert [each["n"] for each in values[1:]] == [*range(len(found) - 1)]
        assert [len(each["log"]) for each in values[1:]] == [*range(1, len(found))]
        # The step whose node was told of may be saved already; that of the node after it not.
        assert number <= values[-1]["n"] <= number + 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with SqliteSaver.from_conn_string(sys.argv[1]) as made:
            asyncio.run(write(made))
    else:
        import_module("django").setup()
        made = import_module("durableweb.checkpoint.django").DjangoSaver()
        asyncio.run(write(made))
