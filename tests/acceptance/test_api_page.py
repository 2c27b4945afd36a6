"""The program of docs/howto/use-the-api.md does what the page says, against a server of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.docs.test_examples import FENCE, ROOT, fits, plain

PAGE = ROOT / "docs/howto/use-the-api.md"


def program_of_the_page() -> tuple[str, str]:
    """The Python block, and what it prints."""
    blocks = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    (at,) = [at for at, (language, _) in enumerate(blocks) if language == "python"]
    return blocks[at][1], blocks[at + 1][1]


def test_from_a_start_to_a_decision(databases, processes):
    url = databases.new("sqlite")
    processes.manage(url, "demo")
    scopes = ("--scope", "read", "--scope", "run", "--scope", "decide")
    token = processes.manage(url, "api_token", "demo", "--name", "page", *scopes)
    server = processes.serve(
        url, env={"DEMO_ALLOW_PRIVATE_ADDRESSES": "1", "UNDO_SECONDS": "1"}
    )
    code, wanted = program_of_the_page()
    words = {"DURABLEWEB_URL": server.url, "DURABLEWEB_TOKEN": token.split()[-1]}

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | words,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert fits(plain(ended.stdout), wanted), ended.stdout
