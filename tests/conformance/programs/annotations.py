"""Sections 1 and 2: what programs write in annotations, and ask with isinstance."""

import operator
from typing import Annotated, Any, Generic, NotRequired, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, say

GENERIC = (
    "StateGraph CompiledStateGraph Pregel GraphOutput CachePolicy Command BaseChannel "
    "LastValue BinaryOperatorAggregate BaseCheckpointSaver BaseCache entrypoint Runtime"
)


@program("R1.43")
def what_can_be_run_is_a_pregel(api, run):
    @api.entrypoint()
    def wf(n):
        return n

    built = graph(api, (api.START, "n"), n=None)
    compiled = built.compile()
    return [
        isinstance(compiled, api.Pregel),
        isinstance(compiled, api.CompiledStateGraph),
        isinstance(wf, api.Pregel),
        isinstance(built, api.Pregel),
        issubclass(api.CompiledStateGraph, api.Pregel),
    ]


@program("R1.1", "R1.43")
def classes_take_parameters_in_annotations(api, run):
    """As in `-> CompiledStateGraph[State, None, State, State]`, read when the function is made."""
    counts = {"BaseChannel": 3, "CompiledStateGraph": 4, "Pregel": 4, "StateGraph": 4}
    found = {}
    for name in GENERIC.split():
        cls = getattr(api, name)
        given = (S,) * counts.get(name, 1)
        found[name] = cls[given if len(given) > 1 else S].__origin__ is cls
    return found


@program("R1.1")
def a_builder_is_made_with_parameters(api, run):
    built = api.StateGraph[S, None, S, S](S).add_node("n", say("n"))
    g: api.CompiledStateGraph[S, None, S, S] = built.add_edge(api.START, "n").compile()
    return run.invoke(g, {"log": []})


@program("R1.43")
def an_entrypoint_is_made_with_parameters(api, run):
    @api.entrypoint[None](checkpointer=run.saver)
    def wf(n):
        return n + 1

    return run.invoke(wf, 1, run.config())


@program("R1.1")
def a_class_over_the_type_variables_takes_their_defaults(api, run):
    class Agent(Generic[api.StateT, api.ContextT, api.InputT, api.OutputT]):
        pass

    full = Agent[S, int, str, bytes]
    short = Agent[S, None, S, S]
    return [
        [str(each) for each in (api.StateT, api.ContextT, api.InputT, api.OutputT)],
        full.__args__ == (S, int, str, bytes),
        short.__args__ == (S, type(None), S, S) or short.__args__,
        api.ContextT.__default__,
        api.InputT.__default__ is api.StateT,
        api.OutputT.__default__ is api.StateT,
        Agent[Any].__args__[0] is Any,
    ]


@program("R2.7", "R2.3")
def a_channel_among_other_notes_of_an_annotation(api, run):
    """A channel counts wherever it stands, a reducer only at the end."""

    class State(TypedDict, total=False):
        brief: NotRequired[Annotated[int | None, api.EphemeralValue, "private"]]
        unsaved: Annotated[int, "note", api.UntrackedValue(int), "note"]
        sent: Annotated[list, api.Topic(str), operator.add]
        added: Annotated[list, operator.add, "note"]
        n: int

    seen = []

    def node(state):
        seen.append(dict(state))
        n = state["n"] + 1
        return {"sent": [f"s{n}"], "added": [f"a{n}"], "n": n}

    built = api.StateGraph(State)
    built.add_sequence([("one", node), ("two", node)]).add_edge(api.START, "one")
    g = built.compile(checkpointer=run.saver)
    out = run.invoke(g, {"brief": 1, "unsaved": 2, "n": 0}, run.config())
    return [seen, out, run.get_state(g, run.config()).values]
