"""Forms from JSON Schema: what is drawn, what is read back, and what is refused where."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from workflows.web.form_fields import walk
from workflows.web.forms import Form, attach
from workflows.web.schema import infer

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

DECISION = {
    "anyOf": [{"$ref": "#/$defs/Approve"}, {"$ref": "#/$defs/Edit"}],
    "discriminator": {
        "propertyName": "type",
        "mapping": {"approve": "#/$defs/Approve", "edit": "#/$defs/Edit"},
    },
    "$defs": {
        "Approve": {
            "title": "Approve",
            "type": "object",
            "properties": {"type": {"enum": ["approve"]}},
            "required": ["type"],
        },
        "Edit": {
            "title": "Edit",
            "type": "object",
            "properties": {
                "type": {"const": "edit"},
                "amount": {"type": "number"},
            },
            "required": ["type", "amount"],
        },
    },
}


def posted(pairs):
    data = QueryDict(mutable=True)
    for name, value in pairs.items():
        data[name] = value
    return data


def one(schema, raw, proposed=...):
    """Read one top-level control."""
    extra = {} if proposed is ... else {"proposed": proposed}
    return Form(schema).read(posted({} if raw is None else {"v": raw}), **extra)


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


class TestLists:
    schema = {
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"type": "string"}},
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"net": {"type": "number"}},
                    "required": ["net"],
                },
            },
        },
        "required": ["tags", "lines"],
    }

    def read(self, **buttons):
        return Form(self.schema).read(
            posted(
                {
                    "v/tags/~n": "2",
                    "v/tags/0": "a",
                    "v/tags/1": "b",
                    "v/lines/~n": "1",
                    "v/lines/0/net": "1.5",
                    **buttons,
                }
            )
        )

    def test_entries_are_read_in_order(self):
        assert self.read().value == {"tags": ["a", "b"], "lines": [{"net": 1.5}]}

    def test_one_can_be_added(self):
        lines = self.read(_add="v/lines").root.children[1]

        assert [child.name for child in lines.children] == ["v/lines/0", "v/lines/1"]

    def test_one_can_be_removed_and_the_rest_moves_up(self):
        reading = self.read(_remove="v/tags/0")

        assert reading.value["tags"] == ["b"]
        assert [c.name for c in reading.root.children[0].children] == ["v/tags/0"]

    def test_an_entry_keeps_what_the_form_does_not_show_when_others_go(self):
        schema = {
            "type": "array",
            "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
        }
        proposed = [{"n": 1, "secret": "a"}, {"n": 2, "secret": "b"}]
        first = Form(schema).read(
            posted({"v/~n": "2", "v/0/n": "1", "v/1/n": "2", "_remove": "v/0"}),
            proposed=proposed,
        )
        (kept,) = first.root.children

        reading = Form(schema).read(
            posted({"v/~n": "1", "v/0/n": "2", "v/0/~from": str(kept.source_at)}),
            proposed=proposed,
        )

        assert reading.value == [{"n": 2, "secret": "b"}]

    def test_one_can_be_moved(self):
        down = self.read(_move="v/tags/0:down")
        up = self.read(_move="v/tags/1:up")

        for reading in (down, up):
            assert reading.value["tags"] == ["b", "a"]
            children = reading.root.children[0].children
            assert [(c.name, c.raw) for c in children] == [
                ("v/tags/0", "b"),
                ("v/tags/1", "a"),
            ]

    @pytest.mark.parametrize("move", ["v/tags/0:up", "v/tags/1:down", "v/x/0:up", ":"])
    def test_what_cannot_be_moved_stays(self, move):
        assert self.read(_move=move).value["tags"] == ["a", "b"]

    def test_a_moved_entry_keeps_what_the_form_does_not_show(self):
        schema = {
            "type": "array",
            "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
        }
        proposed = [{"n": 1, "secret": "a"}, {"n": 2, "secret": "b"}]

        moved = Form(schema).read(
            posted({"v/~n": "2", "v/0/n": "1", "v/1/n": "2", "_move": "v/1:up"}),
            proposed=proposed,
        )

        assert moved.value == proposed[::-1]
        assert [child.source_at for child in moved.root.children] == [1, 0]

    def test_a_count_from_outside_is_bounded(self):
        reading = Form({"type": "array", "items": {"type": "string"}}).read(
            posted({"v/~n": "999999999"})
        )

        assert len(reading.root.children) == 200


class TestUnions:
    def test_the_branches_are_found_by_their_tag(self):
        field = Form(DECISION).draw({"type": "edit", "amount": 3})

        assert [(b.label, b.chosen) for b in field.branches] == [
            ("Approve", False),
            ("Edit", True),
        ]

    def test_only_the_chosen_branch_is_read(self):
        form = Form(DECISION)

        assert form.read(posted({"v": "0"})).value == {"type": "approve"}
        reading = form.read(posted({"v": "1", "v/~b1/amount": "2.5"}))
        assert reading.value == {"type": "edit", "amount": 2.5}

    def test_errors_of_branches_not_chosen_do_not_count(self):
        reading = Form(DECISION).read(posted({"v": "0", "v/~b1/amount": "x"}))

        assert reading.errors == {}

    def test_nothing_chosen_is_an_error(self):
        assert Form(DECISION).read(posted({})).errors == {"v": "Choose one."}


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


def test_what_the_form_does_not_know_is_json_for_that_key_alone():
    schema = {
        "type": "object",
        "properties": {
            "odd": {"type": "array", "prefixItems": [{"type": "string"}]},
            "name": {"type": "string"},
        },
        "required": ["odd", "name"],
    }

    kinds = [field.kind for field in Form(schema).draw().children]

    assert kinds == ["json", "text"]


def test_a_reference_to_itself_ends_in_json():
    schema = {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {"child": {"$ref": "#/$defs/Node"}},
            }
        },
    }

    assert walk(Form(schema).draw())[-1].kind == "json"


def test_what_contains_itself_often_does_not_multiply_without_end():
    parts = {f"part{n}": {"$ref": "#/$defs/Node"} for n in range(6)}
    schema = {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {"type": "object", "properties": parts}},
    }

    assert len(walk(Form(schema).draw())) < 2000


def test_a_list_of_what_contains_itself_is_read_as_deep_as_it_is_drawn():
    schema = {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "parts": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                },
                "required": ["name", "parts"],
            }
        },
    }
    leaf = {"name": "c", "parts": []}
    value = {"name": "a", "parts": [{"name": "b", "parts": [leaf]}]}
    form = Form(schema)
    data = {field.name: field.raw for field in walk(form.draw(value))}
    for field in walk(form.draw(value)):
        if field.kind == "array":
            data[f"{field.name}/~n"] = str(len(field.children))

    assert form.read(posted(data), proposed=value).value == value


def test_a_pattern_that_cannot_be_read_stops_nobody():
    assert one({"type": "string", "pattern": "(["}, "x").errors == {}


def test_keys_that_the_schema_does_not_name_are_kept():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}

    reading = Form(schema).read(posted({"v/a": "2"}), proposed={"z": 9, "a": 1})

    assert reading.value == {"z": 9, "a": 2}


def test_keys_with_slashes_and_dots_keep_their_names():
    value = {"a/b": "x", "a.b": "y", "~n": "z"}
    form = Form(infer(value))

    data = {field.name: field.raw for field in walk(form.draw(value))}

    assert form.read(posted(data), proposed=value).value == value


def test_a_value_without_schema_is_described_by_itself():
    value = {"net": 12.5, "lines": [{"n": 1}, {"n": 2}], "odd": [1, "a"], "ok": True}

    kinds = {f.name: f.kind for f in walk(Form(infer(value)).draw(value))}

    assert kinds["v/net"] == "number"
    assert kinds["v/lines"] == "array"
    assert kinds["v/odd"] == "json"
    assert kinds["v/ok"] == "boolean"


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
