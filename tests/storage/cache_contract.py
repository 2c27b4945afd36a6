"""What every cache does, whatever it keeps results in.

A test module subclasses `CacheContract` and gives a fixture `cache`.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from workflows.engine import ids
from workflows.engine.errors import SerializationError

A, B, OTHER = (("n",), "a"), (("n",), "b"), (("m", "x"), "a")


@pytest.mark.rule("R1.38")
class CacheContract:
    """Subclass it with a fixture `cache`."""

    @pytest.fixture
    def clock(self, monkeypatch):
        class Clock:
            now = 1_000_000.0

        monkeypatch.setattr(ids, "clock", lambda: Clock.now)
        return Clock

    async def let_go(self) -> None:
        """Close what the async twins have opened in their thread."""

    def test_it_gives_back_what_is_not_too_old(self, cache, clock):
        cache.set({A: ((1,), None), B: (2, 10), OTHER: (Decimal("3"), 0.5)})

        assert cache.get([A, B, (("n",), "zz")]) == {A: (1,), B: 2}
        assert cache.get([OTHER]) == {OTHER: Decimal("3")}
        clock.now += 9
        assert cache.get([A, B, OTHER]) == {A: (1,), B: 2}
        clock.now += 1
        assert cache.get([A, B]) == {A: (1,)}

    def test_a_result_replaces_the_one_before_and_its_time(self, cache, clock):
        cache.set({A: (1, 10), B: (1, None)})
        cache.set({A: (2, None), B: (2, 10)})
        clock.now += 10

        assert cache.get([A, B]) == {A: 2}

    def test_what_is_read_is_nobody_elses_object(self, cache):
        value = [1]
        cache.set({A: (value, None)})
        value.append(2)
        cache.get([A])[A].append(3)

        assert cache.get([A]) == {A: [1]}

    def test_nothing_is_kept_where_one_value_cannot_be(self, cache):
        with pytest.raises(SerializationError):
            cache.set({A: (1, None), B: (object(), None)})

        assert cache.get([A, B]) == {}

    def test_it_is_cleared_by_namespace_or_whole(self, cache):
        cache.set({A: (1, None), B: (2, None), OTHER: (3, None)})

        cache.clear([("n",), ("unknown",)])
        assert cache.get([A, B, OTHER]) == {OTHER: 3}
        cache.clear([])
        assert cache.get([OTHER]) == {OTHER: 3}
        cache.clear()
        assert cache.get([OTHER]) == {}

    def test_nothing_asked_is_nothing_found(self, cache):
        cache.set({})

        assert cache.get([]) == {}

    async def test_it_has_async_twins(self, cache):
        await cache.aset({A: (1, None)})

        assert await cache.aget([A]) == {A: 1}
        await cache.aclear()
        assert await cache.aget([A]) == {}
        await self.let_go()

    @pytest.mark.rule("RA.21")
    @pytest.mark.parametrize("namespaces", ["n", 5, ["n"]])
    def test_it_does_not_forget_letter_by_letter(self, cache, namespaces):
        cache.set({A: (1, None)})

        with pytest.raises(TypeError, match=r"namespaces is .*; give a list of tuples"):
            cache.clear(namespaces)
        assert cache.get([A]) == {A: 1}
