"""Forms for values inside of values: lists, alternatives, references, and keys of any name."""

import pytest

from tests.web.posted_forms import posted
from workflows.web.form_fields import walk
from workflows.web.forms import Form
from workflows.web.schema import infer

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
