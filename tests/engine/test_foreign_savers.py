"""The samples of the kill test live the same life on a saver of the author's own (R6.17)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from typing import Any

import pytest

from durableweb.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from tests.engine.support.lives import Story
from tests.programs import all_samples
from tests.programs.sample import Sample
from workflows.engine.drivers import aio

pytestmark = pytest.mark.rule("R6.17")

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class Overriding(InMemorySaver):
    """Overrides the field's methods, each by a call of the one below; counts what it is given to keep."""

    heard = 0

    def get_tuple(self, config: Any) -> Any:
        return super().get_tuple(config)

    def list(self, config: Any, **options: Any) -> Any:
        yield from super().list(config, **options)

    def put(self, *given: Any) -> Any:
        self.heard += 1
        return super().put(*given)

    def put_writes(
        self, config: Any, writes: Any, task_id: str, task_path: str = ""
    ) -> None:
        self.heard += 1
        super().put_writes(config, writes, task_id, task_path)


class OverridingAsync(InMemorySaver):
    """The same for the async methods alone."""

    heard = 0

    async def aget_tuple(self, config: Any) -> Any:
        return await super().aget_tuple(config)

    async def alist(self, config: Any, **options: Any) -> Any:
        async for each in super().alist(config, **options):
            yield each

    async def aput(self, *given: Any) -> Any:
        self.heard += 1
        return await super().aput(*given)

    async def aput_writes(
        self, config: Any, writes: Any, task_id: str, task_path: str = ""
    ) -> None:
        self.heard += 1
        await super().aput_writes(config, writes, task_id, task_path)


class Foreign(BaseCheckpointSaver):
    """Written from the base class alone; keeps what it is given in the field's form, no more."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = InMemorySaver()
        self.heard = 0

    def get_tuple(self, config: Any) -> Any:
        found = self.kept.get_tuple(config)
        return found and CheckpointTuple(*found)

    def list(self, config: Any, **options: Any) -> Any:
        for each in self.kept.list(config, **options):
            yield CheckpointTuple(*each)

    def put(
        self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any
    ) -> Any:
        self.heard += 1
        plain: Any = copy.deepcopy(dict(checkpoint))
        told: Any = dict(metadata)
        return self.kept.put(config, plain, told, dict(new_versions))

    def put_writes(
        self, config: Any, writes: Any, task_id: str, task_path: str = ""
    ) -> None:
        self.heard += 1
        self.kept.put_writes(config, [*writes], task_id, task_path)

    def put_attributes(self, thread_id: str, change: Any) -> None:
        self.kept.put_attributes(thread_id, dict(change))

    def attributes_of(self, thread_id: str) -> Any:
        return self.kept.attributes_of(thread_id)


CASES = [
    pytest.param(sample, driver, saver, id=f"{sample.name}-{driver}-{saver.__name__}")
    for sample in all_samples().values()
    for driver in sample.drivers
    for saver in (Overriding if driver == "blocking" else OverridingAsync, Foreign)
]


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    monkeypatch.setattr(aio, "drive_plain", aio.drive)
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize(("sample", "driver", "saver"), CASES)
def test_a_sample_lives_the_same_life(
    sample: Sample, driver: str, saver: Any, loop: asyncio.Runner
) -> None:
    usual, own = Story(sample, driver, loop), Story(sample, driver, loop)
    own.saver = saver()

    assert own.live() == usual.live()
    assert own.calls() == usual.calls()
    assert own.saver.attributes_of("t") == usual.saver.attributes_of("t")
    usual.look_back_and_edit()
    own.look_back_and_edit()
    assert steps(own) == steps(usual)
    assert own.saver.heard > 0  # type: ignore[attr-defined]


def steps(story: Story) -> list[Any]:
    return [
        (
            found.config["configurable"]["checkpoint_ns"].split(":")[0],
            found.metadata["step"],
        )
        for found in sorted(
            story.saver.list(story.config), key=lambda one: one.checkpoint["id"]
        )
    ]


def test_upkeep_goes_through_what_is_overridden():
    gone = []

    class Noting(InMemorySaver):
        def delete_thread(self, thread_id: str) -> None:
            gone.append(thread_id)
            super().delete_thread(thread_id)

    saver = Noting()
    node = StateGraph(dict).add_node("n", lambda state: {}).add_edge(START, "n")
    node.compile(saver).invoke({}, CONFIG)
    saver.copy_thread("t", "u")
    saver.prune(["t"], strategy="delete")

    assert gone == ["t"]
    assert saver.get_tuple(CONFIG) is None
    assert len([*saver.list({"configurable": {"thread_id": "u"}})]) == 3


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        ("delete_thread", ("t",)),
        ("copy_thread", ("t", "u")),
        ("delete_for_runs", (["r"],)),
        ("prune", (["t"],)),
    ],
)
async def test_upkeep_that_a_saver_lacks_is_named(verb, given):
    says = rf"the saver Foreign has no {verb}\(\); define Foreign.{verb}\(\)"

    with pytest.raises(NotImplementedError, match=says):
        getattr(Foreign(), verb)(*given)
    with pytest.raises(NotImplementedError, match=says):
        await getattr(Foreign(), f"a{verb}")(*given)
