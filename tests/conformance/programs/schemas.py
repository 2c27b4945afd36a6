"""Section 5: answers that are checked against a response schema (R5.9)."""

import dataclasses
import typing
from typing import Annotated

import typing_extensions
from pydantic import BaseModel, Field

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, open_ids


class Price(BaseModel):
    amount: Annotated[int, Field(ge=0)]
    why: str = ""


@dataclasses.dataclass
class Size:
    width: int
    height: int = 1


class Word(typing_extensions.TypedDict):
    text: str


class PlainWord(typing.TypedDict):
    text: str
    price: typing.NotRequired[Price]


def _asking(api, run, calls, **schemas):
    """Each node asks its own name with its own schema; all start at once."""
    built = graph(api)
    for name, schema in schemas.items():

        def node(state, name=name, schema=schema):
            calls.append(name)
            given = api.interrupt(name, response_schema=schema)
            return {"log": [f"{name} {type(given).__name__} {given}"]}

        built.add_node(name, node).add_edge(api.START, name)
    return built.compile(checkpointer=run.saver)


@program(
    "R5.9",
    differs="all answers are checked before any task starts, and nothing is written",
    expected=[
        {"raises": "ValidationError"},
        True,
        ["p", "q", "r"],
        {
            "log": ["p Price amount=1 why=''", "q Size Size(width=2, height=1)"],
            "__interrupt__": [{"asks": "r", "id": "#1"}],
        },
        {
            "log": [
                "p Price amount=1 why=''",
                "q Size Size(width=2, height=1)",
                "r dict {'text': 't'}",
            ]
        },
        ["p", "p", "q", "q", "r", "r"],
    ],
)
def all_answers_of_a_map_are_checked_first(api, run):
    calls = []
    g = _asking(api, run, calls, p=Price, q=Size, r=Word)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    before = run.steps(g, run.config()), sorted(calls)
    answers = {ids["p"]: {"amount": 1}, ids["q"]: {"width": "wide"}}
    bad = run.attempt(run.invoke, g, api.Command(resume=answers), run.config())
    same = (run.steps(g, run.config()), sorted(calls)) == before
    left = (
        sorted(open_ids(run, g, run.config()))
        if ids == open_ids(run, g, run.config())
        else []
    )
    answers[ids["q"]] = {"width": 2}
    some = run.invoke(g, api.Command(resume=answers), run.config())
    last = run.invoke(g, api.Command(resume={"text": "t"}), run.config())
    return [bad, same, left, some, last, sorted(calls)]


@program("R5.9")
def schemas_of_every_kind(api, run):
    seen = []
    cases = {
        "model": (Price, {"amount": -1}, {"amount": "3"}),
        "dataclass": (Size, {"height": 2}, {"width": 2}),
        "typeddict": (Word, {"text": 5}, {"text": "t"}),
        "int": (int, "many", 5),
        "list": (list[int], [1, "x"], [1, 2]),
        "optional": (int | None, "x", 7),
    }
    for name, (schema, bad, good) in cases.items():
        calls = []
        g = _asking(api, run, calls, n=schema)
        config = run.config(name)
        first = run.invoke(g, {"log": []}, config)["__interrupt__"][0]
        error = run.attempt(run.invoke, g, api.Command(resume=bad), config)
        left = run.look(g, config)["interrupts"]
        out = run.invoke(g, api.Command(resume=good), config)
        kind = {
            k: v for k, v in first.response_schema.items() if k in ("type", "required")
        }
        seen.append([name, kind, error, [q.id == first.id for q in left], out])
    return seen


@program(
    "R5.9",
    differs="a TypedDict of typing is taken on Python 3.11 too",
    expected=[
        ["text"],
        [
            {"raises": "UnknownInterruptError"},
            {"raises": "ValidationError"},
            {"raises": "ValidationError"},
            {"raises": "ValidationError"},
        ],
        {"log": ["n dict {'text': 't', 'price': Price(amount=4, why='')}"]},
        ["n", "n"],
    ],
)
def a_typeddict_from_typing(api, run):
    calls = []
    g = _asking(api, run, calls, n=PlainWord)
    first = run.invoke(g, {"log": []}, run.config())["__interrupt__"][0]
    bad = [
        run.attempt(run.invoke, g, api.Command(resume=value), run.config())
        for value in ({}, {"text": 5}, {"text": "t", "price": {"amount": "x"}}, "t")
    ]
    good = {"text": "t", "price": {"amount": 4}}
    out = run.invoke(g, api.Command(resume=good), run.config())
    return [first.response_schema["required"], bad, out, calls]


@program(
    "R5.9",
    differs="answers to questions in tasks and subgraphs are checked before any task starts",
    expected=[
        [
            [{"raises": "ValidationError"}, [{"asks": "task", "id": "#1"}], True],
            [{"raises": "ValidationError"}, [{"asks": "inner", "id": "#2"}], True],
        ],
        {"log": [1, "inner Size Size(width=2, height=1)"]},
    ],
)
def schemas_of_questions_below(api, run):
    """In a `@task`, and in a subgraph that a node calls."""
    calls = []

    @api.task
    def asks(name):
        return api.interrupt(name, response_schema=Size).width

    inner = _asking(api, run, calls, inner=Size)
    inner.checkpointer = None

    def above(state):
        return {"log": [asks("task").result(), *inner.invoke({"log": []})["log"]]}

    g = graph(api, (api.START, "above"), above=above).compile(checkpointer=run.saver)
    seen = []
    run.invoke(g, {"log": []}, run.config())
    for good in ({"width": 1}, {"width": 2}):
        before = len(calls)
        bad = run.attempt(
            run.invoke, g, api.Command(resume={"width": "x"}), run.config()
        )
        seen.append(
            [bad, run.look(g, run.config())["interrupts"], len(calls) == before]
        )
        out = run.invoke(g, api.Command(resume=good), run.config())
    return [seen, out]


@program(
    "R5.9",
    "R6.10",
    differs="a carried question keeps its schema; its answer is checked before the task starts",
    expected=[
        {"raises": "ValidationError"},
        True,
        ["n", "n"],
        {"log": ["u", "n Size Size(width=3, height=1)"]},
    ],
)
def a_carried_question_keeps_its_schema(api, run):
    calls = []
    g = _asking(api, run, calls, n=Size)
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    before = run.steps(g, run.config())
    bad = run.attempt(run.invoke, g, api.Command(resume={"width": "x"}), run.config())
    same = run.steps(g, run.config()) == before
    out = run.invoke(g, api.Command(resume={"width": 3}), run.config())
    return [bad, same, calls, out]
