"""Types become schemas that a form can be drawn from; answers become instances."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

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
    assert keys["size"] == {"enum": ["m", "s"]}
    assert keys["file"] == {"type": "string", "contentMediaType": "text/csv"}
    assert keys["note"] == {"type": "string", "description": "free text"}
    assert {"type": "string", "format": "date"} in keys["due"]["anyOf"]
    assert schema["$defs"]["Color"]["enum"] == ["blue", "red"]
    assert schema["$defs"]["Line"]["properties"]["count"] == {
        "type": "integer",
        "default": 2,
    }


def test_keys_of_a_partial_typed_dict_are_optional():
    class Partial(TypedDict, total=False):
        a: int

    assert json_schema(Partial)["required"] == []


def test_a_dataclass_shows_its_defaults():
    schema = json_schema(Line)

    assert schema["required"] == ["sku"]
    assert schema["properties"]["count"] == {"type": "integer", "default": 2}
    assert schema["properties"]["tags"]["default"] == []
    assert "description" not in schema


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
