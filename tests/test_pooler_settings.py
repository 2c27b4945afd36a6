"""What the environment says of a database that is reached through a pooler."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRINT = (
    "import json; from durableweb import settings; "
    "print(json.dumps([settings._DB, settings.DATABASE_DIRECT_URL]))"
)


def told(**env: str) -> list:
    given = {"DATABASE_URL": "postgres://u@pooler/site", "SECRET_KEY": "x", **env}
    done = subprocess.run(
        [sys.executable, "-c", PRINT],
        env=os.environ | given,
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)


def test_without_prepared_statements_no_cursor_outlives_its_transaction():
    database, direct = told(
        PG_PREPARE_THRESHOLD="0", DATABASE_DIRECT_URL="postgres://d"
    )

    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert "prepare_threshold" not in database["OPTIONS"]
    assert direct == "postgres://d"


def test_without_a_pooler_cursors_stay_on_the_server():
    database, direct = told()

    assert "DISABLE_SERVER_SIDE_CURSORS" not in database
    assert database["OPTIONS"]["prepare_threshold"] == 5
    assert direct == ""


def test_an_address_may_say_for_how_long_it_is_waited_for():
    usual, _ = told()
    patient, _ = told(DATABASE_URL="postgres://u@far/site?connect_timeout=30")

    assert usual["OPTIONS"]["connect_timeout"] == 5
    assert int(patient["OPTIONS"]["connect_timeout"]) == 30
    assert patient["OPTIONS"]["tcp_user_timeout"] == 20_000
