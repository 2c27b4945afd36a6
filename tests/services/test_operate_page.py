"""The commands of docs/howto/operate.md work as they stand there."""

from __future__ import annotations

import re
import shlex
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.storage.chains import Chain
from workflows.models import CheckpointLabel, Run, Thread
from workflows.services import registry
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.django_db

# `doctor` ends with 1 where it finds anything: here it finds nothing.
SAID = {"prune": "remove", "doctor": ""}
PAGE = Path(settings.BASE_DIR) / "docs/howto/operate.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def test_its_python_runs(queue, capsys):
    registry.register(SimpleNamespace(name="import_rows"), name="import_rows")
    failed = Thread.objects.create(
        id="import-2026-11", graph="import_rows", status="error"
    )
    Chain(DjangoSaver(), failed.pk).put({"rows": 2}, ["rows"])
    run = Run.objects.create(thread=failed, graph="import_rows", kind="start")
    told: list[Any] = []
    runtime = SimpleNamespace(
        last_heartbeat=1, check=lambda: None, heartbeat=told.append
    )
    names: dict[str, Any] = {}

    for block in blocks("python"):
        exec(block, names)

    said = capsys.readouterr().out
    assert "import-2026-11 import_rows" in said
    assert "before refund" in said
    assert not CheckpointLabel.objects.exists()
    run.refresh_from_db()
    assert (run.status, run.cancel_reason) == ("cancelled", "wrong file")
    assert names["copy_rows"]({"rows": 3}, runtime) == {"rows": 0}
    assert told == [2, 3]
    started = Run.objects.get(pk=names["started"].run_id)
    assert (started.thread_id, started.run_timeout) == ("import-2026-12", 3600)


def test_its_commands_run():
    Thread.objects.create(id="import-2026-11", graph="import_rows")
    text = "".join(blocks("sh"))

    for line in text.splitlines():
        command = shlex.split(line, comments=True)
        assert command[:2] == ["python", "manage.py"]
        out = StringIO()
        call_command(*command[2:], stdout=out)
        assert SAID[command[2]] in out.getvalue()
