"""Which answers fit the schema of their question."""

import pytest

from workflows.services.schema_check import schema_errors

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "age": {"type": ["integer", "null"], "minimum": 0},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}},
        "role": {"enum": ["viewer", "admin"]},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"Tag": {"type": "string"}},
}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Ann"},
        {"name": "Ann", "age": None, "tags": ["a"], "role": "admin"},
        {"name": "Ann", "age": 2**80},
        {"name": "Ann", "age": 3.0},
    ],
)
def test_what_fits_has_no_errors(value):
    assert schema_errors(value, PERSON) == {}


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("Ann", [""]),
        ({}, ["name"]),
        ({"name": "A"}, ["name"]),
        ({"name": 3}, ["name"]),
        ({"name": "Ann", "age": -1}, ["age"]),
        ({"name": "Ann", "age": True}, ["age"]),
        ({"name": "Ann", "age": 1.5}, ["age"]),
        ({"name": "Ann", "age": float("inf")}, ["age"]),
        ({"name": "Ann", "tags": ["a", 2]}, ["tags.1"]),
        ({"name": "Ann", "role": "owner"}, ["role"]),
        ({"name": "Ann", "owner": 1}, ["owner"]),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(value, paths):
    assert list(schema_errors(value, PERSON)) == paths


def test_one_of_several_branches_is_enough():
    schema = {
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "type": {"const": "edit"},
                    "sum": {"type": "number"},
                },
                "required": ["type", "sum"],
            },
            {"type": "object", "properties": {"type": {"const": "approve"}}},
        ]
    }

    assert schema_errors({"type": "approve"}, schema) == {}
    assert schema_errors({"type": "edit", "sum": 3}, schema) == {}
    assert schema_errors({"type": "edit", "sum": "x"}, schema)
    assert schema_errors("approve", schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"type": "sorcery"},
        {"properties": 3},
        {"anyOf": []},
        {"required": None},
    ],
)
def test_a_schema_that_says_nothing_lets_everything_pass(schema):
    assert schema_errors({"a": 1}, schema) == {}


def test_a_schema_that_contains_itself_ends():
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    value: dict = {}
    for _ in range(300):
        value = {"next": value}

    assert schema_errors(value, tree) == {}
