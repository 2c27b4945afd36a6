"""A PostgreSQL that is gone without a word: whoever waits for it is told in seconds."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
ASK = (
    "import django; django.setup(); from django.test import Client; "
    "answer = Client().get('/healthz', headers={'host': '127.0.0.1'}); "
    "print(answer.status_code, answer.content.decode())"
)
PATIENCE_S = 60


@pytest.mark.rule("RA.15")
def test_a_server_that_takes_the_connection_and_says_nothing_is_away():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", ASK],
            env=os.environ
            | {
                "DATABASE_URL": f"postgres://u@127.0.0.1:{port}/d?connect_timeout=2",
                "DJANGO_SETTINGS_MODULE": "durableweb.settings",
                "SECRET_KEY": "x",
            },
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    assert done.stdout.split("\n")[0] == "503 database unreachable"


@pytest.mark.rule("RA.15")
@pytest.mark.django_db
@pytest.mark.skipif(not settings.IS_POSTGRESQL, reason="about a server")
def test_a_connection_notices_that_nobody_answers_it():
    connection.ensure_connection()
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        tcp = socket.IPPROTO_TCP
        assert line.getsockopt(tcp, socket.TCP_KEEPIDLE) == 10
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert line.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == 20_000
