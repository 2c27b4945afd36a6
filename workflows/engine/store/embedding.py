"""How a store's texts become vectors (R11.8), by what the author gives for it.

That is a function of a list of texts, blocking or a coroutine function, or an object with
LangChain's `embed_documents` and `embed_query`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from workflows.engine.kinds import check_count, refused, several
from workflows.engine.later import asyncio
from workflows.engine.store.base import Op, PutOp, SearchOp
from workflows.engine.store.meaning import Embedded, Vector
from workflows.engine.store.paths import WHOLE, Path, parsed, texts_at

_KEYS = frozenset({"dims", "embed", "fields"})
_EMBED = (
    "a function of a list of texts that returns a list of vectors, or an object with "
    "embed_documents and embed_query"
)


def index_of(config: Any, where: str) -> Index | None:
    """What a store was given as `index=`, or None for none. Raises TypeError and ValueError."""
    return Index(config, where) if config else None


class Index:
    """What a store was given as `index=`. `where` names the store in errors."""

    def __init__(self, config: Any, where: str) -> None:
        if not isinstance(config, Mapping):
            wanted = "a dict with dims, embed and fields, or None"
            raise refused(where, "index", config, wanted)
        unknown = sorted(str(key) for key in config if key not in _KEYS)
        if unknown:
            raise ValueError(
                f"{where}: index has no key {unknown[0]!r}; known: {', '.join(sorted(_KEYS))}"
            )
        self.where = where
        self.dims: int | None = config.get("dims")
        if self.dims is not None:
            check_count(self.dims, where, "index['dims']", 1)
        self._embedder = _embedder(config.get("embed"), where)
        fields = config.get("fields") or [WHOLE]
        wanted = "a list of paths such as ['title', 'notes[*].text'], or None"
        self._fields = _paths(several(fields, where, "index['fields']", wanted))

    def embed(self, ops: Sequence[Op]) -> Embedded:
        """The vectors that these operations need. What `embed` raises is raised."""
        wanted = _Wanted(ops, self._fields)
        texts = [*wanted.texts]
        found = self._embedder.documents(texts) if texts else []
        asked = [self._embedder.query(query) for query in wanted.queries]
        return self._made(wanted, found, asked)

    async def aembed(self, ops: Sequence[Op]) -> Embedded:
        """Async twin of `embed`."""
        wanted = _Wanted(ops, self._fields)
        texts = [*wanted.texts]
        found = await self._embedder.adocuments(texts) if texts else []
        asked = await asyncio.gather(*map(self._embedder.aquery, wanted.queries))
        return self._made(wanted, found, asked)

    def _made(self, wanted: _Wanted, found: Any, asked: Iterable[Any]) -> Embedded:
        vectors = [self._direction(each) for each in found]
        if len(vectors) != len(wanted.texts):
            raise ValueError(
                f"{self.where}: index['embed'] gave {len(vectors)} vectors for "
                f"{len(wanted.texts)} texts; give one for each"
            )
        queries = map(self._direction, asked)
        return Embedded(
            dict(zip(wanted.queries, queries, strict=True)),
            {
                number: tuple(vectors[place] for place in places)
                for number, places in wanted.puts.items()
            },
        )

    def _direction(self, vector: Any) -> Vector:
        numbers = [float(number) for number in vector]
        if self.dims is not None and len(numbers) != self.dims:
            raise ValueError(
                f"{self.where}: index['embed'] gave a vector of {len(numbers)} numbers; "
                f"index['dims'] is {self.dims}"
            )
        length = math.hypot(*numbers)
        if not math.isfinite(length):
            raise ValueError(
                f"{self.where}: index['embed'] gave a vector with a number that is not finite"
            )
        return tuple(number / length for number in numbers) if length else (*numbers,)


class _Wanted:
    """Which texts a batch wants as vectors; each is asked for once."""

    def __init__(self, ops: Sequence[Op], fields: Sequence[Path]) -> None:
        self.texts: dict[str, int] = {}  # and its place in what is asked for
        self.queries: dict[str, None] = {}
        self.puts: dict[int, list[int]] = {}
        for number, op in enumerate(ops):
            if isinstance(op, SearchOp) and op.query:
                self.queries[op.query] = None
            if isinstance(op, PutOp) and op.value is not None and op.index is not False:
                paths = fields if op.index is None else _paths(op.index)
                self.puts[number] = [
                    self.texts.setdefault(text, len(self.texts))
                    for path in paths
                    for text in texts_at(op.value, path)
                ]


class _FromObject:
    """LangChain's `Embeddings`, or what has its methods."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def documents(self, texts: list[str]) -> Any:
        return self._given.embed_documents(texts)

    def query(self, text: str) -> Any:
        return self._given.embed_query(text)

    async def adocuments(self, texts: list[str]) -> Any:
        if hasattr(self._given, "aembed_documents"):
            return await self._given.aembed_documents(texts)
        return await asyncio.to_thread(self.documents, texts)

    async def aquery(self, text: str) -> Any:
        if hasattr(self._given, "aembed_query"):
            return await self._given.aembed_query(text)
        return await asyncio.to_thread(self.query, text)


class _FromFunction:
    """A function of a list of texts; a coroutine function serves the async verbs alone."""

    def __init__(self, given: Callable[[list[str]], Any], where: str) -> None:
        self._given = given
        self._where = where
        # An object's own coroutine method is asked for, not whether it can be called.
        of_its_class = getattr(type(given), "__call__", None)  # noqa: B004
        self._is_async = any(map(inspect.iscoroutinefunction, (given, of_its_class)))

    def documents(self, texts: list[str]) -> Any:
        if self._is_async:
            raise ValueError(
                f"{self._where}: index['embed'] is a coroutine function; call aput, asearch "
                "or abatch, or give a blocking function"
            )
        return self._given(texts)

    def query(self, text: str) -> Any:
        return _only(self.documents([text]))

    async def adocuments(self, texts: list[str]) -> Any:
        if self._is_async:
            return await self._given(texts)
        return await asyncio.to_thread(self._given, texts)

    async def aquery(self, text: str) -> Any:
        return _only(await self.adocuments([text]))


def _only(vectors: Iterable[Any]) -> Any:
    found = [*vectors]
    if len(found) != 1:
        raise ValueError(f"index['embed'] gave {len(found)} vectors for 1 text")
    return found[0]


def _embedder(given: Any, where: str) -> _FromObject | _FromFunction:
    if isinstance(given, str):
        given = _of_langchain(given, where)
    has_methods = callable(getattr(given, "embed_documents", None)) and callable(
        getattr(given, "embed_query", None)
    )
    if isinstance(given, type) or not (has_methods or callable(given)):
        raise refused(where, "index['embed']", given, _EMBED)
    return _FromObject(given) if has_methods else _FromFunction(given, where)


def _of_langchain(name: str, where: str) -> Any:
    try:
        module = import_module("langchain.embeddings")
    except ImportError as error:
        raise ValueError(
            f"{where}: index['embed'] is {name!r}, the name of a model, and langchain is not "
            f"installed; install it, or give {_EMBED}"
        ) from error
    return module.init_embeddings(name)


def _paths(given: Iterable[Any]) -> list[Path]:
    return [*map(parsed, given)]
