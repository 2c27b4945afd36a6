"""A registered graph as this site runs it: with the database's saver, store and cache."""

from __future__ import annotations

from typing import Any

from workflows.storage.cache import DjangoCache
from workflows.storage.saver import DjangoSaver
from workflows.storage.store import DjangoStore


def bound(graph: Any, saver: DjangoSaver) -> Any:
    """A copy that keeps its checkpoints in `saver`.

    What threads share is in the saver's database too, unless the author compiled the graph
    with a store or a cache.
    """
    shared = {
        "store": DjangoStore(saver.using),
        "cache": DjangoCache(saver.using),
    }
    return graph.with_saver(saver).with_shared(**shared)
