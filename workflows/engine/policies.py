"""What an author gave as retry or cache policy or as error handler, checked where it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.kinds import check_amount, check_callable, refused
from workflows.engine.types import CachePolicy, RetryPolicy


def checked_retry(given: Any, what: str) -> tuple[RetryPolicy, ...] | None:
    """One policy or several as a tuple; None for none (R1.33).

    `what` names whose policy it is. Raises TypeError for anything else: a policy that cannot be
    asked would hide the failure that it is asked about.
    """
    if given is None:
        return None
    if isinstance(given, RetryPolicy):
        policies: tuple[Any, ...] = (given,)
    elif isinstance(given, Sequence) and not isinstance(given, str):
        policies = tuple(given)
    else:
        policies = (given,)
    for policy in policies:
        if not isinstance(policy, RetryPolicy):
            raise TypeError(
                f"{what}: retry_policy is {given!r}; give a RetryPolicy, or a list of them: "
                "RetryPolicy(max_attempts=3)"
            )
        _check_numbers(policy, what)
        _check_retry_on(policy.retry_on, what)
    return policies


def _check_numbers(policy: RetryPolicy, what: str) -> None:
    for name in ("initial_interval", "backoff_factor", "max_interval", "max_attempts"):
        check_amount(
            getattr(policy, name), what, f"{name} of the RetryPolicy", "a number"
        )
    if policy.jitter not in (True, False):
        raise refused(what, "jitter of the RetryPolicy", policy.jitter, "True or False")


def _check_retry_on(on: Any, what: str) -> None:
    if isinstance(on, type):
        is_fine = issubclass(on, BaseException)
    elif isinstance(on, Sequence) and not isinstance(on, str):
        is_fine = all(isinstance(c, type) and issubclass(c, BaseException) for c in on)
    else:
        is_fine = callable(on)
    if not is_fine:
        raise TypeError(
            f"{what}: retry_on is {on!r}; give an exception class, a sequence of them, or a "
            "function that is given the exception and says whether to try again"
        )


def checked_handler(given: Any, what: str) -> Any:
    """The error handler, or None (R1.39). Raises TypeError for what cannot be called."""
    if given is not None:
        check_callable(given, what, "error_handler", "a function that takes the state")
    return given


def checked_cache(given: Any, what: str) -> CachePolicy | None:
    """The policy, or None (R1.38). Raises TypeError for anything else."""
    if given is None or isinstance(given, CachePolicy):
        return given
    raise refused(what, "cache_policy", given, "a CachePolicy: CachePolicy(ttl=60)")
