"""Section 2: channels that a program makes itself, in the words of LangGraph's (R2.7)."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


def _highest(api, **more):
    """The class of a channel that keeps the highest value."""

    def __init__(self, typ=int, key=""):
        api.BaseChannel.__init__(self, typ, key)
        self.value = api.MISSING

    def from_checkpoint(self, saved):
        new = type(self)(self.typ, self.key)
        if saved is not api.MISSING:
            new.value = saved
        return new

    def update(self, values):
        if not values:
            return False
        known = [] if self.value is api.MISSING else [self.value]
        self.value = max([*values, *known])
        return True

    def get(self):
        if self.value is api.MISSING:
            raise api.EmptyChannelError
        return self.value

    words = {
        "__init__": __init__,
        "ValueType": property(lambda self: self.typ),
        "UpdateType": property(lambda self: self.typ),
        "from_checkpoint": from_checkpoint,
        "update": update,
        "get": get,
    }
    return type("Highest", (api.BaseChannel,), {**words, **more})


def _state(channel):
    return TypedDict("State", {"top": Annotated[int, channel], "n": int}, total=False)


@program("R2.7")
def a_channel_of_ones_own(api, run):
    """Two writes of one step, a pause, an edit, a fork: it is asked, saved and loaded."""
    channel = _highest(api, __slots__=("value",))
    built = api.StateGraph(_state(channel))
    for name, value in (("one", 3), ("two", 5)):
        built.add_node(name, lambda state, value=value: {"top": value})
        built.add_edge(api.START, name).add_edge(name, "ask")
    built.add_node("ask", lambda state: {"top": api.interrupt(state["top"])})
    g = built.compile(checkpointer=run.saver)
    first = run.invoke(g, {"n": 1}, run.config())
    seen = run.look(g, run.config())
    run.update_state(g, run.config(), {"top": 7}, as_node="two")
    edited = run.look(g, run.config())["values"]
    run.invoke(g, None, run.config())
    last = run.invoke(g, api.Command(resume=6), run.config())
    old = [s for s in run.get_history(g, run.config()) if s.metadata["step"] == 0]
    return [
        [first["top"], [each.value for each in first["__interrupt__"]]],
        seen["values"],
        edited,
        last,
        [s.values for s in run.get_history(g, run.config())][-2:],
        [s.values for s in old],
    ]


@program("R2.7")
def a_channel_of_ones_own_that_lasts_a_step(api, run):
    """Told of a step that wrote nothing, as of any other."""

    def update(self, values):
        before = self.value
        self.value = max(values) if values else api.MISSING
        return before is not self.value

    channel = _highest(api, update=update)
    seen = []

    def look(state):
        seen.append(state.get("top"))
        return {"n": len(seen)}

    nodes = {"a": lambda state: {"top": 4}, "b": look, "c": look}
    edges = [(api.START, "a"), ("a", "b"), ("b", "c")]
    g = graph(api, *edges, schema=_state(channel), **nodes)
    g = g.compile(checkpointer=run.saver)
    return [run.invoke(g, {"n": 1}, run.config()), seen]


@program("R2.7")
def a_channel_of_ones_own_as_an_object(api, run):
    class Capped(_highest(api)):
        def __init__(self, typ=int, key="", cap=0):
            super().__init__(typ, key)
            self.cap = cap

        def from_checkpoint(self, saved):
            new = Capped(self.typ, self.key, self.cap)
            if saved is not api.MISSING:
                new.value = saved
            return new

        def get(self):
            return min(self.cap, super().get())

    schema = _state(Capped(int, cap=5))
    g = graph(api, (api.START, "a"), schema=schema, a=lambda state: {"top": 9})
    g = g.compile(checkpointer=run.saver)
    return [
        run.invoke(g, {"n": 1}, run.config()),
        run.look(g, run.config())["values"],
        run.invoke(g, {"top": 1}, run.config()),
    ]


@program("R2.7")
def what_a_built_channel_can_do(api, run):
    kept = api.LastValue(int)
    kept.update([3])
    again = kept.from_checkpoint(kept.checkpoint())
    other = kept.copy()
    other.update([4])
    empty = kept.from_checkpoint(api.MISSING)
    return [again.get(), other.get(), kept.get(), run.attempt(empty.get)]


@program(
    "R2.7",
    differs="nothing calls consume() and finish() of such a channel, which is said where it is made",
    expected={"raises": "FeatureNotBuiltError", "says": "update([])"},
    built=False,
)
def a_channel_of_ones_own_that_is_consumed(api, run):
    return _highest(api, consume=lambda self: False)


@program("R2.7")
def what_a_graphs_channels_are(api, run):
    """By key, of which kind and for which type; they are no thread's."""

    class State(TypedDict, total=False):
        n: int
        log: Annotated[list, operator.add]
        sent: Annotated[list, api.Topic(str)]
        brief: Annotated[str, api.EphemeralValue]
        held: Annotated[list, api.DeltaChannel(lambda value, writes: value)]
        last: api.IsLastStep

    built = api.StateGraph(State).add_node("n", lambda state: {"n": 5})
    g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
    run.invoke(g, {"n": 1}, run.config())
    found = {key: g.channels[key] for key in ("n", "log", "sent", "brief", "held")}
    plain = [
        api.LastValue(int),
        api.AnyValue(str),
        api.EphemeralValue(int),
        api.UntrackedValue(int),
        api.BinaryOperatorAggregate(int, operator.add),
        api.Topic(int),
        api.DeltaChannel(lambda value, writes: value, dict),
    ]
    return [
        {key: [type(c).__name__, c.key] for key, c in found.items()},
        found["n"].is_available(),
        isinstance(found["log"], api.BinaryOperatorAggregate),
        ["last" in g.channels, "more" in g.channels],
        [[str(c.ValueType), str(c.UpdateType)] for c in plain],
    ]
