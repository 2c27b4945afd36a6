"""Forms for alternatives without a tag, for named constants and for times of day."""

import pytest

from tests.web.posted_forms import one, posted
from workflows.web.forms import Form


class TestAlternativesWithoutATag:
    schema = {
        "anyOf": [
            {"type": "integer"},
            {"type": "array", "items": {"type": "string"}},
            {
                "title": "Range",
                "type": "object",
                "properties": {"low": {"type": "integer"}, "high": {"type": "integer"}},
                "required": ["low", "high"],
            },
            {"type": "null"},
        ]
    }

    @pytest.mark.parametrize(
        ("value", "label"),
        [(3, "Whole number"), (["a"], "List"), ({"low": 1, "high": 2}, "Range")],
    )
    def test_the_value_chooses(self, value, label):
        field = Form(self.schema).draw(value)

        assert [b.label for b in field.branches if b.chosen] == [label]
        assert field.nullable

    @pytest.mark.parametrize(
        ("typed", "value"),
        [
            ({"v": "0", "v/~b0": "7"}, 7),
            ({"v": "1", "v/~b1/~n": "1", "v/~b1/0": "x"}, ["x"]),
            ({"v": "2", "v/~b2/low": "1", "v/~b2/high": "9"}, {"low": 1, "high": 9}),
            ({}, None),
        ],
    )
    def test_the_chosen_one_is_read(self, typed, value):
        reading = Form(self.schema).read(posted(typed))

        assert reading.errors == {}
        assert reading.value == value

    def test_a_value_that_is_none_of_them_is_edited_as_json(self):
        assert Form(self.schema).draw("text").kind == "json"


class TestNamedConstants:
    schema = {"oneOf": [{"const": 1, "title": "Low"}, {"const": 2, "title": "High"}]}

    def test_they_are_one_choice_with_names(self):
        field = Form(self.schema).draw(2)

        assert [(c.label, c.chosen) for c in field.choices] == [
            ("Low", False),
            ("High", True),
        ]

    def test_the_constant_is_the_value(self):
        assert one(self.schema, "0").value == 1


class TestTimes:
    schema = {"type": "string", "format": "time"}

    def test_a_time_of_day(self):
        assert Form(self.schema).draw("14:30:00").input_type == "time"
        assert one(self.schema, "14:30").value == "14:30:00"
        assert "time of day" in one(self.schema, "noon").errors["v"]

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("time", "14:30:00Z"),
            ("date", "next week"),
            ("date-time", "20260331T143000Z and a bit"),
        ],
    )
    def test_what_a_picker_would_drop_is_edited_as_text(self, kind, value):
        schema = {"type": "string", "format": kind}

        assert Form(schema).draw(value).input_type == "text"
        assert one(schema, value, value).value == value
