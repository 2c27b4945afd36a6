"""What another project's settings need to have durableweb inside: plain data, no Django.

from durableweb import host

INSTALLED_APPS = [*host.APPS, "django.contrib.admin", ..., "my_app"]
TEMPLATES[0]["DIRS"] += host.TEMPLATE_DIRS
TEMPLATES[0]["OPTIONS"]["context_processors"] += host.CONTEXT_PROCESSORS
STATICFILES_DIRS = host.STATIC_DIRS
DATABASES["default"]["ENGINE"] = host.SQLITE_ENGINE  # on SQLite
DATABASES["default"]["OPTIONS"] = host.SQLITE_OPTIONS  # on SQLite
DATABASES["default"]["OPTIONS"] = host.POSTGRESQL_OPTIONS  # on PostgreSQL
ASGI_APPLICATION = "durableweb.asgi.application"
"""

from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent
# A checkout has them beside the package, an installed package inside.
_HOME = _PACKAGE if (_PACKAGE / "templates").is_dir() else _PACKAGE.parent

APPS = ["durableweb.runserver", "channels", "django_htmx", "workflows"]
# On PostgreSQL workers are fed by this app; its migrations fail on any other database.
POSTGRESQL_APPS = ["procrastinate.contrib.django"]
TEMPLATE_DIRS = [_HOME / "templates"]
STATIC_DIRS = [_HOME / "static"]
# The pages' frame: how much waits, what one may do, is anybody working.
CONTEXT_PROCESSORS = ["workflows.web.frame.frame"]
# One writer at a time: threads take turns, processes meet at the file's lock.
SQLITE_ENGINE = "workflows.storage.sqlite_backend"
# A transaction is a writer from its beginning, and every commit on the disk.
SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
# A server that is gone without a word, with its machine or behind a firewall, is noticed in
# seconds; without these whoever waits for its answer waits for a quarter of an hour.
POSTGRESQL_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
