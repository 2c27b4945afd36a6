"""Section 10: values in every place where they are kept."""

import dataclasses
import enum
import math
from collections import Counter, OrderedDict, deque
from datetime import datetime
from decimal import Decimal
from typing import Annotated, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass(frozen=True)
class Line:
    words: tuple


class Point(NamedTuple):
    x: int
    y: int


KINDS = {
    "tuple": (1, (2, [3])),
    "keys": {1: "a", "1": "b", None: "c", (1, 2): "d"},
    "ordered": OrderedDict(b=1, a=2),
    "counter": Counter("aab"),
    "zone": datetime(2026, 7, 2, 12, tzinfo=ZoneInfo("Europe/Berlin")),
    "big": 2**70,
    "surrogate": "\ud800",
    "nan": [math.inf, -math.inf],
    "set": {1, (2,)},
    "deque": deque([1], maxlen=2),
    "bytes": bytearray(b"\0"),
    "decimal": Decimal("1.10"),
    "enum": Color.RED,
    "line": Line((1,)),
    "point": Point(1, 2),
}


@program(
    "R10.1",
    "R10.2",
    differs="what the reference makes lists, dicts and fixed offsets of stays what it is",
    expected=[],
)
def every_place_gives_back_what_it_was_given(api, run):
    """As a channel, a task's result, an answer, a question and what a Send carries."""
    wrong = []

    def check(place, given):
        for kind, value in KINDS.items():
            if type(given[kind]) is not type(value) or given[kind] != value:
                wrong.append([place, kind, repr(given[kind])])
        if given["zone"].tzinfo is not KINDS["zone"].tzinfo:
            wrong.append([place, "zone's name"])

    @api.task
    def kept():
        return KINDS

    def first(state):
        return api.Command(update={"b": KINDS}, goto=api.Send("asking", KINDS))

    def asking(sent):
        check("sent", sent)
        check("result", kept().result())
        answer = api.interrupt(KINDS)
        check("answer", answer)
        return {"log": [answer]}

    def last(state):
        check("channel", state["b"])
        check("grown channel", state["log"][-1])
        api.interrupt("again?")
        return {}

    edges = [(api.START, "first"), ("asking", "last")]
    g = graph(api, *edges, first=first, asking=asking, last=last)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    check("question", run.get_state(g, run.config()).interrupts[0].value)
    run.invoke(g, api.Command(resume=KINDS), run.config())
    check("state", run.get_state(g, run.config()).values["b"])
    run.invoke(g, api.Command(resume=1), run.config())
    return wrong


class Newest:
    """A reducer that puts the newest first, with attributes that mean nothing to the engine."""

    keeps_left = True

    def __init__(self):
        self.settled = []

    def settle(self, value):
        self.settled.append(value)
        return ["settled"]

    def __call__(self, left, right):
        return right + left


@program("R2.3", "R2.5", "R4.5")
def a_reducer_may_have_any_attributes_of_its_own(api, run):
    newest = Newest()

    class Kept(TypedDict):
        log: Annotated[list, newest]

    built = graph(api, (api.START, "x"), schema=Kept, x=None)
    g = built.compile(checkpointer=run.saver)
    seen = [run.invoke(g, {"log": [n]}, run.config()) for n in (1, 2)]
    seen.append(run.get_state(g, run.config()).values)
    given = {"log": api.Overwrite([3])}
    return [*seen, run.invoke(g, given, run.config()), newest.settled]
