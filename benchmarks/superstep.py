"""What one superstep costs beside LangGraph: no saver, memory and SQLite, blocking and async.

A chain of nodes that each return one small update. Both savers commit every step before the
next begins ("sync"), SQLite in WAL with synchronous=FULL on the same disk.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from benchmarks._measure import Cost, header, pair, timed

STEPS = 50
CALLS = 4
_threads = itertools.count()


class State(TypedDict, total=False):
    n: int
    text: str


def chain(api: Any, saver: Any) -> Any:
    graph = api.StateGraph(State)
    before = api.START
    for number in range(STEPS):

        def node(state: State, number: int = number) -> dict[str, Any]:
            return {"n": number, "text": "x" * 40}

        graph.add_node(f"n{number}", node)
        graph.add_edge(before, f"n{number}")
        before = f"n{number}"
    return graph.compile(checkpointer=saver)


def blocking(graph: Any, more: dict[str, Any]) -> Callable[[], Cost]:
    def once() -> Cost:
        config = {
            "configurable": {"thread_id": f"t{next(_threads)}"},
            "recursion_limit": STEPS + 10,
        }
        return timed(lambda: run(graph, config, more), STEPS * CALLS)

    return once


def run(graph: Any, config: dict[str, Any], more: dict[str, Any]) -> None:
    """Several calls on one thread, so that one call's start weighs little."""
    for number in range(CALLS):
        graph.invoke({"n": number}, config, **more)


def asynchronous(graph: Any, more: dict[str, Any]) -> Callable[[], Cost]:
    def once() -> Cost:
        config = {
            "configurable": {"thread_id": f"t{next(_threads)}"},
            "recursion_limit": STEPS + 10,
        }

        async def run() -> None:
            for number in range(CALLS):
                await graph.ainvoke({"n": number}, config, **more)

        return timed(lambda: asyncio.run(run()), STEPS * CALLS)

    return once


def floor(folder: Path) -> float:
    """Microseconds of one bare insert and commit of the bytes of a step; the median."""
    bare = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE step (id INTEGER PRIMARY KEY, body TEXT)")

    def one() -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO step (body) VALUES (?)", ("x" * 600,))
        bare.execute("COMMIT")

    return statistics.median(timed(one, 1).wall for _ in range(100))


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="durableweb-bench-"))
    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'ours.sqlite3'}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "durableweb.settings"

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)

    import langgraph.graph as theirs
    from langgraph.checkpoint.memory import InMemorySaver as TheirMemory
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    import durableweb.graph as ours
    from durableweb.checkpoint.django import DjangoSaver
    from durableweb.checkpoint.memory import InMemorySaver

    sync = {"durability": "sync"}
    print(header())

    def show(name: str, mine: Callable[[], Cost], other: Callable[[], Cost]) -> None:
        print(pair(name, mine, other).text(), flush=True)

    show(
        "no saver, blocking",
        blocking(chain(ours, None), {}),
        blocking(chain(theirs, None), {}),
    )
    show(
        "no saver, async",
        asynchronous(chain(ours, None), {}),
        asynchronous(chain(theirs, None), {}),
    )
    show(
        "memory saver, blocking",
        blocking(chain(ours, InMemorySaver()), sync),
        blocking(chain(theirs, TheirMemory()), sync),
    )
    show(
        "memory saver, async",
        asynchronous(chain(ours, InMemorySaver()), sync),
        asynchronous(chain(theirs, TheirMemory()), sync),
    )
    path = str(folder / "theirs.sqlite3")
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    show(
        "SQLite, sync, blocking",
        blocking(chain(ours, DjangoSaver()), sync),
        blocking(chain(theirs, SqliteSaver(connection)), sync),
    )

    def their_async() -> Cost:
        async def run() -> None:
            async with AsyncSqliteSaver.from_conn_string(path) as saver:
                await saver.conn.execute("PRAGMA synchronous=FULL")
                graph = chain(theirs, saver)
                config = {
                    "configurable": {"thread_id": f"t{next(_threads)}"},
                    "recursion_limit": STEPS + 10,
                }
                for number in range(CALLS):
                    await graph.ainvoke({"n": number}, config, durability="sync")

        return timed(lambda: asyncio.run(run()), STEPS * CALLS)

    print(f"{'bare insert and commit':<26}{floor(folder):>11.1f}", flush=True)
    show(
        "SQLite, sync, async",
        asynchronous(chain(ours, DjangoSaver()), sync),
        their_async,
    )


if __name__ == "__main__":
    sys.exit(main())
