"""Checkpoints written by hand, one after the other, to a saver under test."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from workflows.engine import ids
from workflows.engine.checkpoint.base import (
    Checkpoint,
    checkpoint_config,
)

_threads = itertools.count(1)


def checkpoint(
    values: dict[str, Any],
    versions: dict[str, Any] | None = None,
    after: str = "",
    due: list[dict[str, Any]] | None = None,
) -> Checkpoint:
    return {
        "v": 1,
        "id": ids.new_checkpoint_id(after),
        "ts": ids.now_text(),
        "channel_values": values,
        "channel_versions": versions or dict.fromkeys(values, 1),
        "versions_seen": {},
        "updated_channels": sorted(values),
        "due": due or [],
    }


def meta(step: int, source: str = "loop", **more: Any) -> dict[str, Any]:
    return {"source": source, "step": step, "parents": {}, **more}


class Chain:
    """Puts one checkpoint after another on a thread, as a run does."""

    def __init__(self, saver: Any, thread: str, namespace: str = "") -> None:
        self.saver, self.thread, self.namespace = saver, thread, namespace
        self.config = checkpoint_config(thread, namespace)
        self.versions: dict[str, int] = {}
        self.step = -1

    @property
    def head(self) -> str:
        return str(self.config["configurable"].get("checkpoint_id", ""))

    def put(self, values: dict[str, Any], changed: list[str], **metadata: Any) -> Any:
        for channel in changed:
            self.versions[channel] = self.versions.get(channel, 0) + 1
        saved = checkpoint(values, dict(self.versions), self.head)
        new = {channel: self.versions[channel] for channel in changed}
        self.config = self.saver.put(
            self.config, saved, meta(self.step, **metadata), new
        )
        self.step += 1
        return self.config


class OnChains:
    """A test class with a thread and a chain on it; it needs a fixture `saver`."""

    @pytest.fixture
    def thread(self) -> str:
        return f"thread-{next(_threads)}"

    @pytest.fixture
    def chain(self, saver, thread) -> Chain:
        return Chain(saver, thread)

    # reading and writing
