"""Section 2: schemas of other kinds, input and output."""

import operator
from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from pydantic import BaseModel, model_validator

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph


@dataclass
class Record:
    a: int
    b: str = "default"
    log: Annotated[list, operator.add] = field(default_factory=list)


class Model(BaseModel):
    a: int
    b: str = "default"
    log: Annotated[list, operator.add] = []


@program("R2.9", "R2.11", "R1.10")
def dataclass_and_model_states(api, run):
    def kinds(schema):
        seen = []

        def n(state):
            seen.append([type(state).__name__, state.a, state.b])
            return {"a": state.a + 1}

        g = graph(api, (api.START, "n"), schema=schema, n=n).compile(
            checkpointer=run.saver
        )
        config = run.config(schema.__name__)
        return [run.invoke(g, {"a": 1}, config), seen, run.look(g, config)["values"]]

    def whole(state):
        return type(state)(a=9)

    back = [
        run.invoke(
            graph(api, (api.START, "n"), schema=s, n=whole).compile(),
            {"a": 1, "b": "x"},
        )
        for s in (Record, Model)
    ]
    return [kinds(Record), kinds(Model), back]


@program("R2.10")
def a_model_checks_what_nodes_read(api, run):
    def n(state):
        return {"a": "bad"}

    def m(state):
        return {"b": "m"}

    one = graph(api, (api.START, "n"), schema=Model, n=n).compile()
    two = graph(api, (api.START, "n"), ("n", "m"), schema=Model, n=n, m=m).compile()
    coerced = graph(api, (api.START, "m"), schema=Model, m=m).compile()
    return [
        run.invoke(one, {"a": 1}),
        run.attempt(run.invoke, two, {"a": 1}),
        run.attempt(run.invoke, one, {"a": "x"}),
        run.invoke(coerced, {"a": "1", "extra": 3}),
    ]


@program(
    "R2.10",
    "R3.12",
    "R3.15",
    only="blocking",
    differs="what a model refuses is the failure of the node that was to be given it; in LangGraph the step "
    "cannot be planned, so nothing of it runs, and the thread cannot be read, updated or given a new input",
    expected=[
        {"raises": "ValidationError"},
        {"a": "x", "b": "n", "log": []},
        ["m"],
        [["n", False], ["m", True]],
        {"raises": "ValidationError"},
        ["n"],
        {"a": 1, "b": "n", "log": ["m"]},
        ["m", "n"],
        {"raises": "ValidationError"},
        {"a": 2, "b": "n", "log": ["m", "m"]},
    ],
)
def what_a_model_refuses_fails_its_node_alone(api, run):
    calls = []

    class Checked(BaseModel):
        a: int

    def n(state):
        calls.append("n")
        return {"b": "n"}

    def m(state: Checked):
        calls.append("m")
        return {"log": ["m"]}

    g = graph(api, (api.START, "n"), (api.START, "m"), n=n, m=m)
    g = g.compile(checkpointer=run.saver)
    failed = run.attempt(run.invoke, g, {"a": "x"}, run.config())
    seen = run.get_state(g, run.config())
    again = run.attempt(run.invoke, g, None, run.config())
    first = [*calls]
    run.update_state(g, run.config(), {"a": 1})
    return [
        failed,
        seen.values,
        list(seen.next),
        [[task.name, task.error is not None] for task in seen.tasks],
        again,
        first,
        run.invoke(g, None, run.config()),
        sorted(calls),
        run.attempt(run.invoke, g, {"a": "x"}, run.config()),
        run.invoke(g, {"a": 2}, run.config()),
    ]


@program("R2.11")
def output_as_an_object(api, run):
    g = graph(api, (api.START, "n"), schema=Record, n=lambda s: {"b": "n"}).compile()
    out = run.invoke(g, {"a": 1}, version="v2")
    return [type(out).__name__, out.value, list(out.interrupts)]


@program("R2.12")
def inputs(api, run):
    g = graph(api, (api.START, "x"), x=None).compile()
    return [
        run.invoke(g, {"log": ["i"], "unknown": 1}),
        run.attempt(run.invoke, g, {}),
        run.attempt(run.invoke, g, ["list"]),
        run.attempt(run.invoke, g, "text"),
        run.attempt(run.invoke, g, None),
    ]


@program(
    "R2.12",
    differs="a run that wrote nothing returns the values, at least an empty dict",
    expected={},
)
def nothing_written(api, run):
    class L(TypedDict, total=False):
        a: int

    return run.invoke(
        graph(api, (api.START, "x"), schema=L, x=lambda s: None).compile(), {}
    )


@program("R2.13")
def output_schema_and_output_keys(api, run):
    class Out(TypedDict, total=False):
        b: str

    built = api.StateGraph(S, output_schema=Out).add_node(
        "n", lambda s: {"b": "n", "a": 1}
    )
    g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
    return [
        run.invoke(g, {"log": ["i"]}, run.config()),
        run.invoke(g, {"log": ["i"]}, run.config(), output_keys=["a", "b"]),
        run.invoke(g, {"log": ["i"]}, run.config(), output_keys="a"),
        run.stream(g, {"log": ["i"]}, run.config(), stream_mode="values")[-1],
        run.look(g, run.config())["values"],
    ]


@program("R2.13")
def input_schema(api, run):
    class In(TypedDict, total=False):
        a: int

    g = api.StateGraph(S, input_schema=In).add_node("n", lambda s: {"log": [sorted(s)]})
    return run.invoke(
        g.add_edge(api.START, "n").compile(), {"a": 1, "log": ["no"], "b": "no"}
    )


@program("R2.14")
def input_on_a_thread_is_an_update(api, run):
    g = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": ["i"], "a": 1}, run.config())
    return [first, run.invoke(g, {"log": ["j"]}, run.config())]


@program("R2.1")
def every_key_of_every_schema_is_one_channel(api, run):
    class Given(TypedDict, total=False):
        question: str
        log: Annotated[list, operator.add]

    class Taken(TypedDict, total=False):
        answer: str
        log: Annotated[list, operator.add]

    class Own(TypedDict, total=False):
        notes: str
        question: str

    def think(state: Given):
        return {"notes": state["question"] + "?", "a": 1, "log": ["think"]}

    def speak(state: Own):
        return {"answer": state["notes"] + "!", "log": [*sorted(state)]}

    built = api.StateGraph(S, input_schema=Given, output_schema=Taken)
    built.add_sequence([think, speak]).add_edge(api.START, "think")
    g = built.compile(checkpointer=run.saver)
    return [
        run.invoke(g, {"question": "q", "log": ["i"], "a": 5}, run.config()),
        run.get_state(g, run.config()).values,
        sorted(built.channels) == ["a", "answer", "b", "log", "notes", "question"],
    ]


@program("R1.10", "R2.12")
def fields_of_an_instance_that_are_none(api, run):
    @dataclass
    class Plain:
        x: int | None = 3
        y: list | None = None

    class Model(BaseModel):
        x: int | None = 3
        y: list | None = None

    def gives(kind, value):
        before = {"x": 1, "y": [0]}
        for node in (lambda s: value, lambda s: api.Command(update=value)):
            built = graph(api, (api.START, "n"), schema=kind, n=node)
            yield run.invoke(built.compile(), before)
        built = graph(api, (api.START, "n"), schema=kind, n=lambda s: None)
        yield run.invoke(built.compile(), value)

    return [
        [*gives(kind, kind(**fields))]
        for kind in (Plain, Model)
        for fields in ({}, {"x": None}, {"y": None}, {"x": 3, "y": [1]})
    ]


@program("R9.3", "R2.9")
def the_tasks_mode_shows_what_a_node_is_given(api, run):
    class Model(BaseModel):
        a: int = 1

    seen = []
    for schema, given in ((Record, {"a": 5}), (Model, {"a": "6"})):
        g = graph(api, (api.START, "n"), schema=schema, n=lambda state: None).compile()
        for chunk in run.stream(g, given, stream_mode="tasks"):
            if "input" in chunk:
                seen.append([type(chunk["input"]).__name__, chunk["input"].a])
            else:
                seen.append(list(chunk))
    return seen


@program("R2.10", "R9.3", "R1.33")
def what_a_node_is_given_is_made_once(api, run):
    made, seen = [], []

    class Checked(BaseModel):
        a: int = 0

        @model_validator(mode="after")
        def note(self):
            made.append(self.a)
            return self

    def fails_twice(state):
        seen.append(state.a)
        state.a += 1
        if len(seen) < 3:
            raise ConnectionError("no")
        return {"a": 7}

    def fails(state):
        state.a += 1
        raise ConnectionError("no")

    def handles(state, error: api.NodeError):
        seen.append(state.a)

    policy = api.RetryPolicy(initial_interval=0.001, jitter=False)
    built = api.StateGraph(Checked).add_node("x", fails_twice, retry_policy=policy)
    built.add_node("y", fails, error_handler=handles)
    g = built.add_edge(api.START, "x").add_edge("x", "y").compile()
    transcript = []
    for mode in ("updates", "tasks", "debug", "messages"):
        made.clear()
        seen.clear()
        run.stream(g, {"a": 1}, stream_mode=mode)
        transcript.append([[*made], [*seen]])
    return transcript


@program("R1.20", "R1.8")
def a_branch_sees_what_its_node_sees_and_returned(api, run):
    class Inner(TypedDict, total=False):
        log: Annotated[list, operator.add]
        secret: int

    seen = []

    def plain(state):
        seen.append(["plain", dict(state)])
        return api.END

    def annotated(state: S):
        seen.append(["annotated", dict(state)])
        return api.END

    def private(state: Inner):
        return {"log": ["p"], "b": "returned", "secret": 2, "odd": 3}

    built = graph(api, (api.START, "private"), private=private)
    for path in (plain, annotated):
        built.add_conditional_edges("private", path)
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"], "a": 1}, run.config())
    run.update_state(g, run.config(), {"log": ["u"], "odd": 4}, as_node="private")
    return seen


@program("R1.20", "R1.8")
def a_branch_is_given_the_class_that_its_node_is_given(api, run):
    @dataclass
    class Inner:
        log: Annotated[list, operator.add]
        secret: int = 5

    def private(state: Inner):
        return {"log": ["p"], "b": "returned"}

    def path(state):
        return api.Send("x", {"b": f"{type(state).__name__} {state.secret}"})

    built = graph(
        api,
        (api.START, "private"),
        private=private,
        x=lambda state: {"log": [state["b"]]},
    )
    built.add_conditional_edges("private", path)
    return run.invoke(built.compile(), {"log": ["i"]})


@program("R2.1", "R2.16", "R1.20")
def keys_that_only_a_branch_names(api, run):
    class Route(TypedDict, total=False):
        a: int
        where: str
        tried: Annotated[list, operator.add]

    seen = []

    def path(state: Route):
        seen.append(dict(state))
        return state["where"] if len(state["tried"]) < 2 else api.END

    def x(state):
        return {"log": ["x"], "where": "y", "tried": ["x"]}

    def y(state):
        return {"log": [sorted(state)], "tried": ["y"]}

    built = graph(api, (api.START, "x"), ("y", "x"), x=x, y=y)
    g = built.add_conditional_edges("x", path).compile(checkpointer=run.saver)
    result = run.invoke(g, {"a": 1}, run.config())
    return [result, seen, run.look(g, run.config())["values"]]
