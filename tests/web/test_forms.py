"""One field of a form from JSON Schema: what is drawn, what is read back, and what is refused where."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.web.posted_forms import one, posted
from workflows.web.form_fields import walk
from workflows.web.forms import Form, attach

PERSON = {
    "$ref": "#/$defs/Person",
    "$defs": {
        "Person": {
            "title": "Person",
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 2},
                "age": {"type": "integer", "minimum": 0},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "home": {"$ref": "#/$defs/Address"},
            },
            "required": ["name", "age", "note", "home"],
        },
        "Address": {
            "type": "object",
            "properties": {"street": {"type": "string"}},
            "required": ["street"],
        },
    },
}


def test_it_draws_nested_objects_through_references():
    names = [field.name for field in walk(Form(PERSON).draw())]

    assert names == ["v", "v/name", "v/age", "v/note", "v/home", "v/home/street"]


def test_it_reads_a_nested_object():
    reading = Form(PERSON).read(
        posted({"v/name": "Ada", "v/age": "36", "v/note": "", "v/home/street": "Low 1"})
    )

    assert reading.errors == {}
    assert reading.value == {
        "name": "Ada",
        "age": 36,
        "note": None,
        "home": {"street": "Low 1"},
    }


def test_errors_stand_at_their_fields_and_nothing_typed_is_lost():
    reading = Form(PERSON).read(
        posted({"v/name": "A", "v/age": "x1", "v/note": "n", "v/home/street": ""})
    )

    assert set(reading.errors) == {"v/name", "v/age", "v/home/street"}
    raws = {field.name: field.raw for field in walk(reading.root)}
    assert raws["v/age"] == "x1"
    assert raws["v/note"] == "n"


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("integer", "9007199254740993", 9007199254740993),
        ("integer", " -7 ", -7),
        ("number", "9007199254740993", 9007199254740993),
        ("number", "0.1", 0.1),
        ("number", "12.50", 12.5),
        ("number", "1e3", 1000.0),
        ("string", "a\r\nb", "a\nb"),
    ],
)
def test_values_are_exact(kind, raw, value):
    reading = one({"type": kind}, raw)

    assert reading.errors == {}
    assert reading.value == value
    assert type(reading.value) is type(value)


@pytest.mark.parametrize(
    ("schema", "raw", "part"),
    [
        ({"type": "integer"}, "1.5", "whole number"),
        ({"type": "integer"}, "", "Fill this in"),
        ({"type": "integer"}, "9" * 2000, "digits"),
        ({"type": "integer", "maximum": 5}, "6", "at most 5"),
        ({"type": "number"}, "NaN", "finite"),
        ({"type": "number"}, "1e999", "too large"),
        ({"type": "number"}, "1,5", "point, not a comma"),
        ({"type": "number"}, "0.1234567890123456789", "more digits"),
        ({"type": "number", "multipleOf": 0.5}, "0.7", "multiple of 0.5"),
        ({"type": "string"}, "a\x00b", "NUL"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "A1", "expected form"),
        ({"type": "string", "format": "email"}, "nobody", "e-mail"),
        ({"type": "string", "format": "uri"}, "nowhere", "full address"),
        ({"type": "string", "format": "date"}, "2026-02-30", "date"),
        ({"type": "string", "format": "date-time"}, "noon", "date and time"),
        ({"enum": ["a", "b"]}, "7", "options"),
        ({}, "{", "line 1, column 2"),
        ({}, '{"a": "\\ud800"}', "$.a"),
    ],
)
def test_faults_are_named(schema, raw, part):
    reading = one(schema, raw)

    assert part in reading.errors["v"]


def test_dates_and_moments():
    assert one({"type": "string", "format": "date"}, "2026-03-31").value == "2026-03-31"
    moment = one({"type": "string", "format": "date-time"}, "2026-03-31T14:30")
    assert moment.value == "2026-03-31T14:30:00+00:00"


@pytest.mark.parametrize(
    ("schema", "proposed"),
    [
        ({"type": "string", "format": "date-time"}, "2026-03-31T14:30:00.123456+02:00"),
        ({"type": "string", "format": "long"}, "one\r\ntwo\r\n"),
        ({"type": "string"}, ""),
        ({"type": "number"}, 1e22),
        ({"type": ["string", "null"]}, ""),
        ({}, {"b": 1, "a": [None, 1.0]}),
    ],
)
def test_what_is_not_touched_comes_back_exactly(schema, proposed):
    form = Form(schema)
    raw = form.draw(proposed).raw

    reading = form.read(posted({"v": raw.replace("\n", "\r\n")}), proposed=proposed)

    assert reading.errors == {}
    assert reading.value == proposed


def test_a_proposed_text_can_be_cleared():
    assert one({"type": "string"}, "", proposed="old").value == ""


def test_a_choice_keeps_its_type():
    schema = {"enum": [1, "1", True]}

    assert one(schema, "1").value == "1"
    assert one(schema, "0").value == 1
    assert Form(schema).draw("1").choices[1].chosen


def test_a_required_tick_box_and_an_optional_one():
    schema = {
        "type": "object",
        "properties": {"must": {"type": "boolean"}, "may": {"type": "boolean"}},
        "required": ["must"],
    }

    assert Form(schema).read(posted({})).value == {"must": False}
    both = Form(schema).read(posted({"v/must": "1", "v/may": "0"}))
    assert both.value == {"must": True, "may": False}


def test_defaults_are_drawn():
    schema = {
        "type": "object",
        "properties": {"limit": {"type": "integer", "default": 20}},
    }

    assert Form(schema).draw().children[0].raw == "20"


class TestFiles:
    schema = {
        "type": "object",
        "properties": {"csv": {"type": "string", "contentMediaType": "text/csv"}},
        "required": ["csv"],
    }

    def read(self, content):
        return Form(self.schema).read(
            posted({}), {"v/csv": SimpleUploadedFile("a.csv", content)}
        )

    def test_the_text_is_the_value(self):
        assert self.read("ä,1\n".encode()).value == {"csv": "ä,1\n"}

    def test_other_encodings_are_refused_with_the_place(self):
        assert "byte 2" in self.read(b"a\xff").errors["v/csv"]

    def test_more_than_two_mebibytes_are_refused(self):
        assert "2 MiB" in self.read(b"a" * (2 * 1024 * 1024 + 1)).errors["v/csv"]

    def test_none_chosen_is_an_error(self):
        reading = Form(self.schema).read(posted({}))

        assert reading.errors == {"v/csv": "Fill this in."}

    def test_the_form_says_that_it_needs_multipart(self):
        assert Form(self.schema).takes_files
        assert not Form(PERSON).takes_files


def test_a_pattern_that_cannot_be_read_stops_nobody():
    assert one({"type": "string", "pattern": "(["}, "x").errors == {}


def test_changes_are_marked_against_the_proposal():
    form = Form({"type": "string"})

    assert form.read(posted({"v": "new"}), proposed="old").root.is_changed
    assert not form.read(posted({"v": "old"}), proposed="old").root.is_changed


def test_errors_of_the_services_find_their_fields():
    root = Form(PERSON).draw()

    left = attach(
        root,
        {"$.home.street": "unknown", "/age": "odd", "name": "?", "$": "no", "$.x": "y"},
    )

    assert left == ["no", "$.x: y"]
    assert {f.name: f.errors for f in walk(root) if f.errors} == {
        "v/home/street": ["unknown"],
        "v/age": ["odd"],
        "v/name": ["?"],
    }
