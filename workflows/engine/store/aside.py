"""A store that is read, and whose writes are kept aside: nothing reaches what is behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workflows.engine import ids
from workflows.engine.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Namespace,
    Op,
    PutOp,
    Result,
    SearchOp,
)


class AsideStore(BaseStore):
    """Reads come from `inner`, without moving a ttl; an item that was put here is got from here.

    A search and a list of namespaces see what `inner` holds and nothing of what was put here.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.supports_ttl = getattr(inner, "supports_ttl", False)
        config = getattr(inner, "ttl_config", None) or {}
        self.ttl_config = {**config, "refresh_on_read": False}
        self._put: dict[tuple[Namespace, str], Item | None] = {}

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Read, and keep aside what would be written."""
        asked = [*ops]
        return self._answers(asked, iter(self.inner.batch(self._reads(asked))))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Async twin of `batch`."""
        asked = [*ops]
        return self._answers(asked, iter(await self.inner.abatch(self._reads(asked))))

    def _reads(self, ops: list[Op]) -> list[Op]:
        found: list[Op] = []
        for op in ops:
            if isinstance(op, GetOp | SearchOp):
                found.append(op._replace(refresh_ttl=False))
            elif isinstance(op, ListNamespacesOp):
                found.append(op)
        return found

    def _answers(self, ops: list[Op], read: Any) -> list[Result]:
        found: list[Result] = []
        for op in ops:
            if isinstance(op, PutOp):
                found.append(None)
                continue
            answer = next(read)
            if isinstance(op, GetOp):
                answer = self._put.get((tuple(op.namespace), op.key), answer)
            found.append(answer)
        for op in ops:
            if isinstance(op, PutOp):
                self._keep(tuple(op.namespace), op.key, op.value)
        return found

    def _keep(
        self, namespace: Namespace, key: str, value: Mapping[str, Any] | None
    ) -> None:
        now = ids.now()
        self._put[namespace, key] = (
            None
            if value is None
            else Item(
                value=dict(value),
                key=key,
                namespace=namespace,
                created_at=now,
                updated_at=now,
            )
        )
