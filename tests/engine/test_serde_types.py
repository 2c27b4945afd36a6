"""Classes of the author: registered by a tag, on the spot, renamed, changed."""

from __future__ import annotations

import logging
import sys
from dataclasses import InitVar, dataclass, field
from enum import Enum, Flag, IntEnum, StrEnum
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    TypedDict,
    TypeVar,
)

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from workflows.engine import serde
from workflows.engine.errors import (
    DamagedValueError,
    SerdeError,
    SerializationError,
    UnknownTypeError,
)


class Color(Enum):
    RED = ("r", 1)
    BLUE = ("b", 2)


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    YES = "yes"


class Right(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    lines: tuple[Line, ...] = ()
    color: Color = Color.RED


@dataclass
class Sum:
    a: int
    b: int
    total: int = field(init=False)

    def __post_init__(self):
        self.total = self.a + self.b


@dataclass
class Scaled:
    value: int
    factor: InitVar[int] = 2

    def __post_init__(self, factor):
        self.value *= factor


class Point(NamedTuple):
    x: int
    y: tuple[int, ...] = ()


class Struct(msgspec.Struct):
    a: int
    b: set[int]


class Item(BaseModel):
    name: str
    price: float = 1.0
    tags: set[str] = Field(default_factory=set)


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int = 1
    _count: int = PrivateAttr(default=0)


@pytest.mark.parametrize(
    "value",
    [
        Color.BLUE,
        Level.LOW,
        Word.YES,
        Right.READ | Right.WRITE,
        Line("a"),
        Order("o", (Line("a", 2),), Color.BLUE),
        Point(1, (2,)),
        Item(name="x", tags={"b", "a"}),
        Loose(a=2, more=(1, 2)),  # type: ignore[call-arg]
        Struct(1, {2}),
        {Color.RED: {Point(1): [Line("a")]}},
    ],
)
def test_a_class_met_on_writing_is_registered_on_the_spot(value):
    again = serde.loads(serde.dumps(value))

    assert again == value
    assert type(again) is type(value)


def test_a_derived_field_comes_back_as_it_was():
    value = Sum(1, 2)
    value.total = 99

    assert serde.loads(serde.dumps(value)) == value


def test_a_dataclass_with_init_only_arguments_is_not_initialised_again():
    assert serde.loads(serde.dumps(Scaled(3))).value == 6


def test_a_model_comes_back_with_private_values_and_without_validation():
    value = Loose(a=1)
    value._count = 5
    wrong = Item.model_construct(name=3, price="cheap")

    assert serde.loads(serde.dumps(value))._count == 5
    again = serde.loads(serde.dumps(wrong))
    assert again.name == 3
    assert again.model_fields_set == wrong.model_fields_set


def test_a_digest_counts_a_models_values_not_which_were_given():
    given, left_out = Item(name="x", price=1.0, tags=set()), Item(name="x")

    assert serde.canonical(given) == serde.canonical(left_out)


def test_the_place_inside_a_class_is_named():
    with pytest.raises(SerializationError) as refused:
        serde.dumps({"order": Order("o", (Line(object()),))})  # type: ignore[arg-type]

    assert refused.value.path == "$.order.lines[0].sku"


@pytest.mark.rule("R10.6", "RA.13")
def test_a_class_renamed_is_found_by_its_old_tag():
    old = serde.Serde()
    old.register_type("shop.Line", Line)
    text = old.dumps(Line("a", 3))

    @dataclass
    class Position:
        sku: str
        count: int

    new = serde.Serde()
    new.register_type("shop.Position", Position, aliases=["shop.Line"])

    assert new.loads(text) == Position("a", 3)
    assert '"shop.Position"' in new.dumps(new.loads(text))


@pytest.mark.rule("R10.6", "RA.13")
def test_changed_fields_are_upgraded_step_by_step():
    old = serde.Serde()
    old.register_type("shop.Line", Line)
    text = old.dumps([Line("a", 3)])

    @dataclass
    class Newer:
        code: str
        amount: int

    new = serde.Serde()
    new.register_type(
        "shop.Line",
        Newer,
        version=3,
        upgrade={
            1: lambda parts: {"code": parts["sku"], "count": parts["count"]},
            2: lambda parts: {"code": parts["code"], "amount": parts["count"]},
        },
    )

    assert new.loads(text) == [Newer("a", 3)]
    assert new.tree(new.dumps(Newer("a", 3)))["ver"] == 3


@pytest.mark.rule("R10.6", "RA.13")
def test_data_of_a_newer_version_is_refused():
    newer = serde.Serde()
    newer.register_type("shop.Line", Line, version=2)
    older = serde.Serde()
    older.register_type("shop.Line", Line)

    with pytest.raises(SerdeError, match="version 2"):
        older.loads(newer.dumps(Line("a")))


@pytest.mark.rule("R10.6", "RA.13")
def test_a_new_field_gets_its_default_and_a_gone_one_is_told(caplog):
    codec = serde.Serde()
    codec.register_type("shop.Line", Line)

    with caplog.at_level(logging.WARNING):
        again = codec.loads('{"$t":"shop.Line","v":{"sku":"a","weight":3}}')

    assert again == Line("a", 1)
    assert "weight" in caplog.text


def test_a_missing_field_without_default_is_an_error():
    codec = serde.Serde()
    codec.register_type("shop.Line", Line)
    codec.register_type("shop.Item", Item)

    with pytest.raises(DamagedValueError, match="sku"):
        codec.loads('{"$t":"shop.Line","v":{"count":3}}')
    with pytest.raises(DamagedValueError, match="name"):
        codec.loads('{"$t":"shop.Item","v":{"price":3.0}}')
    assert codec.loads('{"$t":"shop.Item","v":{"name":"x"}}') == Item(name="x")


def test_a_registry_of_its_own_knows_nothing_of_the_others():
    text = serde.dumps(Line("a"))

    with pytest.raises(UnknownTypeError):
        serde.Serde().loads(text)


def test_an_ordinary_class_needs_to_say_how_it_is_stored():
    class Money:
        def __init__(self, cents):
            self.cents = cents

    codec = serde.Serde()
    with pytest.raises(TypeError, match="pack="):
        codec.register_type("shop.Money", Money)

    codec.register_type("shop.Money", Money, pack=lambda m: m.cents, unpack=Money)

    assert codec.loads(codec.dumps((Money(5),)))[0].cents == 5


def test_two_local_classes_of_one_name_do_not_mix():
    def make() -> Any:
        @dataclass
        class Local:
            a: int

        return Local

    first, second = make(), make()
    serde.dumps(first(1))

    assert type(serde.loads(serde.dumps(second(1)))) is second
    assert type(serde.loads(serde.dumps(first(1)))) is first


@pytest.mark.rule("R10.5")
def test_a_tag_registered_again_is_replaced_with_a_debug_line(caplog):
    codec = serde.Serde()
    codec.register_type("shop.Line", Line)

    with caplog.at_level(logging.DEBUG, logger="workflows"):
        codec.register_type("shop.Line", Sum)

    assert "shop.Line" in caplog.text
    assert '"shop.Line"' not in codec.dumps(Line("a"))


class Inner(BaseModel):
    color: Color | None = None


class State(TypedDict):
    orders: Annotated[list[Order], lambda a, b: a + b]
    inner: dict[str, Inner]


def node(state: State, level: Level) -> Point:
    """Mentions State, Level and Point in its annotations."""
    raise NotImplementedError


@pytest.mark.rule("R10.5")
def test_a_fresh_process_knows_the_classes_of_a_graphs_schemas():
    text = serde.dumps([Order("o", (Line("a"),)), Inner(color=Color.RED), Level.LOW])
    fresh = serde.Serde()

    serde.schema.register_reachable(fresh, node)

    assert fresh.loads(text) == serde.loads(text)
    assert fresh.registry.get(f"{__name__}:Point").cls is Point


Alias = NewType("Alias", Point)
T = TypeVar("T", bound=Line)


def half_known(order: Order, other: OnlyForTheChecker) -> list[Alias]:  # type: ignore[name-defined]  # noqa: F821
    """One of its annotations cannot be resolved."""
    raise NotImplementedError


class Judge:
    def __call__(self, level: Level) -> Literal[Color.RED] | None:
        raise NotImplementedError

    def method(self, item: Item) -> None:
        raise NotImplementedError


def generic(value: T) -> T:
    raise NotImplementedError


@pytest.mark.rule("R10.5")
@pytest.mark.parametrize(
    ("hint", "names"),
    [
        (half_known, {"Order", "Line", "Color", "Point"}),
        (Judge(), {"Level", "Color"}),
        (Judge().method, {"Item"}),
        (partial(half_known, None), {"Order", "Line", "Color", "Point"}),
        (generic, {"Line"}),
        (dict[str, "Inner | None"], set()),
        (dict[str, Inner | None], {"Inner", "Color"}),
    ],
)
def test_annotations_lead_to_classes_however_they_are_written(hint, names):
    fresh = serde.Serde()

    serde.schema.register_reachable(fresh, hint)

    mine = {tag for tag in fresh.registry.by_tag if tag.startswith(__name__)}
    assert mine == {f"{__name__}:{name}" for name in names}


@pytest.fixture
def langchain(monkeypatch):
    """A package of that name with one message class, as pydantic models there are."""

    class HumanMessage(BaseModel):
        content: str
        id: str | None = None

    HumanMessage.__module__ = "langchain_core.messages.human"
    package, messages = ModuleType("langchain_core"), ModuleType("messages")
    package.__spec__ = ModuleSpec("langchain_core", None)
    messages.HumanMessage = HumanMessage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "langchain_core", package)
    monkeypatch.setitem(sys.modules, "langchain_core.messages", messages)
    return messages


@pytest.mark.rule("R10.5")
def test_messages_of_langchain_are_known_to_a_fresh_process(langchain):
    message = langchain.HumanMessage(content="hi", id="1")

    text = serde.Serde().dumps([message])

    assert '"langchain_core:HumanMessage"' in text
    assert serde.Serde().loads(text) == [message]


@pytest.mark.rule("R10.5")
def test_other_tags_of_that_package_stay_unknown(langchain):
    langchain.system = object()

    with pytest.raises(UnknownTypeError):
        serde.Serde().loads('{"$t":"langchain_core:system","v":{}}')


def test_without_that_package_its_tags_are_unknown(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain_core", None)

    with pytest.raises(UnknownTypeError):
        serde.Serde().loads('{"$t":"langchain_core:HumanMessage","v":{}}')
