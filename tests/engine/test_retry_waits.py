"""How long the next attempt waits (R1.33)."""

import pytest

from workflows.engine.loop.endings import delay_before_next
from workflows.engine.types import RetryPolicy

pytestmark = pytest.mark.rule("R1.33")


def test_a_wait_grows_by_its_factor_up_to_the_longest():
    policy = RetryPolicy(
        initial_interval=0.5, backoff_factor=3.0, max_interval=4.0, jitter=False
    )

    assert [delay_before_next(policy, n) for n in (1, 2, 3, 4)] == [0.5, 1.5, 4.0, 4.0]


def test_the_defaults_are_half_a_second_doubled_up_to_about_two_minutes():
    policy = RetryPolicy(jitter=False)

    waits = [delay_before_next(policy, n) for n in (1, 2, 3, 9, 10)]

    assert waits == [0.5, 1.0, 2.0, 128.0, 128.0]


def test_jitter_adds_a_part_of_a_second_at_most(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)

    waits = [delay_before_next(RetryPolicy(initial_interval=4.0), n) for n in (1, 2)]

    assert waits == [5.0, 9.0]


def test_jitter_adds_no_more_than_the_wait_again(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)

    waits = [delay_before_next(RetryPolicy(initial_interval=0.01), n) for n in (1, 2)]

    assert waits == [0.02, 0.04]
