"""Workflows that note every beginning and end in the file that LEDGER names."""

from __future__ import annotations

import hashlib
import operator
import os
import time
from typing import Annotated, TypedDict

from durableweb.durable import Queue
from durableweb.errors import RunCancelled
from durableweb.func import task
from durableweb.graph import END, START, StateGraph
from durableweb.register import register
from durableweb.runtime import Runtime
from durableweb.types import interrupt


def note(text: str) -> None:
    """One line, written in one piece."""
    path = os.environ.get("LEDGER")
    if path:
        line = f"{text} {os.getpid()}\n".encode()
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, line)
        os.close(file)


def pause() -> None:
    time.sleep(float(os.environ.get("PAUSE", "0")))


class Steps(TypedDict, total=False):
    """How many steps to take, and those taken."""

    wanted: int
    taken: Annotated[list[int], operator.add]


def step(state: Steps) -> Steps:
    number = len(state.get("taken", []))
    note(f"begin {number}")
    pause()
    note(f"end {number}")
    return {"taken": [number]}


def more(state: Steps) -> str:
    return "step" if len(state["taken"]) < state["wanted"] else END


steps = StateGraph(Steps)
steps.add_node("step", step)
steps.add_edge(START, "step")
steps.add_conditional_edges("step", more, ["step", END])
register(steps.compile(name="steps"), name="steps")


class Letter(TypedDict, total=False):
    """A letter on its way."""

    text: str
    sent: str


@task
def draft(text: str) -> str:
    note("draft")
    return text.upper()


def write(state: Letter) -> Letter:
    note("write")
    text = draft(state["text"]).result()
    answer = interrupt({"question": "Send it?", "text": text})
    note("answered")
    pause()
    return {"sent": f"{answer['decision']}: {text}"}


def post(state: Letter) -> Letter:
    note("post")
    pause()
    return {}


letter = StateGraph(Letter)
letter.add_sequence([("write", write), ("post", post)])
letter.add_edge(START, "write")
register(letter.compile(name="posted"), name="posted", editable=["text"])


def wait(state: Steps, runtime: Runtime) -> Steps:
    note("waiting")
    runtime.heartbeat("row 1")
    try:
        while True:
            time.sleep(0.05)
            runtime.check()
    except RunCancelled:
        note("let go")
        raise


patient = StateGraph(Steps)
patient.add_node("wait", wait)
patient.add_edge(START, "wait")
register(patient.compile(name="patient"), name="patient")


def compute(state: Steps) -> Steps:
    """Is in a function of C that ends late, and that no signal reaches."""
    note("waiting")
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)  # for many minutes
    return {}


deaf = StateGraph(Steps)
deaf.add_node("compute", compute)
deaf.add_edge(START, "compute")
register(deaf.compile(name="deaf"), name="deaf")


def deadly(state: Steps) -> Steps:
    note("deadly")
    pause()
    os._exit(9)


poison = StateGraph(Steps)
poison.add_node("deadly", deadly)
poison.add_edge(START, "deadly")
register(poison.compile(name="poison"), name="poison")

narrow = Queue("narrow", concurrency=2)
seldom = Queue("seldom", rate=(2, 1))
