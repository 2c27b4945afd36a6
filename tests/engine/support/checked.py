"""A story of a sample whose record is gone over after every call of its graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.engine.support.lives import Story
from tests.programs.sample import Life, World
from workflows.engine.drivers import attempt
from workflows.engine.replay import ReplayReport, areplay_check, replay_check


class CheckedStory(Story):
    """After every call the same code is checked against its record, whole and at its head."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.checks: list[ReplayReport] = []

    def _invoke(self, graph: Any, given: Any) -> Any:
        try:
            return super()._invoke(graph, given)
        finally:
            self.checks.append(self.check(history=True))
            self.check(history=False)

    def check(self, *, history: bool) -> ReplayReport:
        """Go over the record with a process of its own, whose world nobody else sees."""
        world = World()
        world.tries.update(self.world.tries)
        graph = self.sample.build(Life(world), self.saver)
        before = self.rows()
        with no_task_runs():
            if self.driver == "blocking":
                report = replay_check(graph, "t", history=history)
            else:
                report = self.loop.run(areplay_check(graph, "t", history=history))
        assert self.rows() == before
        return report

    def rows(self) -> Any:
        """All that the saver keeps, to be compared."""
        return repr([*self.saver.list(None)]), repr(self.saver.__dict__.get("_live"))


@contextmanager
def no_task_runs() -> Iterator[None]:
    """Fail the body that makes a `@task` run."""
    real = attempt.body

    def watched(task: Any, context: Any) -> Any:
        assert task.call is None, f"{task!r} was run"
        return real(task, context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempt, "body", watched)
        yield
