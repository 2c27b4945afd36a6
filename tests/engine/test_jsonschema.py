"""Types become schemas that a form can be drawn from; answers become instances."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict
from uuid import uuid4

import msgspec
import pytest
import typing_extensions
from pydantic import BaseModel, ValidationError

from workflows.engine.answers import (
    answer_errors,
    is_invalid_answer,
    validate_answer,
)
from workflows.engine.graph.message import MessagesState
from workflows.engine.jsonschema import json_schema

if TYPE_CHECKING:
    from nowhere import Unseen  # type: ignore[import-not-found]


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    name: str
    count: int = 1


@dataclass
class Line:
    sku: str
    count: int = 2
    tags: list[str] = field(default_factory=list)


class State(TypedDict):
    """What the workflow keeps."""

    url: str
    log: Annotated[list[str], operator.add]
    due: date | None
    at: datetime
    amount: Decimal
    color: Color
    size: Literal["s", "m"]
    lines: list[Line]
    file: Annotated[str, {"contentMediaType": "text/csv"}]
    note: NotRequired[Annotated[str, msgspec.Meta(description="free text")]]


def test_a_typed_dict_becomes_an_object_with_its_required_keys():
    schema = json_schema(State)
    keys = schema["properties"]

    assert schema["title"] == "State"
    assert schema["description"] == "What the workflow keeps."
    assert schema["required"] == [
        "url",
        "log",
        "due",
        "at",
        "amount",
        "color",
        "size",
        "lines",
        "file",
    ]
    assert keys["url"] == {"type": "string"}
    assert keys["log"] == {"type": "array", "items": {"type": "string"}}
    assert keys["at"] == {"type": "string", "format": "date-time"}
    assert keys["amount"] == {"type": "string", "format": "decimal"}
    assert keys["size"] == {"enum": ["s", "m"]}  # as they are listed
    assert keys["file"] == {"type": "string", "contentMediaType": "text/csv"}
    assert keys["note"] == {"type": "string", "description": "free text"}
    assert {"type": "string", "format": "date"} in keys["due"]["anyOf"]
    assert schema["$defs"]["Color"]["enum"] == ["red", "blue"]
    assert schema["$defs"]["Line"]["properties"]["count"] == {
        "type": "integer",
        "default": 2,
    }


def test_keys_of_a_partial_typed_dict_are_optional():
    class Partial(TypedDict, total=False):
        a: int

    assert "required" not in json_schema(Partial)


def test_a_dataclass_shows_its_defaults():
    schema = json_schema(Line)

    assert schema["required"] == ["sku"]
    assert schema["properties"]["count"] == {"type": "integer", "default": 2}
    assert schema["properties"]["tags"]["default"] == []
    assert "description" not in schema


@dataclass
class Order:
    """Keys whose defaults are no numbers and texts."""

    color: Color = Color.RED
    line: Line = field(default_factory=lambda: Line("x"))
    spare: Line | None = None
    item: Item = field(default_factory=lambda: Item(name="pen"))
    marks: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=lambda: ["a", "b"])
    number: str = field(default_factory=lambda: uuid4().hex)
    broken: str = field(default_factory=lambda: 1 / 0)  # type: ignore[assignment, return-value]
    odd: Any = field(default_factory=object)


@pytest.mark.rule("R1.47")
def test_a_default_is_shown_whatever_it_is():
    keys = json_schema(Order)["properties"]

    assert keys["color"] == {"$ref": "#/$defs/Color", "default": "red"}
    assert keys["spare"]["default"] is None
    assert keys["marks"]["default"] == []
    assert "default" not in keys["line"]  # nothing of the author's is called


@pytest.mark.rule("R1.47")
def test_what_a_factory_makes_is_shown_where_it_makes_the_same_each_time():
    schema = json_schema(Order, made=True)
    keys = schema["properties"]

    made = {"sku": "x", "count": 2, "tags": []}
    assert keys["line"] == {"$ref": "#/$defs/Line", "default": made}
    assert keys["item"]["default"] == {"name": "pen", "count": 1}
    assert keys["words"]["default"] == ["a", "b"]
    others = [name for name in ("number", "broken", "odd") if "default" in keys[name]]
    assert others == []
    assert "required" not in schema


@pytest.mark.rule("R1.47")
def test_choices_stand_as_they_are_listed_wherever_they_are():
    class Nested(TypedDict):
        sizes: dict[str, list[Literal["s", "m", "l"]] | None]
        inner: Order

    schema = json_schema(Nested)

    text = str(schema["properties"]["sizes"])
    assert "['s', 'm', 'l']" in text
    assert schema["$defs"]["Color"]["enum"] == ["red", "blue"]


def test_a_model_describes_itself_also_inside_a_state():
    class Holder(TypedDict):
        items: dict[str, Item]
        one: Item | None

    schema = json_schema(Holder)

    assert json_schema(Item)["properties"]["name"]["type"] == "string"
    inner = schema["properties"]["items"]["additionalProperties"]
    assert inner["properties"]["count"]["type"] == "integer"


def test_a_key_that_cannot_be_described_falls_back_for_itself_alone():
    class Strange(TypedDict):
        a: int
        union: Item | Line | int
        anything: Any
        unseen: Unseen
        many: list[Unseen]
        call: type

    keys = json_schema(Strange)["properties"]

    assert keys["a"] == {"type": "integer"}
    for name in ("union", "anything", "unseen", "many"):
        assert keys[name] == {}


def test_the_typed_dict_of_typing_extensions_is_read_alike():
    class Other(typing_extensions.TypedDict, total=False):
        a: typing_extensions.Required[int]
        b: str

    schema = json_schema(Other)

    assert schema["required"] == ["a"]
    assert schema["properties"]["b"] == {"type": "string"}


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (int, {"type": "integer"}),
        (Annotated[int, operator.add], {"type": "integer"}),
        (dict, {"type": "object"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Any, {}),
        (object, {}),
    ],
)
def test_other_annotations_are_described_as_they_are(hint, schema):
    assert json_schema(hint) == schema


def test_a_conversation_has_a_schema():
    assert json_schema(MessagesState)["properties"].keys() == {"messages"}


class Answer(TypedDict):
    approve: bool
    due: NotRequired[date]


class Mixed(TypedDict):
    item: Item
    odd: Item | Line | int
    n: int


def test_an_answer_becomes_an_instance_of_its_schema():
    assert validate_answer(Item, {"name": "x", "count": "3"}) == Item(name="x", count=3)
    assert validate_answer(Line, {"sku": "a"}) == Line("a")
    assert validate_answer(Answer, {"approve": True, "due": "2026-01-02"}) == {
        "approve": True,
        "due": date(2026, 1, 2),
    }
    assert validate_answer(int, "5") == 5
    assert validate_answer(list[Item], [{"name": "x"}]) == [Item(name="x")]
    assert validate_answer(Mixed, {"item": {"name": "x"}, "odd": 1, "n": 2}) == {
        "item": Item(name="x"),
        "odd": 1,
        "n": 2,
    }


def test_an_instance_is_an_answer_already():
    line, item = Line("a"), Item(name="x")

    assert validate_answer(Line, line) is line
    assert validate_answer(Item, item) is item


def test_a_json_schema_is_handed_on_unchecked():
    assert validate_answer({"type": "integer"}, "x") == "x"
    assert validate_answer(None, {"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("schema", "value", "place"),
    [
        (Item, {"name": "x", "count": "many"}, "$.count"),
        (Item, {}, "$.name"),
        (Line, {"sku": 5}, "$.sku"),
        (Answer, {"approve": "maybe"}, "$.approve"),
        (Answer, {}, "$"),
        (Answer, "yes", "$"),
        (list[Line], [{"sku": "a"}, {"sku": "b", "tags": [1]}], "$[1].tags[0]"),
        (Mixed, {"item": {"name": "x"}, "odd": 1, "n": "q"}, "$.n"),
        (Mixed, {"item": {"name": "x"}}, "$"),
        (Mixed, 5, "$"),
    ],
)
def test_a_bad_answer_is_refused_with_its_place(schema, value, place):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        validate_answer(schema, value)

    assert place in answer_errors(refused.value)
    assert is_invalid_answer(refused.value)


def test_a_models_own_error_is_raised_for_a_model():
    with pytest.raises(ValidationError):
        validate_answer(Item, {})


def test_an_error_of_the_author_is_no_invalid_answer():
    assert not is_invalid_answer(ValueError("x"))
