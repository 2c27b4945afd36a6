"""Delta channels: lists that are folded at once and stored as what was added (R2.8)."""

from typing import Annotated, TypedDict

from tests.conformance.corpus import program


def folded(value, writes):
    """Appends, whatever the writes come in."""
    found = list(value or [])
    for write in writes:
        found += write if isinstance(write, list) else [write]
    return found


def delta_graph(api, run, **options):
    """`n` counts to five, `log` is a delta channel."""

    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(folded, **options)]
        n: int

    def step(state):
        return {"log": [f"n{state['n']}"], "n": state["n"] + 1}

    built = api.StateGraph(State)
    built.add_node("step", step)
    built.add_edge(api.START, "step")
    built.add_conditional_edges(
        "step", lambda state: "step" if state["n"] < 5 else api.END
    )
    return built.compile(checkpointer=run.saver)


@program("R2.8")
def a_delta_channel_has_its_history(api, run):
    seen = []
    for frequency in (1, 2, 100):
        g = delta_graph(api, run, snapshot_frequency=frequency)
        config = run.config(str(frequency))
        out = run.invoke(g, {"log": ["in"], "n": 0}, config)
        again = run.invoke(g, {"log": ["more"], "n": 4}, config)
        values = [s.values.get("log") for s in run.get_history(g, config)]
        seen.append([out, again, values[:-1]])
    return seen


@program("R2.8", "R6.16")
def a_delta_channel_in_forks_and_edits(api, run):
    g = delta_graph(api, run, snapshot_frequency=3)
    run.invoke(g, {"log": ["in"], "n": 0}, run.config())
    old = run.get_history(g, run.config())[3]
    fork = run.update_state(g, old.config, {"log": ["edit"]})
    forked = run.get_state(g, fork).values
    out = run.invoke(g, None, run.config())
    run.update_state(g, run.config(), {"log": api.Overwrite(["new"])})
    replaced = run.get_state(g, run.config()).values
    last = run.invoke(g, {"log": ["end"], "n": 4}, run.config())
    return [
        old.values,
        forked,
        out,
        replaced,
        last,
        run.get_state(g, old.config).values,
    ]


@program("R2.8")
def a_delta_channel_gets_the_writes_of_a_step_at_once(api, run):
    given = []

    def fold(value, writes):
        given.append([value, len(writes)])
        return folded(value, writes)

    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(fold)]
        n: int

    built = api.StateGraph(State)
    for name in ("a", "b", "c"):
        built.add_node(name, lambda state, name=name: {"log": [name]})
        built.add_edge(api.START, name)
    g = built.compile()
    return [run.invoke(g, {"log": ["in"]}), run.invoke(g, {"n": 1}), given]


@program("R2.8")
def a_delta_channel_whose_reducer_works_in_place(api, run):
    def extend(value, writes):
        value = [] if value is None else value
        for write in writes:
            value += write
        return value

    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(extend)]
        n: int

    built = api.StateGraph(State)
    built.add_node("x", lambda state: {"log": ["x"], "n": state["n"] + 1})
    built.add_edge(api.START, "x")
    built.add_conditional_edges("x", lambda state: "x" if state["n"] < 3 else api.END)
    g = built.compile(checkpointer=run.saver)
    out = run.invoke(g, {"log": ["in"], "n": 0}, run.config())
    return [out, run.get_state(g, run.config()).values]


@program("R2.8")
def a_delta_channel_refuses_other_frequencies(api, run):
    return [
        run.attempt(
            api.DeltaChannel, folded, snapshot_frequency=number, says="positive int"
        )
        for number in (0, -1)
    ]


@program("R2.8")
def a_delta_channel_in_a_subgraph_and_over_a_question(api, run):
    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(folded, snapshot_frequency=2)]

    def asks(state):
        return {"log": [api.interrupt("q")]}

    inner = api.StateGraph(State)
    inner.add_node("asks", asks)
    inner.add_node("after", lambda state: {"log": ["after"]})
    inner.add_edge(api.START, "asks")
    inner.add_edge("asks", "after")
    outer = api.StateGraph(State)
    outer.add_node("first", lambda state: {"log": ["first"]})
    outer.add_node("sub", lambda state: {"log": [inner_graph.invoke(state)["log"][-1]]})
    outer.add_edge(api.START, "first")
    outer.add_edge("first", "sub")
    inner_graph = inner.compile()
    g = outer.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": ["in"]}, run.config())
    last = run.invoke(g, api.Command(resume="yes"), run.config())
    return [first, last]


def merged(value, writes):
    found = dict(value or {})
    for write in writes:
        found |= write
    return found


def joined(value, writes):
    return (value or "") + "".join(writes)


def united(value, writes):
    return set(value or ()).union(*writes)


def latest(value, writes):
    """A list of pairs, one for each name."""
    found = list(value or [])
    for write in writes:
        found = [pair for pair in found if pair[0] != write[0]] + [write]
    return found


def counted(value, writes):
    return (value or 0) + sum(writes)


KINDS = {
    "dict": (dict, merged, lambda n: {f"k{n % 3}": n}),
    "str": (str, joined, lambda n: f"<{n}>"),
    "set": (set, united, lambda n: {n % 4}),
    "replaced": (list, latest, lambda n: [f"k{n % 3}", n]),
    "number": (int, counted, lambda n: n),
}


def five_steps(api, run, kind, frequency):
    typ, reducer, write = KINDS[kind]

    class State(TypedDict, total=False):
        held: Annotated[typ, api.DeltaChannel(reducer, snapshot_frequency=frequency)]
        n: int

    def step(state):
        return {"held": write(state["n"]), "n": state["n"] + 1}

    built = api.StateGraph(State)
    built.add_node("step", step)
    built.add_edge(api.START, "step")
    built.add_conditional_edges(
        "step", lambda state: "step" if state["n"] % 5 else api.END
    )
    return built.compile(checkpointer=run.saver), write


def shown(values):
    held = values.get("held")
    return sorted(held) if isinstance(held, set) else held


@program("R2.8")
def delta_channels_of_every_kind_of_value(api, run):
    seen = {}
    for kind in KINDS:
        for frequency in (2, 100):
            g, write = five_steps(api, run, kind, frequency)
            config = run.config(f"{kind} {frequency}")
            first = run.invoke(g, {"held": write(7), "n": 0}, config)
            again = run.invoke(g, {"n": 6}, config)
            history = [shown(s.values) for s in run.get_history(g, config)]
            seen[f"{kind} {frequency}"] = [shown(first), shown(again), history[:-1]]
    return seen


@program("R2.8", "R6.13", "R6.16", "R2.5")
def delta_channels_of_every_kind_in_forks(api, run):
    seen = {}
    for kind in KINDS:
        g, write = five_steps(api, run, kind, 3)
        config = run.config(kind)
        run.invoke(g, {"held": write(7), "n": 0}, config)
        old = run.get_history(g, config)[3]
        fork = run.update_state(g, old.config, {"held": write(9)})
        forked = shown(run.get_state(g, fork).values)
        out = shown(run.invoke(g, None, config))
        run.update_state(g, config, {"held": api.Overwrite(old.values["held"])})
        replaced = shown(run.get_state(g, config).values)
        last = shown(run.invoke(g, {"n": 8}, config))
        same = shown(run.get_state(g, old.config).values)
        seen[kind] = [shown(old.values), forked, out, replaced, last, same]
    return seen


@program("R2.8", "R5.5")
def a_delta_channel_of_a_dict_over_questions(api, run):
    class State(TypedDict, total=False):
        held: Annotated[dict, api.DeltaChannel(merged)]

    def asks(state):
        return {"held": {"asks": [api.interrupt("one"), api.interrupt("two")]}}

    def beside(state):
        return {"held": {"beside": [1]}}

    built = api.StateGraph(State)
    built.add_node("asks", asks)
    built.add_node("beside", beside)
    built.add_node("after", lambda state: {"held": {"after": True}})
    built.add_edge(api.START, "asks")
    built.add_edge(api.START, "beside")
    built.add_edge(["asks", "beside"], "after")
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"held": {"in": True}}, run.config())
    paused = run.get_state(g, run.config()).values
    run.invoke(g, api.Command(resume="a"), run.config())
    out = run.invoke(g, api.Command(resume="b"), run.config())
    return [paused, out, run.get_state(g, run.config()).values]


WRITTEN = {
    "a message": lambda api: api.AIMessage(content="x"),
    "one in a list": lambda api: [api.HumanMessage(content="x")],
    "one with an id": lambda api: [api.HumanMessage(content="x", id="1")],
    "a dict in a list": lambda api: [{"role": "user", "content": "x"}],
    "with an empty id": lambda api: [{"type": "ai", "content": "x", "id": ""}],
    "a dict": lambda api: {"role": "assistant", "content": "x"},
    "instead of all": lambda api: api.Overwrite([api.AIMessage(content="x")]),
    "in a tuple": lambda api: api.Overwrite((api.AIMessage(content="x"),)),
    "a dict instead of all": lambda api: api.Overwrite([{"role": "user"}]),
    "a text": lambda api: "x",
    "other dicts": lambda api: [{"type": "file", "role": 1}, {"content": "x"}],
}


def named(item):
    """What it is, and whether it has an id."""
    if isinstance(item, dict):
        return sorted(item)
    return [getattr(item, "type", item), bool(getattr(item, "id", None))]


def ids_of(items):
    return [getattr(item, "id", item) for item in items]


@program("R2.8", "R2.18")
def messages_in_a_delta_channel_have_ids_for_good(api, run):
    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(folded)]
        n: int

    found = {}
    for label, make in WRITTEN.items():
        seen = []

        def look(state, seen=seen):
            seen.append(ids_of(state["log"]))

        built = api.StateGraph(State)
        built.add_node("says", lambda state, make=make: {"log": make(api)})
        built.add_node("look", look)
        built.add_edge(api.START, "says").add_edge("says", "look")
        g = built.compile(checkpointer=run.saver)
        for start in ("node", "input", "edit"):
            config = run.config(f"{label} {start}")
            given = {"log": make(api)} if start == "input" else {"n": 1}
            if start == "edit":
                run.invoke(g, {"n": 1}, config)
                run.update_state(g, config, {"log": make(api)}, as_node="says")
            out = run.invoke(g, None if start == "edit" else given, config)["log"]
            kept = run.get_state(g, config).values["log"]
            again = run.get_state(g, config).values["log"]
            same = ids_of(out) == ids_of(kept) == ids_of(again) == seen[-1]
            found[f"{label} {start}"] = [[named(item) for item in out], same]
    return found


@program("R2.8", "R2.18")
def what_is_written_to_a_delta_channel_stays_the_callers(api, run):
    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(folded)]

    given = [{"role": "user", "content": "x"}]
    built = api.StateGraph(State)
    built.add_node("n", lambda state: None).add_edge(api.START, "n")
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": given}, run.config())
    out = run.invoke(g, {"log": given}, run.config())["log"]
    return [[m.content for m in out], len({m.id for m in out}), given]


@program("R2.8", "R6.13", "R5.23")
def a_command_from_outside_gives_its_messages_ids(api, run):
    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(folded)]

    built = api.StateGraph(State)
    built.add_node("n", lambda state: None).add_edge(api.START, "n")
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": [api.HumanMessage(content="x", id="1")]}, run.config())
    old = run.get_history(g, run.config())[1].config
    said = api.Command(update={"log": [api.HumanMessage(content="y")]})
    out = run.invoke(g, said, old)["log"]
    kept = run.get_state(g, run.config()).values["log"]
    return [[named(m) for m in out], ids_of(out) == ids_of(kept)]


@program(
    "R2.8",
    differs="a dict that only looks like a message is kept; it does not fail the run",
    expected=[{"type": "tool", "name": "search"}],
)
def a_dict_of_a_delta_channel_that_is_no_message(api, run):
    class State(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(folded)]

    built = api.StateGraph(State)
    built.add_node("n", lambda state: {"log": [{"type": "tool", "name": "search"}]})
    built.add_edge(api.START, "n")
    return run.invoke(built.compile(), {"log": []})["log"]


@program("R2.8", "R2.5")
def an_overwrite_with_nothing_empties_a_delta_channel(api, run):
    found = {}
    for typ, reducer, write in ((list, folded, ["a"]), (dict, merged, {"a": 1})):

        class State(TypedDict, total=False):
            held: Annotated[typ, api.DeltaChannel(reducer)]
            n: int

        built = api.StateGraph(State)
        built.add_node("one", lambda state, write=write: {"held": write})
        built.add_node("two", lambda state: {"held": api.Overwrite(None)})
        built.add_node("three", lambda state: {"n": len(state["held"])})
        built.add_sequence([("four", lambda state, write=write: {"held": write})])
        for start, end in (("one", "two"), ("two", "three"), ("three", "four")):
            built.add_edge(start, end)
        g = built.add_edge(api.START, "one").compile(checkpointer=run.saver)
        config = run.config(typ.__name__)
        run.invoke(g, {"n": 5}, config)
        history = [s.values.get("held") for s in run.get_history(g, config)]
        found[typ.__name__] = [run.get_state(g, config).values, history[:3]]
    return found
