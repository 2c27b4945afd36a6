"""What reaches the saver, and in which order; savers written in the field's own form."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.checkpoint.base import BaseCheckpointSaver
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START
from durableweb.types import Command, interrupt
from tests.programs.flows import build
from tests.programs.sample import Life, World

CONFIG = {"configurable": {"thread_id": "t"}}


class Listening(InMemorySaver):
    """Notes each commit: whose writes, and which step's checkpoint."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self.heard = heard

    def commit(self, commit: Any) -> None:
        super().commit(commit)
        self.heard += [f"writes {task.name}" for task in commit.writes]
        if commit.checkpoint is not None:
            self.heard.append(f"put {commit.metadata['step']}")


class Foreign(BaseCheckpointSaver):
    """The field's methods only, handed on to a saver of ours; no `task_path`."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = InMemorySaver()
        self.heard: list[str] = []

    def get_tuple(self, config: Any) -> Any:
        return self.kept.get_tuple(config)

    def list(self, config: Any, **options: Any) -> Any:
        return self.kept.list(config, **options)

    def put(
        self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any
    ) -> Any:
        self.heard.append("put")
        return self.kept.put(config, checkpoint, metadata, new_versions)

    def put_writes(  # type: ignore[override]  # as older savers of the field have it
        self, config: Any, writes: Any, task_id: str
    ) -> None:
        self.heard.append("put_writes")
        self.kept.put_writes(config, writes, task_id)

    def delete_thread(self, thread_id: str) -> None:
        self.kept.delete_thread(thread_id)


def test_a_chain_is_saved_step_by_step() -> None:
    heard: list[str] = []
    saver = Listening(heard)

    def runs(name: str) -> Any:
        def node(state: Any) -> Any:
            heard.append(f"RUN {name}")
            return {"log": [name]}

        return node

    graph = build(
        Life(World()), "a b", (START, "a"), ("a", "b"), a=runs("a"), b=runs("b")
    )
    graph.compile(checkpointer=saver).invoke({"log": []}, CONFIG, durability="sync")

    order = [each for each in heard if "__start__" not in each]
    assert order == [
        "put -1",
        "put 0",
        "RUN a",
        "writes a",
        "put 1",
        "RUN b",
        "writes b",
        "put 2",
    ]


def test_a_lone_task_is_one_commit_with_its_checkpoint() -> None:
    commits: list[Any] = []

    class Counting(InMemorySaver):
        def commit(self, commit: Any) -> None:
            super().commit(commit)
            commits.append(commit)

    graph = build(Life(World()), "a b", (START, "a"), ("a", "b"))
    graph.compile(checkpointer=Counting()).invoke({"log": []}, CONFIG)

    of_a = [c for c in commits if any(task.name == "a" for task in c.writes)]
    assert len(of_a) == 1
    assert of_a[0].checkpoint is not None
    assert of_a[0].metadata["step"] == 1


@pytest.mark.parametrize("driver", ["blocking", "async"])
def test_a_saver_in_the_fields_form_is_enough(driver: str) -> None:
    import asyncio

    saver = Foreign()

    def ask(state: Any) -> Any:
        return {"log": [interrupt("q")]}

    graph = build(Life(World()), "x ask", (START, "x"), ("x", "ask"), ask=ask)
    flow = graph.compile(checkpointer=saver)

    def run(given: Any) -> Any:
        if driver == "blocking":
            return flow.invoke(given, CONFIG)
        return asyncio.run(flow.ainvoke(given, CONFIG))

    run({"log": []})
    out = run(Command(resume="r"))

    assert out == {"log": ["<x>", "r"]}
    assert {"put", "put_writes"} <= set(saver.heard)


def test_an_error_of_get_next_version_ends_the_run() -> None:
    class Broken(InMemorySaver):
        def get_next_version(self, current: Any, channel: Any) -> Any:
            raise OSError("no version today")

    flow = build(Life(World()), "a", (START, "a")).compile(checkpointer=Broken())

    with pytest.raises(OSError, match="no version today"):
        flow.invoke({"log": []}, CONFIG)
