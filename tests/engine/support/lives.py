"""Run a sample over several lives of a process on one saver, and tell what was saved."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import RecordedTaskError
from durableweb.types import Command
from tests.programs.sample import Life, PlannedFailure, Sample, World
from workflows.engine import ids
from workflows.engine.constants import CALL, ERROR, GOTO, INTERRUPT, RESUME, RUNS, UNDO
from workflows.engine.drivers.threads import pool

NOT_RESULTS = {CALL, ERROR, GOTO, INTERRUPT, RESUME, RUNS, UNDO}
TURNS = 60


class WatchedSaver(InMemorySaver):
    """Remembers what was saved as results, as one long text."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[str] = []

    def commit(self, commit: Any) -> None:
        super().commit(commit)
        for task in commit.writes:
            self.saved += [repr(v) for c, v in task.writes if c not in NOT_RESULTS]
        if commit.checkpoint is not None:
            self.saved.append(repr(commit.checkpoint["channel_values"]))

    async def acommit(self, commit: Any) -> None:
        self.commit(commit)

    def holds(self, unit: str) -> bool:
        return any(f"<{unit}>" in text for text in self.saved)

    def break_leases(self) -> None:
        """What a supervisor does for a process that is dead."""
        self.__dict__.get("_live", {}).clear()


class Story:
    """One sample on one saver, through as many lives as it takes."""

    def __init__(self, sample: Sample, driver: str, loop: asyncio.Runner) -> None:
        self.sample = sample
        self.driver = driver
        self.loop = loop
        self.saver = WatchedSaver()
        self.world = World()
        self.config = {"configurable": {"thread_id": "t"}}
        self.lives: list[Life] = []
        self.ahead = 0.0

    def live(self) -> Any:
        """One process: begin or go on, answer what is asked, until nothing is due.

        Who sleeps is not waited for: the clock goes ahead. Who waits for a signal is sent its answer.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ids, "clock", lambda: time.time() + self.ahead)
            if hasattr(self.saver, "now"):  # a database has a clock of its own
                patch.setattr(self.saver, "now", ids.now)
            return self._live()

    def _live(self) -> Any:
        life = Life(self.world)
        self.lives.append(life)
        graph = self.sample.build(life, self.saver)
        turn = self._next_turn(graph)
        out = None
        for _ in range(TURNS):
            if turn is None:
                return out if out is not None else self._end(graph)
            try:
                out = self._invoke(graph, turn[0])
            except (PlannedFailure, RecordedTaskError):
                out = None
            turn = self._next_turn(graph)
        raise AssertionError(f"{self.sample.name} does not end: {turn}")

    def _end(self, graph: Any) -> Any:
        """What the thread gives that has ended: its values, or what it has failed with."""
        try:
            return self._invoke(graph, None)
        except RecordedTaskError as error:
            return str(error)

    def _next_turn(self, graph: Any) -> tuple[Any] | None:
        """The next input in a tuple, or None when the thread is finished."""
        if self.saver.get_tuple(self.config) is None:
            return (self.sample.given,)
        found = self._get_state(graph)
        known = self.sample.answers
        asked = [
            each
            for each in found.interrupts
            if each.until is None or each.value in known
        ]
        if asked:
            chosen = asked[:1] if self.sample.one_by_one else asked
            answers = {each.id: self.sample.answers[each.value] for each in chosen}
            return (Command(resume=answers),)
        waits = [each for task in found.tasks for each in (*task.sleeps, *task.waits)]
        sent = {each.id: known[each.topic] for each in waits if each.topic in known}
        waits += [each for each in found.interrupts if each.until is not None]
        if sent:
            return (Command(resume=sent),)
        if waits:
            first = min(each.until for each in waits if each.until is not None)
            self.ahead += max(0.0, (first - ids.now()).total_seconds())
        return (None,) if found.next else None

    def _invoke(self, graph: Any, given: Any) -> Any:
        if self.driver == "blocking":
            return graph.invoke(given, self.config)
        return self.loop.run(graph.ainvoke(given, self.config))

    def _get_state(self, graph: Any) -> Any:
        if self.driver == "blocking":
            return graph.get_state(self.config)
        return self.loop.run(graph.aget_state(self.config))

    def calls(self) -> Counter[str]:
        """How often each unit ran, over all lives."""
        return sum((life.calls for life in self.lives), Counter())

    def look_back_and_edit(self) -> None:
        """The requests that only readers and editors make."""
        life = Life(self.world)
        graph = self.sample.build(life, self.saver)
        name = self._last_node(graph)
        update = {} if graph.builder is not None else "edited"
        if self.driver == "blocking":
            list(graph.get_state_history(self.config))
            graph.update_state(self.config, update, as_node=name)
        else:
            self.loop.run(graph.aupdate_state(self.config, update, as_node=name))

    def watch(self) -> None:
        """One more run, streamed."""
        graph = self.sample.build(Life(self.world), self.saver)
        for _ in graph.stream(self.sample.given, self.config, stream_mode="values"):
            break

    def _last_node(self, graph: Any) -> str:
        root = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        found = self.saver.list(root)
        due = [
            item["node"] for each in found for item in each.checkpoint.get("due", ())
        ]
        return next(name for name in due if not name.startswith("__"))


def wait_for_threads(seconds: float = 5.0) -> None:
    """Until no task of a killed run is at work any more."""
    pool.rest(seconds)
