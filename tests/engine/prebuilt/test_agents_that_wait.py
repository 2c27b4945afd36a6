"""An agent whose tool asks: it waits, and neither its model nor a tool that has ended is called again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.checkpoint.sqlite.aio import AsyncSqliteSaver
from durableweb.func import task
from durableweb.prebuilt import create_react_agent
from durableweb.types import Command, interrupt
from tests.conformance.programs.scripted import Scripted, calls

pytestmark = pytest.mark.rule("E.prebuilt", "R5.1")
CONFIG: Any = {"configurable": {"thread_id": "t"}}
ASK: Any = {"messages": [("user", "hi")]}
WANTED = calls(("look", {"what": "tea"}, "c1"), ("send", {"to": "ann"}, "c2"))


class World:
    """What models and tools did, over all lives of an agent."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.model = Scripted(replies=[WANTED, AIMessage("done")], given=[])

    def agent(self, saver: Any, **options: Any) -> Any:
        """A new one, as each process makes it."""

        @tool
        def look(what: str) -> str:
            """Look something up."""
            self.did.append(f"look {what}")
            return f"found {what}"

        @tool
        def send(to: str) -> str:
            """Send a letter."""
            answer = interrupt(f"send to {to}?")
            self.did.append(f"send {to}")
            return f"{answer}: {to}"

        tools = [look, send]
        return create_react_agent(self.model, tools, checkpointer=saver, **options)


@contextmanager
def memory(file: Path) -> Iterator[Any]:
    kept = InMemorySaver()
    yield lambda: kept


@contextmanager
def sqlite(file: Path) -> Iterator[Any]:
    """Each asking opens the file anew."""
    opened: list[Any] = []

    def opens() -> Any:
        opened.append(SqliteSaver.from_conn_string(str(file)))
        return opened[-1].__enter__()

    yield opens
    for each in opened:
        each.__exit__(None, None, None)


@pytest.fixture(params=[memory, sqlite])
def savers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with request.param(tmp_path / "threads.sqlite") as savers:
        yield savers


def texts(out: Any) -> list[str]:
    return [each.content for each in out["messages"]]


DONE = ["hi", "", "found tea", "yes: ann", "done"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_it_goes_on_from_the_answer(savers, version):
    world = World()

    asked = world.agent(savers(), version=version).invoke(ASK, CONFIG)
    before = [*world.did]
    agent = world.agent(savers(), version=version)
    out = agent.invoke(Command(resume="yes"), CONFIG)

    assert [each.value for each in asked["__interrupt__"]] == ["send to ann?"]
    assert before == ["look tea"]
    assert texts(out) == DONE
    assert world.did == ["look tea", "send ann"]
    assert len(world.model.given) == 2


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_it_goes_on_from_the_answer_of_a_coroutine(tmp_path, version):
    world = World()
    file = str(tmp_path / "threads.sqlite")

    async with AsyncSqliteSaver.from_conn_string(file) as saver:
        asked = await world.agent(saver, version=version).ainvoke(ASK, CONFIG)
    async with AsyncSqliteSaver.from_conn_string(file) as saver:
        agent = world.agent(saver, version=version)
        parts = [
            [*part]
            async for part in agent.astream(
                Command(resume="yes"), CONFIG, stream_mode="updates"
            )
        ]
        out = (await agent.aget_state(CONFIG)).values

    assert [each.value for each in asked["__interrupt__"]] == ["send to ann?"]
    assert parts[-1] == ["agent"]
    assert texts(out) == DONE
    assert world.did == ["look tea", "send ann"]
    assert len(world.model.given) == 2


@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_breakpoint_holds_it_before_its_tools(savers, is_awaited):
    world = World()

    def run(given: Any) -> Any:
        agent = world.agent(savers(), interrupt_before=["tools"])
        if is_awaited:
            return asyncio.run(agent.ainvoke(given, CONFIG)), agent
        return agent.invoke(given, CONFIG), agent

    held, agent = run(ASK)
    due = agent.get_state(CONFIG).next
    asked, _ = run(None)
    out, _ = run(Command(resume="yes"))

    assert texts(held) == ["hi", ""]
    assert due == ("tools", "tools")
    assert "__interrupt__" in asked
    assert texts(out) == DONE
    assert world.did == ["look tea", "send ann"]
    assert len(world.model.given) == 2


def test_its_words_are_heard_before_and_after_the_answer(savers):
    world = World()

    def heard(given: Any) -> list[list[Any]]:
        agent = world.agent(savers())
        return [
            [about["langgraph_node"], message.content]
            for message, about in agent.stream(given, CONFIG, stream_mode="messages")
            if message.content
        ]

    before, after = heard(ASK), heard(Command(resume="yes"))

    assert before == [["tools", "found tea"]]
    assert after == [["tools", "yes: ann"], ["agent", "done "]]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_task_of_a_tool_before_its_question_is_not_called_again(savers, version):
    did = []

    @task
    def reserve(to: str) -> str:
        did.append(f"reserve for {to}")
        return f"seat of {to}"

    def book(to: str) -> str:
        """Book a seat."""
        seat = reserve(to).result()
        return f"{seat}: {interrupt(f'book the {seat}?')}"

    model = Scripted(
        replies=[
            calls(("book", {"to": "ann"}, "c1"), ("book", {"to": "bob"}, "c2")),
            AIMessage("done"),
        ],
        given=[],
    )

    def run(given: Any) -> Any:
        agent = create_react_agent(
            model, [book], checkpointer=savers(), version=version
        )
        return agent.invoke(given, CONFIG)

    asked = run(ASK)["__interrupt__"]
    out = run(Command(resume={each.id: "yes" for each in asked}))

    assert {each.value for each in asked} == {
        "book the seat of ann?",
        "book the seat of bob?",
    }
    assert texts(out)[2:] == ["seat of ann: yes", "seat of bob: yes", "done"]
    assert sorted(did) == ["reserve for ann", "reserve for bob"]


KILLED = """
import os, sys
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from pydantic import BaseModel
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.prebuilt import create_react_agent
from durableweb.types import Command, interrupt
from tests.conformance.programs.scripted import Scripted, calls

class Summary(BaseModel):
    count: int

def did(what):
    with open("log", "a") as log:
        log.write(what + "\\n")

class Noting(Scripted):
    def _generate(self, *args, **options):
        did("model")
        return super()._generate(*args, **options)

@tool
def look(what: str) -> str:
    "Look something up."
    did("look")
    return "found " + what

@tool
def send(to: str) -> str:
    "Send a letter."
    answer = interrupt("send to " + to + "?")
    if os.path.exists("deadly"):
        os.remove("deadly")
        os._exit(9)
    did("send")
    return answer + ": " + to

replies = [
    calls(("look", {"what": "tea"}, "c1")),
    calls(("look", {"what": "tea"}, "c2"), ("send", {"to": "ann"}, "c3")),
    AIMessage("done"),
]
config = {"configurable": {"thread_id": "t"}}
given = {"ask": {"messages": [("user", "hi")]}, "answer": Command(resume="yes")}
with SqliteSaver.from_conn_string("threads.sqlite") as saver:
    model = Noting(replies=replies)
    agent = create_react_agent(
        model, [look, send], checkpointer=saver, response_format=Summary
    )
    if sys.argv[1] == "read":
        out = agent.get_state(config).values
    else:
        out = agent.invoke(given.get(sys.argv[1]), config)
    print([m.content for m in out["messages"]], out.get("structured_response"))
"""


def test_a_killed_process_costs_no_call_that_has_ended(tmp_path):
    def live(what: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", KILLED, what],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 9), done.stderr
        return done.returncode, done.stdout.strip()

    asked = live("ask")
    (tmp_path / "deadly").touch()
    killed = live("answer")
    out = live("go on")
    read = live("read")

    assert (asked[0], killed[0]) == (0, 9)
    wanted = "['hi', '', 'found tea', '', 'found tea', 'yes: ann', 'done'] count=7"
    assert out == read == (0, wanted)
    log = (tmp_path / "log").read_text().split()
    assert sorted(log) == ["look", "look", "model", "model", "model", "send"]
