"""Workflows that note each effect in the file that LEDGER names, with the process."""

import os
import time
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from durableweb.durable import schedule
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.register import register
from durableweb.types import interrupt
from workflows.services.desk import bulk_work, bulk_workflow


def note(text: str) -> None:
    """One line, written in one piece."""
    line = f"{text} {os.getpid()}\n".encode()
    file = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, line)
    os.close(file)


class Input(TypedDict):
    """How many parcels are to be packed."""

    wanted: Annotated[int, Meta(title="Wanted", ge=1, le=50)]


class State(Input, total=False):
    """What was packed by which process, and what was sent."""

    packed: list[str]
    sent: str


@task
def pack(number: int) -> str:
    """A slow effect; the answer tells which process it was."""
    note(f"begin {number}")
    time.sleep(float(os.environ.get("PAUSE", "0")))
    note(f"end {number}")
    return f"parcel {number} by {os.getpid()}"


@task
def send(words: str) -> str:
    """The effect that follows a decision."""
    note(f"send {words}")
    return words


def pack_all(state: State) -> dict[str, object]:
    """One task after the other, in one node: a step is saved, and each task in it."""
    return {"packed": [pack(number).result() for number in range(state["wanted"])]}


def ask_and_send(state: State) -> dict[str, object]:
    """Ask whether to send, and send in the same node."""
    answer = interrupt({"title": "Send the parcels?", "note": "as agreed"})
    return {"sent": send(answer["decision"]).result()}


builder = StateGraph(State, input_schema=Input)
builder.add_node("pack_all", pack_all)
builder.add_node("ask_and_send", ask_and_send)
builder.add_edge(START, "pack_all")
builder.add_edge("pack_all", "ask_and_send")
register(builder.compile(name="parcels"), name="parcels", title="Parcels")


def decide_slowly(item: int) -> str:
    """One question of a bulk order, slow enough to be killed beside."""
    note(f"deciding {item}")
    state = bulk_work.decide_item(item)
    time.sleep(float(os.environ.get("PAUSE", "0")))
    return state


bulk_workflow.decide_item = task(decide_slowly, name="decide_item")


class Wish(TypedDict):
    """What the start form can ask for: text, a number, and something only JSON can say."""

    name: Annotated[str, Meta(title="Name", min_length=1, max_length=20)]
    age: Annotated[int, Meta(title="Age", ge=0, le=150)]
    more: Annotated[dict[str, Any], Meta(title="More")]


def grant(state: Wish) -> dict[str, object]:
    """Wait for somebody."""
    interrupt({"title": "Grant it?", "name": state["name"], "odd": [1, "a"]})
    return {}


wishes = StateGraph(Wish)
wishes.add_node("grant", grant)
wishes.add_edge(START, "grant")
register(wishes.compile(name="wishes"), name="wishes", editable=("name", "more"))
# At times when nobody looks.
WISH = {"name": "Ada", "age": 5, "more": {}}
schedule(
    "new-year",
    "wishes",
    cron="0 3 1 1 *",
    tz="Europe/Berlin",
    input=WISH,
    overlap="queue",
    catch_up=6 * 3600,
    jitter=90,
)
schedule("leap-day", "wishes", cron="30 2 29 2 *", tz="Europe/Berlin", input=WISH)
register(
    wishes.compile(name="payroll"),
    name="payroll",
    start_groups=("finance",),
    decide_groups=("finance",),
)
