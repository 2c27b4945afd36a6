"""The form of a thread's state: channels to fields or to one JSON text, and back.

What was shown travels with the form (`base`), so that the server can tell what this person
changed from what others changed meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from workflows.services import strict_json
from workflows.services.conversation import are_messages, to_read
from workflows.services.state_to_edit import ChannelToEdit, StateToEdit
from workflows.services.tagged import text_tag
from workflows.services.typed_state import misfits, restored
from workflows.web import message_form
from workflows.web.form_drawing import fits
from workflows.web.form_fields import Field, walk
from workflows.web.forms import Form
from workflows.web.schema import Document, infer
from workflows.web.value_diff import DiffRow, diff

FORM, JSON = "form", "json"
PREFIX = "s"
UPDATE = "u/"
MAX_PAGE_JSON = 2_000_000


@dataclass
class Update:
    """What goes through a channel's reducer, as it stands in its box."""

    channel: str
    reducer: str
    text: str = ""
    error: str = ""

    @property
    def id(self) -> str:
        """The id of its box; names of channels may hold anything."""
        return f"update-{self.channel.encode().hex()}"

    @property
    def name(self) -> str:
        """What its box posts under."""
        return UPDATE + self.channel


@dataclass
class Typed:
    """What a person has typed. `values` are trees by channel, those that are not changed too.

    `base` is what they were shown. `faults` are texts that belong to no field.
    """

    mode: str
    base: dict[str, Any]
    values: dict[str, Any]
    text: str = ""
    blank: frozenset[str] = frozenset()
    """The channels that had no value when they were shown."""
    root: Field | None = None
    faulty: list[Field] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    text_error: str = ""
    updates: list[Update] = field(default_factory=list)
    update_trees: dict[str, Any] = field(default_factory=dict)

    @property
    def is_readable(self) -> bool:
        """Whether all of it can be read."""
        return not (
            self.faulty
            or self.faults
            or self.text_error
            or any(each.error for each in self.updates)
        )

    @property
    def changed(self) -> dict[str, Any]:
        """The channels that this person changed, as trees."""
        return {
            name: tree
            for name, tree in self.values.items()
            if name not in self.base or diff(self.base[name], tree)
        }

    def rows(self) -> list[DiffRow]:
        """What they changed, for reading."""
        changed = self.changed
        return _differing({n: self.base[n] for n in changed if n in self.base}, changed)


class StateForm:
    """The fields of one state, for the channels that are given whole."""

    def __init__(self, state: StateToEdit) -> None:
        self.state = state
        self.channels = [each for each in state.editable if not each.is_cut]
        self.by_name = {each.name: each for each in self.channels}
        self.shown = {each.name: each.tree for each in self.channels if each.is_set}

    def draw(self, values: Mapping[str, Any] | None = None) -> Typed:
        """What the page shows before anything is typed, or `values` as if they were typed."""
        given = dict(self.shown if values is None else values)
        typed = Typed(FORM, dict(self.shown), given, updates=self._updates({}))
        return self.show(typed, FORM)

    def show(self, typed: Typed, mode: str) -> Typed:
        """The same words in this mode, on what is there now."""
        typed.mode = mode
        typed.text = strict_json.dump(typed.values)
        form = self._form(typed.values)
        typed.root = form.draw(self._as_drawn(typed.values), self._as_drawn(self.shown))
        _name(typed.root, self.by_name)
        return typed

    def read(self, post: QueryDict) -> Typed:
        """Read what was posted, in the mode in which it was typed."""
        mode = JSON if post.get("mode") == JSON else FORM
        if "mode" not in post and "values" in post:
            mode = JSON
        base = self._base(post)
        updates, trees = self._read_updates(post)
        if mode == JSON:
            typed = self._read_json(post.get("values", ""), base)
        else:
            typed = self._read_form(post, base)
        typed.updates, typed.update_trees = updates, trees
        typed.blank = frozenset(post.getlist("on")) - base.keys()
        for name in typed.changed.keys() & trees.keys():
            each = next(update for update in updates if update.channel == name)
            each.error = "Change the value above or send an update, not both."
        return typed

    def restored(self, trees: Mapping[str, Any]) -> dict[str, Any]:
        """Trees as the values they stand for; raises InvalidAnswer by channel."""
        return restored(trees, self.shown)

    def moved(self, typed: Typed) -> list[DiffRow]:
        """What others have changed of what this person was shown."""
        names = typed.base.keys() | typed.blank
        return _differing(
            typed.base, {n: t for n, t in self.shown.items() if n in names}
        )

    def merged(self, typed: Typed) -> tuple[dict[str, Any], list[str]]:
        """What was typed laid over what is there now, and where both sides changed."""
        mine = typed.changed
        theirs = {
            name
            for name in self.shown.keys() | typed.base.keys()
            if name in self.by_name
            and diff({"": typed.base.get(name)}, {"": self.shown.get(name)})
        }
        return {**self.shown, **mine}, sorted(theirs & mine.keys())

    def _base(self, post: QueryDict) -> dict[str, Any]:
        try:
            found = strict_json.parse(post.get("base", ""))
        except strict_json.JsonProblem:
            found = None
        if not isinstance(found, dict):
            return dict(self.shown)
        return {name: found[name] for name in found if name in self.by_name}

    def _form(self, values: Mapping[str, Any]) -> Form:
        properties = {
            each.name: _schema(each, values.get(each.name), self.state.definitions)
            for each in self.channels
        }
        required = [name for name in properties if name in self.shown]
        schema = {
            **self.state.definitions,
            "type": "object",
            "properties": properties,
            "required": required,
        }
        return Form(schema, prefix=PREFIX)

    def _as_drawn(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: message_form.to_form(tree)
            if are_messages(self.shown.get(name))
            else tree
            for name, tree in values.items()
        }

    def _read_form(self, post: QueryDict, base: dict[str, Any]) -> Typed:
        reading = self._form(base).read(post, MultiValueDict(), self._as_drawn(base))
        found = reading.value if isinstance(reading.value, dict) else {}
        values = {
            name: message_form.from_form(tree)
            if are_messages(self.shown.get(name))
            else tree
            for name, tree in found.items()
        }
        root = reading.root
        new = self._not_on_the_page(post)
        if new:  # it stands as it is
            drawn = self._form(self.shown).draw(self._as_drawn(self.shown))
            for at, name in enumerate(self.by_name):
                if name in new:
                    root.children[at] = drawn.children[at]
                    values.pop(name, None)
                    if name in self.shown:
                        base[name] = values[name] = self.shown[name]
        _name(root, self.by_name)
        faulty = [each for each in walk(root) if each.errors]
        return Typed(
            FORM, base, values, strict_json.dump(values), root=root, faulty=faulty
        )

    def _not_on_the_page(self, post: QueryDict) -> set[str]:
        """The channels that the posted page had no field for, such as one that is loaded now."""
        named = post.getlist("on")
        return set(self.by_name) - set(named) if named else set()

    def _read_json(self, text: str, base: dict[str, Any]) -> Typed:
        typed = Typed(JSON, base, dict(base), text)
        try:
            found = strict_json.parse(text)
        except strict_json.JsonProblem as problem:
            typed.text_error = f"Not valid JSON at {problem.place}: {problem.text}."
            return typed
        if not isinstance(found, dict):
            typed.text_error = "Write a JSON object: one key per field."
            return typed
        typed.values = {**base, **found}
        for name, tree in typed.changed.items():
            for place, fault in misfits(self.state, name, tree).items():
                where = f"{name}.{place}" if place else name
                typed.faults.append(f"{where}: {fault}")
        return typed

    def _updates(self, texts: Mapping[str, str]) -> list[Update]:
        return [
            Update(each.name, each.reducer, texts.get(each.name, ""))
            for each in self.state.editable
            if each.reducer
        ]

    def _read_updates(self, post: QueryDict) -> tuple[list[Update], dict[str, Any]]:
        known = {each.name for each in self.state.editable if each.reducer}
        texts = {
            name.removeprefix(UPDATE): post.get(name, "")
            for name in post
            if name.startswith(UPDATE)
        }
        updates = self._updates(texts)
        trees: dict[str, Any] = {}
        for channel, text in texts.items():
            if not text.strip():
                continue
            if channel not in known:
                # Not one of this page: the service refuses it by name.
                trees[channel] = None
                continue
            each = next(update for update in updates if update.channel == channel)
            try:
                trees[channel] = strict_json.parse(text)
            except strict_json.JsonProblem as problem:
                each.error = f"Not valid JSON at {problem.place}: {problem.text}."
        return updates, trees


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[DiffRow]:
    """What differs between two states, for reading: conversations as who says what."""
    return diff(
        {name: to_read(tree) for name, tree in old.items()},
        {name: to_read(tree) for name, tree in new.items()},
    )


def _schema(
    channel: ChannelToEdit, tree: Any, definitions: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The schema to draw a channel by: the state's own, where it says more than the value."""
    if are_messages(channel.tree):
        return message_form.SCHEMA
    own = channel.schema
    if own:
        shape = Document({**definitions, **own}).shape(own)
        plain = channel.tree if channel.is_set else None
        if text_tag(plain):
            return infer(plain)
        if shape.kind == "text" and isinstance(plain, str):
            # A line to type in would lose the ends of lines.
            return {**own, **infer(plain)}
        if shape.kind != "json" and fits(shape, plain):
            return own
    if not channel.is_set:
        return own or {}
    return infer(channel.tree)


def _name(root: Field, channels: Mapping[str, ChannelToEdit]) -> None:
    """Fields are called as the code calls the channels, unless the author gave them a title."""
    for child, name in zip(root.children, channels, strict=False):
        if not child.shape.label:
            child.label = name
