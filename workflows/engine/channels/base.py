"""What every channel can do."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final, Self, TypeVar

from workflows.engine.errors import EmptyChannelError, FeatureNotBuiltError
from workflows.engine.kinds import IN_BRACKETS


class _Missing:
    """The value of a channel that has none."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


class Channel:
    """One named value of the state.

    `tracked` channels are part of checkpoints; `volatile` ones change by the mere passing
    of a step, so they are told of every step, written or not.
    """

    __slots__ = ("key", "typ")
    tracked = True
    volatile = False

    __class_getitem__ = IN_BRACKETS

    def __init__(self, typ: Any = Any, key: str = "") -> None:
        self.typ = typ
        self.key = key

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = cls.__dict__
        if "peek" not in own and ("get" in own or "is_available" in own):
            cls.peek = Channel.peek  # type: ignore[method-assign]
        if "from_checkpoint" in own and "load" not in own:
            _take_its_word(cls)

    @property
    def ValueType(self) -> Any:
        """The type of what `get` answers."""
        return self.typ

    @property
    def UpdateType(self) -> Any:
        """The type of what is written."""
        return self.typ

    def fresh(self) -> Self:
        """A channel like this one, without a value."""
        new = _twin(self)
        new.clear()
        return new

    def twin(self) -> Self:
        """A channel like this one with the same value, to try something on."""
        new = self.fresh()
        if self.is_available():
            new.load(self.checkpoint())
        return new

    def clear(self) -> None:
        """Forget the value."""
        raise NotImplementedError

    def load(self, saved: Any) -> None:
        """Take a value as `checkpoint` gave it."""
        raise NotImplementedError

    def checkpoint(self) -> Any:
        """The value to save, or MISSING; what `get` gives unless a class says otherwise."""
        try:
            return self.get()
        except EmptyChannelError:
            return MISSING

    def from_checkpoint(self, saved: Any) -> Self:
        """A channel like this one with a saved value, none where that is MISSING.

        A class that overrides this needs no `fresh`, `clear` and `load`, and is told of every step.
        """
        new = self.fresh()
        if saved is not MISSING:
            new.load(saved)
        return new

    def copy(self) -> Self:
        """Another name of `twin`."""
        return self.twin()

    def update(self, values: Sequence[Any]) -> bool:
        """Take the writes of one step, in task order; say whether the channel changed."""
        raise NotImplementedError

    def get(self) -> Any:
        """The value as nodes read it; raises EmptyChannelError where there is none."""
        raise NotImplementedError

    def is_available(self) -> bool:
        """Say whether `get` would answer."""
        return self.checkpoint() is not MISSING

    def peek(self) -> Any:
        """What `get` answers, or MISSING."""
        return self.get() if self.is_available() else MISSING

    def traits(self) -> tuple[Any, ...]:
        """What makes two channels of one class the same kind of channel."""
        return (self.typ,)

    def __eq__(self, other: object) -> bool:
        # `Annotated[T, channel]` is cached by typing: unlike channels must be unequal.
        return type(self) is type(other) and (
            isinstance(other, Channel) and self.traits() == other.traits()
        )

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.key))


def _take_its_word(cls: type[Channel]) -> None:
    """Let a class that says `from_checkpoint`, as LangGraph's channels do, be one of ours."""
    lacks = [name for name in ("consume", "finish") if name in cls.__dict__]
    if lacks:
        raise FeatureNotBuiltError(
            f"channel {cls.__name__} has {lacks[0]}(), which nothing here calls; let "
            "update([]) do it, which is called after each step that wrote nothing"
        )
    if cls.load is Channel.load:
        cls.fresh, cls.load, cls.clear = _fresh, _load, _clear  # type: ignore[assignment,method-assign]
        cls.volatile = True
    elif cls.load is not _load:
        raise FeatureNotBuiltError(
            f"channel {cls.__name__} overrides from_checkpoint() of a channel that is "
            "made by load(); override load(saved) and clear()"
        )


def _fresh(channel: Any) -> Any:
    return channel.from_checkpoint(MISSING)


def _load(channel: Any, saved: Any) -> None:
    _become(channel, channel.from_checkpoint(saved))


def _clear(channel: Any) -> None:
    _load(channel, MISSING)


def _become(channel: Any, other: Any) -> None:
    """Take all that `other` holds."""
    for base in type(channel).__mro__[:-1]:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(other, name):
                setattr(channel, name, getattr(other, name))
            elif hasattr(channel, name):
                delattr(channel, name)
    if hasattr(channel, "__dict__"):
        channel.__dict__.clear()
        channel.__dict__.update(other.__dict__)


def _twin(channel: T) -> T:
    """`copy.copy`, which asks each object anew what it is made of, at a third of the price."""
    cls = type(channel)
    names = _slots.get(cls)
    if names is None:
        names = _slots[cls] = _slots_of(cls)
    if not names:
        return copy.copy(channel)
    new = cls.__new__(cls)
    try:
        for name in names:
            setattr(new, name, getattr(channel, name))
    except AttributeError:  # not all of them are set
        return copy.copy(channel)
    return new


def _slots_of(cls: type) -> tuple[str, ...]:
    """The slots of a class that keeps everything in slots and is copied as others are."""
    found: list[str] = []
    for base in cls.__mro__[:-1]:
        own = base.__dict__
        slots = own.get("__slots__")
        if not isinstance(slots, tuple) or not _COPYING.isdisjoint(own):
            return ()
        found += slots
    return tuple(found)


_COPYING = frozenset(
    ("__copy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
)
_slots: dict[type, tuple[str, ...]] = {}
T = TypeVar("T")

BARE = frozenset({str, int, float, bool, list, type(None)})
"""Types of values that are never an Overwrite."""


def unwrap_overwrite(value: Any) -> tuple[bool, Any]:
    """Say whether `value` is an Overwrite, and what it holds (R2.5)."""
    kind = type(value)
    if kind in BARE:
        return False, value
    if kind.__name__ == "Overwrite" and hasattr(value, "value"):
        return True, value.value
    if kind is dict:
        if len(value) == 1 and "__overwrite__" in value:
            return True, value["__overwrite__"]
        if "value" in value and value.get("type") == "__overwrite__":  # out of JSON
            return True, value["value"]
    return False, value
