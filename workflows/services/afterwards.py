"""What is done once a transaction has committed: by then all is kept, so it may fail, and is logged."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction


def after_commit(function: Callable[..., object], *args: Any) -> None:
    """Call `function(*args)` when the present transaction has committed, at once where there is none.

    What it raises is logged and goes no further. Django names the function in the log, and would
    raise over a `functools.partial`, which has no name.
    """

    @wraps(function)
    def call() -> None:
        function(*args)

    transaction.on_commit(call, robust=True)
