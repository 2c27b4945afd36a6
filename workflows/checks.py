"""System checks: workflows load, savers and databases fit, processes fit the database."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning
from django.core.exceptions import ImproperlyConfigured

from workflows.defaults import DEFAULTS
from workflows.rate import WANTED, read_rate
from workflows.services import queues, registry
from workflows.services.schedules import declared
from workflows.services.schedules.reading import fault_of
from workflows.storage import queue_search
from workflows.storage.sealing import vault
from workflows.worker.choosing import QUEUE_APP

# What servers and platforms call the number of web processes.
_PROCESS_VARIABLES = ("WEB_CONCURRENCY",)
_ABOVE_0 = frozenset(
    {
        "HTTP_THREADS",
        "EMBEDDED_WORKER_THREADS",
        "LEASE_SECONDS",
        "BULK_MOST",
        "MAX_VALUE_BYTES",
    }
)
SQLITE_BACKEND = "workflows.storage.sqlite_backend"


def check_workflows(**_: Any) -> list[CheckMessage]:
    """Name every workflow module that failed to import, every graph with its own saver, and schedules of none."""
    return [
        *_broken_modules(),
        *_own_savers(),
        *_schedules_of_nothing(),
        *_missing_queues(),
    ]


def check_databases(**_: Any) -> list[CheckMessage]:
    """Say what does not fit between the database, its options and the number of processes."""
    config = settings.DATABASES["default"]
    engine = config["ENGINE"]
    if "postgresql" in engine:
        return list(_postgresql())
    if "sqlite" in engine:
        return list(_sqlite(engine, config.get("OPTIONS") or {}))
    return [
        Error(
            f"The database engine {engine} is not supported.",
            hint="Use SQLite or PostgreSQL (DATABASE_URL).",
            id="workflows.E001",
        )
    ]


def check_numbers(**_: Any) -> list[CheckMessage]:
    """Name settings of ours that should be numbers or switches and are not, or make no sense."""
    found: list[CheckMessage] = []
    for name, default in DEFAULTS.items():
        value = getattr(settings, name)
        allowed = _allowed(name, default)
        if allowed and not _fits(name, default, value):
            found.append(
                Error(
                    f"{name} is {value!r}; it has to be {allowed}.",
                    hint="docs/reference/settings.md says what it is for.",
                    obj=name,
                    id="workflows.E005",
                )
            )
    return found


def check_rate(**_: Any) -> list[CheckMessage]:
    """Say where API_RATE cannot be read."""
    try:
        read_rate(settings.API_RATE)
    except (ValueError, TypeError):
        return [
            Error(
                f"API_RATE is {settings.API_RATE!r}; it has to be {WANTED}.",
                hint="docs/reference/settings.md says what it is for.",
                obj="API_RATE",
                id="workflows.E005",
            )
        ]
    return []


def _allowed(name: str, default: Any) -> str:
    """What a setting with that default may be; "" for one that is no number and no switch."""
    if isinstance(default, bool):
        return "True or False"
    if not isinstance(default, int | float):
        return ""
    kind = "a whole number" if _is_whole(name, default) else "a number"
    return f"{kind} above 0" if name in _ABOVE_0 else f"{kind}, 0 or more"


def _is_whole(name: str, default: Any) -> bool:
    return isinstance(default, int) and not name.endswith(("_SECONDS", "_DAYS"))


def _fits(name: str, default: Any, value: Any) -> bool:
    if isinstance(default, bool):
        return value in (True, False)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if _is_whole(name, default) and not isinstance(value, int):
        return False
    return math.isfinite(value) and (value > 0 if name in _ABOVE_0 else value >= 0)


def check_cipher(**_: Any) -> list[CheckMessage]:
    """Say where VALUE_CIPHER or its keys cannot be used, before a page or a run meets them."""
    try:
        vault()
    except ImproperlyConfigured as error:
        return [
            Error(
                str(error),
                hint="docs/howto/encrypt-values.md tells how keys are given; aes-gcm needs "
                "the package cryptography.",
                id="workflows.E004",
            )
        ]
    return []


def check_queue_search(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Say where the queue's search goes without its index; asked with `--database`."""
    return [
        Info(
            queue_search.ASIDE,
            hint="Let a role that may do so run CREATE EXTENSION pg_trgm in this database, "
            "then run manage.py migrate again: it makes the index.",
            obj=alias,
            id="workflows.I002",
        )
        for alias in databases or ()
        if queue_search.lacks_index(alias)
    ]


def _broken_modules() -> Iterator[CheckMessage]:
    for module, text in sorted(registry.failures.items()):
        last = text.strip().splitlines()[-1] if text.strip() else "unknown error"
        yield Warning(
            f"The workflow module {module} failed to import: {last}",
            hint="Its workflows are missing; the others are loaded. Threads of a missing "
            "workflow wait with the reason unknown_graph.",
            obj=module,
            id="workflows.W001",
        )


def _own_savers() -> Iterator[CheckMessage]:
    for item in registry.all():
        saver = getattr(item.graph, "checkpointer", None)
        if saver is not None and not isinstance(saver, bool):
            yield Warning(
                f"The workflow {item.name} was compiled with a saver of its own "
                f"({type(saver).__name__}).",
                hint="Runs of this site are saved in its database; compile without "
                "checkpointer=.",
                obj=item.name,
                id="workflows.W002",
            )


def _schedules_of_nothing() -> Iterator[CheckMessage]:
    for item in declared.all():
        if fault_of(item):
            yield Warning(
                f"The schedule {item.name} starts the workflow {item.graph}, which is not registered.",
                hint="Register it under this name, or name another in schedule(); until then each of its "
                "instants is refused.",
                obj=item.name,
                id="workflows.W006",
            )


def _missing_queues() -> Iterator[CheckMessage]:
    named = [(f"workflow {item.name}", item.queue) for item in registry.all()]
    named += [(f"schedule {item.name}", item.queue or "") for item in declared.all()]
    for what, queue in named:
        if queue and queues.find(queue) is None:
            yield Warning(
                f"The {what} names the queue {queue}, which is not declared.",
                hint="Write durableweb.durable.Queue(...) with this name in the workflows.py of an installed app, or name "
                "another; until then it starts nothing.",
                obj=what,
                id="workflows.W007",
            )


def _postgresql() -> Iterator[CheckMessage]:
    if not apps.is_installed(QUEUE_APP):
        yield Error(
            "PostgreSQL needs the queue that feeds its workers.",
            hint=f"Add {QUEUE_APP!r} to INSTALLED_APPS.",
            id="workflows.E002",
        )


def _sqlite(engine: str, options: dict[str, Any]) -> Iterator[CheckMessage]:
    if apps.is_installed(QUEUE_APP):
        yield Error(
            "The queue for PostgreSQL is installed, but the database is SQLite.",
            hint=f"Take {QUEUE_APP!r} out of INSTALLED_APPS: its migrations fail here.",
            id="workflows.E003",
        )
    if options.get("transaction_mode") != "IMMEDIATE":
        yield Warning(
            "SQLite transactions are not IMMEDIATE.",
            hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE"; otherwise writers that '
            "meet fail with 'database is locked'.",
            id="workflows.W003",
        )
    if "journal_mode=wal" not in str(options.get("init_command", "")).lower().replace(
        " ", ""
    ):
        yield Warning(
            "SQLite does not use the write-ahead log.",
            hint="Put PRAGMA journal_mode=WAL into OPTIONS['init_command'].",
            id="workflows.W004",
        )
    if engine != SQLITE_BACKEND:
        yield Info(
            f"SQLite is reached through {engine}, whose writers do not take turns.",
            hint=f'Set ENGINE to "{SQLITE_BACKEND}": with it a page that saves does not wait '
            "long while a run is busy.",
            id="workflows.I001",
        )
    for name in _PROCESS_VARIABLES:
        if os.environ.get(name, "1").strip() not in ("", "1"):
            yield Warning(
                f"{name} asks for several processes, but the database is SQLite.",
                hint="SQLite is for one process; set DATABASE_URL to a PostgreSQL.",
                id="workflows.W005",
            )
