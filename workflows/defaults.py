"""Settings of ours that a host's settings may leave out, with what then holds.

The product's own settings name them all (durableweb/settings.py says what each is for).
"""

from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "OPEN_PATHS": (),
    "DATABASE_DIRECT_URL": "",
    "LEASE_SECONDS": 10.0,
    "UNDO_SECONDS": 10,
    "MAX_RECOVERIES": 3,
    "RETENTION_CHECKPOINTS": 200,
    "RETENTION_FINISHED_DAYS": 30.0,
    "RETENTION_CHUNK_DAYS": 7.0,
    "HTTP_THREADS": 8,
    "EMBEDDED_WORKER_THREADS": 4,
    "API_RATE": "600/m",
    "BULK_MOST": 10_000,
    "BULK_CONFIRM_ABOVE": 20,
    "APPROVAL_LINK_SECONDS": 24 * 3600,
    "WEBHOOK_HOSTS": [],
    "WEBHOOK_NETWORKS": [],
    "OUTBOX_KEEP_DAYS": 30.0,
    "SIGNALS_KEEP_DAYS": 30.0,
    "TICKS_KEEP_DAYS": 90.0,
    "MAX_VALUE_BYTES": 16 * 1024 * 1024,
    "VALUE_CIPHER": "",
    "VALUE_CIPHER_KEYS": "",
    "VALUE_CIPHER_ACCEPTS_PLAIN": False,
}


def fill() -> None:
    """Give every setting that is not there its default."""
    for name, value in DEFAULTS.items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
