"""Durable work from anywhere: start, cancel and list it; for code of the site.

Needs Django set up. Nobody's rights are asked here: these are calls of a program, in the name
of the system. What people do goes through the dashboard.
"""

from workflows.services.cancel_run import cancel_thread as cancel
from workflows.services.listing import (
    Page,
    Question,
    ThreadSummary,
    list_interrupts,
    list_threads,
)
from workflows.services.retention import Retention, apply_retention
from workflows.services.start_run import Started
from workflows.services.start_run import start_thread as start
from workflows.storage.prune import prune_thread as prune

__all__ = [
    "Page",
    "Question",
    "Retention",
    "Started",
    "ThreadSummary",
    "apply_retention",
    "cancel",
    "list_interrupts",
    "list_threads",
    "prune",
    "start",
]
