"""How often a program may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.api.conftest import Program, problem_in
from workflows.api import pace as pacing
from workflows.api.pace import Pace, TooOftenError
from workflows.rate import Rate


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(pacing, "time", made)
    pacing.pace.forget()
    yield made
    pacing.pace.forget()


def asked(pace: Pace, rate: Rate, times: int, token: int = 1) -> int:
    """How many of so many requests are let in."""
    let_in = 0
    for _ in range(times):
        try:
            pace.ask(token, rate)
        except TooOftenError:
            continue
        let_in += 1
    return let_in


@pytest.mark.parametrize("count", [1, 3, 7, 600, 9999])
@pytest.mark.parametrize("seconds", [1, 60, 86_400])
def test_so_many_are_let_in_at_once_and_then_one_by_one(clock, count, seconds):
    pace, rate = Pace(), Rate(count, seconds)

    assert asked(pace, rate, count + 5) == count
    clock.now += seconds / count
    assert asked(pace, rate, 3) == 1
    clock.now += seconds
    assert asked(pace, rate, count + 5) == count
    clock.now += 10 * seconds
    assert asked(pace, rate, count + 5) == count


def test_a_refused_request_does_not_count(clock):
    pace, rate = Pace(), Rate(2, 60)
    asked(pace, rate, 50)

    with pytest.raises(TooOftenError) as refused:
        pace.ask(1, rate)

    assert refused.value.seconds == pytest.approx(30)


def test_each_token_has_its_own(clock):
    pace, rate = Pace(), Rate(2, 60)

    assert [asked(pace, rate, 5, token) for token in (1, 2, 3)] == [2, 2, 2]


def test_tokens_that_are_quiet_take_no_room(clock, monkeypatch):
    monkeypatch.setattr(pacing, "MANY", 10)
    pace, rate = Pace(), Rate(1, 60)
    for token in range(10):
        pace.ask(token, rate)
    clock.now += 61

    pace.ask(99, rate)

    assert list(pace._saved_at) == [99]
    assert asked(pace, rate, 1, 99) == 0


def test_programs_that_ask_at_the_same_time_are_all_counted():
    pace, rate, barrier = Pace(), Rate(50, 86_400), Barrier(8)
    found: list[int] = []

    def ask() -> None:
        barrier.wait()
        found.append(asked(pace, rate, 20))

    threads = [Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sum(found) == 50


class TestRequests:
    @pytest.fixture
    def one(
        self, program: Callable[..., Program], settings: Any, clock: Clock
    ) -> Program:
        settings.API_RATE = "2/m"
        return program("viewer")

    def test_too_many_are_told_when_to_ask_again(self, one, clock):
        assert [one.get("/me").status_code for _ in range(2)] == [200, 200]
        answer = one.get("/me")

        body = problem_in(answer, 429, "too_many")
        assert answer.headers["Retry-After"] == "30"
        assert "2/m" in body["detail"]
        clock.now += 30
        assert one.get("/me").status_code == 200

    def test_what_is_refused_for_other_reasons_counts_too(self, one):
        assert one.get("/me?x=1").status_code == 400

        assert [one.get("/me").status_code for _ in range(2)] == [200, 429]

    def test_the_wait_is_never_none(self, one, settings):
        settings.API_RATE = "100/s"
        answers = [one.get("/me") for _ in range(101)]

        assert answers[-1].headers["Retry-After"] == "1"

    def test_another_token_of_the_same_person_has_its_own(self, one, program):
        assert [one.get("/me").status_code for _ in range(3)][-1] == 429

        assert program("viewer").get("/me").status_code == 200

    def test_without_a_rate_there_is_no_limit(self, one, settings):
        settings.API_RATE = ""

        assert {one.get("/me").status_code for _ in range(10)} == {200}
