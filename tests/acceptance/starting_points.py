"""`python -m tests.acceptance.starting_points FOLDER`: stop programs in every place, then go on.

Each case lives in two processes of its own, forked from this one: the first is stopped in the
named place by an exception, by SIGKILL, by a question, a sleep, a signal, an event or a child, the second goes on. Prints, as
JSON, what each of the two has called and what came out.
"""

from __future__ import annotations

import json
import operator
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

import django

django.setup()

from durableweb.checkpoint.django import DjangoSaver  # noqa: E402
from durableweb.durable import start_child  # noqa: E402
from durableweb.func import entrypoint, task  # noqa: E402
from durableweb.graph import START, StateGraph  # noqa: E402
from durableweb.register import register  # noqa: E402
from durableweb.types import Command, interrupt, sleep, wait_event, wait_signal  # noqa: E402
from workflows.engine import sleeping  # noqa: E402
from workflows.models import Run  # noqa: E402
from workflows.services.ends import ending_of  # noqa: E402
from workflows.services.execute_run import execute_run  # noqa: E402

NAP = 0.2


class Stopped(Exception):
    """Raised on purpose."""


class S(TypedDict, total=False):
    log: Annotated[list, operator.add]


class Life:
    """One process: it notes on disk what it calls, and stops where it is told to."""

    def __init__(self, path: Path, way: str, number: int) -> None:
        self.path, self.way, self.number = path, way, number

    def did(self, name: str) -> str:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        return name

    def says(self, name: str) -> Callable[[Any], Any]:
        return lambda state: {"log": [self.did(name)]}

    def stop(self) -> None:
        """In the first life, end here; what is waited for is waited for in the second life as well."""
        if self.way == "question":
            interrupt("go on?")
        elif self.way == "sleep":
            sleep(NAP)
        elif self.way == "signal":
            wait_signal("go on")
        elif self.way == "event":
            wait_event("go on")
        elif self.way == "child":
            start_child("child", self.path.name).result()
        elif self.number == 1 and self.way == "exception":
            raise Stopped
        elif self.number == 1 and self.way == "kill":
            os.kill(os.getpid(), signal.SIGKILL)

    def small_task(self, name: str) -> Any:
        @task(name=name)
        def small() -> str:
            return self.did(name)

        return small

    def stopping_node(self, name: str) -> Callable[[Any], Any]:
        """A node that finishes a task and stops after it."""

        def node(state: Any) -> Any:
            self.did(name)
            got = self.small_task(f"{name}'s task")().result()
            self.stop()
            return {"log": [got, name]}

        return node


def graph(*edges: tuple[Any, str], **nodes: Any) -> StateGraph:
    built = StateGraph(S)
    for name, node in nodes.items():
        built.add_node(name, node)
    for start, end in edges:
        built.add_edge(start, end)
    return built


def node_of_a_graph(life: Life, saver: Any) -> Any:
    def route(state: Any) -> str:
        life.did("branch")
        return "after"

    edges = [(START, "before"), ("before", "beside"), ("before", "node")]
    names = {name: life.says(name) for name in ("before", "beside", "after")}
    built = graph(*edges, **names, node=life.stopping_node("node"))
    built.add_conditional_edges("node", route, ["after"])
    return built.compile(checkpointer=saver)


def inner(life: Life) -> Any:
    edges = [(START, "first"), ("first", "second")]
    nodes = {"first": life.says("first"), "second": life.stopping_node("second")}
    return graph(*edges, **nodes).compile()


def subgraph_called_in_a_node(life: Life, saver: Any) -> Any:
    below = inner(life)

    def parent(state: Any) -> Any:
        life.did("parent")
        return {"log": below.invoke({"log": []})["log"]}

    edges = [(START, "before"), ("before", "parent"), ("parent", "after")]
    nodes = {"before": life.says("before"), "after": life.says("after")}
    return graph(*edges, **nodes, parent=parent).compile(checkpointer=saver)


def subgraph_added_as_a_node(life: Life, saver: Any) -> Any:
    edges = [(START, "before"), ("before", "sub"), ("sub", "after")]
    nodes = {"before": life.says("before"), "after": life.says("after")}
    return graph(*edges, **nodes, sub=inner(life)).compile(checkpointer=saver)


def body_of_an_entrypoint(life: Life, saver: Any) -> Any:
    @entrypoint(checkpointer=saver)
    def flow(given: Any) -> Any:
        life.did("body")
        one = life.small_task("one")().result()
        life.stop()
        return {"log": [one, life.small_task("two")().result()]}

    return flow


def task_of_an_entrypoint(life: Life, saver: Any) -> Any:
    @task
    def stopping() -> str:
        life.did("stopping")
        life.stop()
        return "stopped"

    @entrypoint(checkpointer=saver)
    def flow(given: Any) -> Any:
        life.did("body")
        beside = life.small_task("beside")().result()
        return {"log": [beside, stopping().result()]}

    return flow


def branch_of_a_node(life: Life, saver: Any) -> Any:
    def route(state: Any) -> str:
        life.did("branch")
        life.stop()
        return "after"

    edges = [(START, "before"), ("before", "node")]
    names = {name: life.says(name) for name in ("before", "node", "after")}
    built = graph(*edges, **names).add_conditional_edges("node", route, ["after"])
    return built.compile(checkpointer=saver)


def static_breakpoint(life: Life, saver: Any) -> Any:
    edges = [(START, "before"), ("before", "after")]
    nodes = {"before": life.says("before"), "after": life.says("after")}
    built = graph(*edges, **nodes)
    return built.compile(checkpointer=saver, interrupt_before=["after"])


PLACES = [
    node_of_a_graph,
    subgraph_called_in_a_node,
    subgraph_added_as_a_node,
    body_of_an_entrypoint,
    task_of_an_entrypoint,
    branch_of_a_node,
]
WAYS = ["exception", "kill", "question", "sleep", "signal", "event", "child"]


@entrypoint()
def child(given: str) -> str:
    return "yes"


register(child, name="child", hidden=True)


def awaited_end(flow: Any, config: Any) -> dict[str, Any]:
    """How the one child has ended that was started, by the id of the wait."""
    (run,) = Run.objects.filter(graph="child", status="pending")
    execute_run(run.pk)
    (wait_id,) = awaited(flow, config)
    return {wait_id: ending_of("default", run.thread_id)}


def awaited(flow: Any, config: Any) -> list[str]:
    """The ids of the waits for signals, events and children."""
    return [each.id for task in flow.get_state(config).tasks for each in task.waits]


def in_a_process(act: Callable[[], Any], answer: Path) -> int:
    """Run `act` in a fork of this process; returns the signal that ended it, or 0."""
    pid = os.fork()
    if pid == 0:
        try:
            answer.write_text(json.dumps(act()), encoding="utf-8")
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] & 0x7F


def lived(build: Any, way: str, folder: Path) -> dict[str, Any]:
    """Both lives of one case."""
    name = f"{build.__name__}-{way}"
    config = {"configurable": {"thread_id": name}, "max_concurrency": 1}
    found: dict[str, Any] = {}
    for number, key in enumerate(("first", "second"), start=1):
        calls, out = folder / f"{name}.{key}", folder / f"{name}.{key}.out"
        calls.touch()
        life = Life(calls, way, number)

        def act(life: Life = life) -> Any:
            flow = build(life, DjangoSaver())
            given: Any = {"log": []} if life.number == 1 else None
            if life.number == 2 and way == "question":
                given = Command(resume="yes")
            if life.number == 2 and way == "sleep":
                time.sleep(NAP)
            if life.number == 2 and way in ("signal", "event"):
                given = Command(resume=dict.fromkeys(awaited(flow, config), "yes"))
            if life.number == 2 and way == "child":
                given = Command(resume=awaited_end(flow, config))
            try:
                result = flow.invoke(given, config, durability="sync")
            except Stopped:
                return "raised"
            if any(task.sleeps for task in flow.get_state(config).tasks):
                return "slept"
            if awaited(flow, config):
                return "waited"
            return "asked" if "__interrupt__" in (result or ()) else result

        ended_by = in_a_process(act, out)
        found[key] = calls.read_text(encoding="utf-8").split("\n")[:-1]
        found[f"{key} ends"] = (
            "killed" if ended_by == signal.SIGKILL else json.loads(out.read_text())
        )
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    sleeping.IN_PLACE = 0.0
    cases = [(place, way) for place in PLACES for way in WAYS]
    found = {
        f"{place.__name__} {way}": lived(place, way, folder)
        for place, way in [*cases, (static_breakpoint, "stop")]
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
