"""What `apps.py` installs once the tables are known: ports, signals, checks, workflows."""

from __future__ import annotations

from collections.abc import Callable

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Tags
from django.core.checks import register as register_check
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from workflows import checks, defaults
from workflows.engine import fake_clock, serde
from workflows.engine.drivers.threads import on_thread_end, on_visit
from workflows.live.announce import LocalAnnouncer, NotifyAnnouncer
from workflows.services import access, ports, registry
from workflows.services.desk import accounts
from workflows.services.outbound import events as outbound
from workflows.storage import (
    append_only,
    events,
    fake_time,
    one_statement,
    queue_search,
)
from workflows.worker.choosing import run_queue

APPEND_ONLY = "workflows.append_only"


def install(app: AppConfig) -> None:
    """Join the storeys; touches no database."""
    defaults.fill()
    serde.default.max_bytes = settings.MAX_VALUE_BYTES
    ports.install(run_queue=run_queue(), announcer=_announcer())
    events.set_announcer(_announce)
    events.set_listener(outbound.hear)
    accounts.listen()
    # A node may use the ORM in a thread of the engine's own.
    on_thread_end.append(connections.close_all)
    on_visit.append(_note_connections)
    connection_created.connect(fake_time.note, dispatch_uid="workflows.fake_time")
    fake_clock.others.append(fake_time.moved)
    pre_migrate.connect(
        one_statement.forget, sender=app, dispatch_uid="workflows.one_statement"
    )
    post_migrate.connect(
        access.ensure_groups, sender=app, dispatch_uid="workflows.ensure_groups"
    )
    post_migrate.connect(
        append_only.ensure_triggers, sender=app, dispatch_uid=APPEND_ONLY
    )
    post_migrate.connect(
        queue_search.ensure_search, sender=app, dispatch_uid="workflows.queue_search"
    )
    register_check(checks.check_workflows)
    register_check(checks.check_databases)
    register_check(checks.check_numbers)
    register_check(checks.check_rate)
    register_check(checks.check_cipher)
    register_check(checks.check_queue_search, Tags.database)
    registry.autodiscover()


def _note_connections() -> Callable[[], None]:
    """Note which connections this thread has; returns what closes those that came later."""
    known = {id(each.connection) for each in connections.all(initialized_only=True)}

    def close() -> None:
        for each in connections.all(initialized_only=True):
            if each.connection is not None and id(each.connection) not in known:
                each.close()

    return close


def _announcer() -> ports.Announcer:
    is_postgresql = connections[DEFAULT_DB_ALIAS].vendor == "postgresql"
    return NotifyAnnouncer() if is_postgresql else LocalAnnouncer()


def _announce(thread_id: str, seq: int) -> None:
    ports.announcer().announce(thread_id, seq)
