"""Section 1: Send and Command, and where they lead."""

import operator
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, outcome_of, say


@program(
    "R1.22",
    "RA.9",
    differs="an unknown target is an error that names node and target",
    expected=[{"raises": "InvalidUpdateError", "says": "ghost"}] * 3,
)
def unknown_targets(api, run):
    def make(node, path=None):
        built = graph(api, (api.START, "x"), x=node, y=None)
        if path:
            built.add_conditional_edges("x", path)
        return run.attempt(run.invoke, built.compile(), {"log": []}, says="ghost")

    return [
        make(say("x"), lambda s: "ghost"),
        make(lambda s: api.Command(goto="ghost")),
        make(lambda s: api.Send("ghost", {})),
    ]


@program(
    "R1.22",
    differs="a Send to the end is refused wherever it comes from",
    expected=[{"raises": "InvalidUpdateError"}] * 3,
)
def send_to_the_end(api, run):
    built = graph(api, (api.START, "x"), x=None)
    built.add_conditional_edges("x", lambda s: api.Send(api.END, {}))
    return [
        outcome_of(api, run, api.Send(api.END, {})),
        outcome_of(api, run, api.Command(goto=api.Send(api.END, {}))),
        run.attempt(run.invoke, built.compile(), {"log": []}),
    ]


@program("R1.25")
def goto_adds_to_the_edges(api, run):
    def make(goto):
        x = lambda s: api.Command(goto=goto, update={"log": ["x"]})  # noqa: E731
        g = graph(api, (api.START, "x"), ("x", "y"), x=x, y=None, z=None)
        return run.invoke(g.compile(), {"log": []})

    return [make("z"), make(api.END), make("y"), make(["z", "z"]), make(())]


@program("R1.26", "R1.27", "R3.9")
def sends_and_edges_to_one_node(api, run):
    seen = []

    def w(state):
        seen.append(state)
        return {"log": [state if isinstance(state, int) else "edge"]}

    def x(state):
        return api.Command(goto=[api.Send("w", 1), "w", api.Send("w", 1), "w"])

    g = graph(api, (api.START, "x"), x=x, w=w).compile()
    return run.invoke(g, {"log": ["i"]})


@program("R1.28")
def several_sends_fire_one_outgoing_edge(api, run):
    def w(n):
        return {"log": [n]}

    def fin(state):
        return {"log": [f"fin{len(state['log'])}"]}

    built = graph(api, ("w", "fin"), w=w, fin=fin)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("w", 3), api.Send("w", 1)]
    )
    return run.invoke(built.compile(), {"log": []})


@program("R1.27")
def sent_input_is_given_as_it_is(api, run):
    from pydantic import BaseModel

    class Model(BaseModel):
        a: int = 0
        log: Annotated[list, operator.add] = []

    def w(arg):
        return {"log": [type(arg).__name__, arg]}

    built = graph(api, schema=Model, w=w)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("w", {"a": "1"}), api.Send("w", 5)]
    )
    return run.invoke(built.compile(), {"log": []})


@program("R1.29")
def command_for_the_parent(api, run):
    def i2(state):
        return api.Command(
            graph=api.Command.PARENT, update={"log": ["toparent"]}, goto="tgt"
        )

    sub = graph(
        api, (api.START, "i1"), ("i1", "i2"), ("i2", "i3"), i1=None, i2=i2, i3=None
    )
    edges = [(api.START, "sub"), ("sub", "nxt")]
    g = graph(api, *edges, sub=sub.compile(), nxt=None, tgt=None).compile()
    return run.invoke(g, {"log": ["i"]})


@program(
    "R1.30",
    differs="a command for a parent that is not there is an update that cannot be made",
    expected=[{"raises": "NoParentGraphError"}] * 2,
)
def command_for_a_parent_that_is_not_there(api, run):
    return [
        outcome_of(api, run, api.Command(graph=api.Command.PARENT, update={"a": 1})),
        outcome_of(api, run, api.Command(graph="elsewhere", update={"a": 1})),
    ]


@program(
    "R1.31",
    differs="a branch chooses, it does not command",
    expected={"raises": "InvalidUpdateError"},
)
def command_from_a_branch(api, run):
    built = graph(api, (api.START, "x"), x=None, y=None)
    built.add_conditional_edges("x", lambda s: api.Command(goto="y"))
    return run.attempt(run.invoke, built.compile(), {"log": []})


@program("R1.24")
def forms_of_a_command_update(api, run):
    @dataclass
    class Fields:
        a: int = 1
        log: list = field(default_factory=lambda: ["d"])

    class Model(BaseModel):
        a: int = 2
        log: list = ["m"]

    def gives(update):
        g = graph(
            api, (api.START, "n"), n=lambda s: api.Command(update=update)
        ).compile()
        return run.attempt(run.invoke, g, {"log": ["i"]})

    return [
        gives({"a": 3}),
        gives([("log", ["p"]), ("a", 4), ("log", ["q"])]),
        gives((("a", 5),)),
        gives(Fields()),
        gives(Model(a=6)),
        gives(None),
        gives({}),
        gives({"unknown": 1, "a": 7}),
        run.attempt(lambda: api.Command({"a": 1}) and "fine"),
        api.Command(update={"a": 1}, goto="n")
        == api.Command(update={"a": 1}, goto="n"),
        api.Command.PARENT,
    ]


@program(
    "R1.24",
    differs="an update that is none of the forms is refused, not dropped",
    expected={"raises": "InvalidUpdateError", "says": "'n'"},
)
def a_command_update_of_another_form(api, run):
    g = graph(api, (api.START, "n"), n=lambda s: api.Command(update=8)).compile()
    return run.attempt(run.invoke, g, {"log": ["i"]}, says="'n'")


@program("R1.26", "R1.32")
def a_send_to_a_deferred_node_is_a_task_of_its_own(api, run):
    built = graph(api, (api.START, "late"), a=None)
    built.add_node("late", say("late"), defer=True)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("late", {"a": 1}), "a"], ["late", "a"]
    )
    return run.invoke(built.compile(), {"log": []})


@program(
    "R1.32",
    differs="theirs lets a deferred node run beside the sends that are due with it",
    expected={"log": ["p", "w", "w", "w2", "late"]},
)
def a_deferred_node_waits_for_sends_too(api, run):
    built = graph(
        api, (api.START, "p"), ("p", "late"), ("w", "w2"), p=None, w=None, w2=None
    )
    built.add_node("late", say("late"), defer=True)
    built.add_conditional_edges("p", lambda s: [api.Send("w", {}), api.Send("w", {})])
    return run.invoke(built.compile(), {"log": []})
