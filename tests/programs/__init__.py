"""Sample programs for tests; `all_samples()` loads the register."""

from __future__ import annotations

from importlib import import_module

FILES = [
    *("flows", "questions", "inner_tasks", "failures", "nested", "cached"),
    *("deploys", "attributes", "waiting", "raised", "tools", "agents"),
    *("sleeping", "signalling", "subscribing", "undoing", "renewing"),
    "updating",
]


def all_samples():
    """Every registered sample by name."""
    for name in FILES:
        import_module(f"tests.programs.{name}")
    return import_module("tests.programs.sample").SAMPLES
