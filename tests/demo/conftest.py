"""What the demo's tests share: a local server, a way to answer, a small repository."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.types import Command
from tests.local_server import LocalServer, serve_locally

GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@pytest.fixture
def server(settings: Any) -> Iterator[LocalServer]:
    settings.DEMO_ALLOW_PRIVATE_ADDRESSES = True
    with serve_locally() as server:
        yield server


class Driver:
    """Runs one workflow on one thread with a saver of its own."""

    def __init__(self, builder: Any) -> None:
        self.graph = builder.compile(checkpointer=InMemorySaver())
        self.thread_id = str(uuid.uuid4())
        self.config = {"configurable": {"thread_id": self.thread_id}}

    def start(self, **values: Any) -> Any:
        return self.graph.invoke(values, self.config)

    async def astart(self, **values: Any) -> Any:
        return await self.graph.ainvoke(values, self.config)

    def go_on(self) -> Any:
        return self.graph.invoke(None, self.config)

    def questions(self) -> dict[str, Any]:
        """The open questions by title."""
        found = self.graph.get_state(self.config).interrupts
        return {interrupt.value["title"]: interrupt for interrupt in found}

    def question(self) -> Any:
        (only,) = self.graph.get_state(self.config).interrupts
        return only.value

    def answer(self, approved: bool, title: str = "", **values: Any) -> Any:
        """Answer the question of that title, or the only one.

        What `values` leaves out is answered as it was proposed, as the form does.
        """
        return self.graph.invoke(self._command(approved, title, values), self.config)

    async def aanswer(self, approved: bool, title: str = "", **values: Any) -> Any:
        command = self._command(approved, title, values)
        return await self.graph.ainvoke(command, self.config)

    def _command(self, approved: bool, title: str, values: dict[str, Any]) -> Command:
        questions = self.questions()
        asked = questions[title or next(iter(questions))]
        about = ("title", "question", "problems", "hint")
        proposed = {key: asked.value[key] for key in asked.value if key not in about}
        return Command(resume={asked.id: {"approved": approved, **proposed, **values}})


@pytest.fixture
def drive() -> Callable[[Any], Driver]:
    return Driver


@pytest.fixture
def repository(tmp_path: Path, settings: Any) -> Path:
    """A repository with a tag v1 and four commits after it."""
    path = tmp_path / "clock"
    path.mkdir()
    settings.DEMO_GIT_REPOSITORIES = [path]
    settings.VAR_DIR = tmp_path / "var"
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, "Lay the foundation")
    git(path, "tag", "v1")
    commit(path, "Add an alarm")
    commit(path, "fix(hands): move the minute hand")
    commit(path, "Remove the cuckoo")
    commit(path, "Wind it slower")
    return path


def commit(path: Path, subject: str) -> None:
    git(path, "commit", "--quiet", "--allow-empty", "-m", subject)


def git(path: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-C", str(path), *arguments],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], **GIT_IDENTITY},
    )
