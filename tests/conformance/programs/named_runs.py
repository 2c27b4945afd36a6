"""Section 9: runs as handlers hear of them: whose they are, how they are named, what is kept of them."""

import asyncio
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.base import BaseTracer

from tests.conformance.corpus import program
from tests.conformance.programs.runs import (
    GIVEN,
    Notes,
    _one,
    _pair,
    _routed,
    heard,
    speaks,
)
from tests.conformance.programs.shapes import asks, graph


@program("R9.10", "R7.13")
def handlers_that_a_graph_is_bound_to_hear_its_runs(api, run):
    notes = Notes()
    g = _one(api, speaks)
    run.invoke(g.with_config(callbacks=[notes], run_name="bound", tags=["t"]), GIVEN)
    return [notes.seen, notes.kept["n"]["tags"]]


@program("R9.10", "R1.5")
def all_runs_of_a_thread_name_it(api, run):
    notes = Notes()
    g = _one(api, speaks, checkpointer=run.saver)
    run.invoke(g, GIVEN, {**run.config("mine"), "callbacks": [notes]})
    return {name: each["metadata"]["thread_id"] for name, each in notes.kept.items()}


@program("R9.10", "R1.6")
def the_id_of_a_call_is_the_id_of_its_run(api, run):
    notes = Notes()
    mine = UUID("11111111-2222-4333-8444-555555555555")
    run.invoke(_one(api, speaks), GIVEN, {"callbacks": [notes], "run_id": mine})
    return [notes.names[mine], len(notes.names)]


class Raises(BaseCallbackHandler):
    raise_error = True

    def __init__(self, name):
        self.name = name

    def on_chain_start(self, serialized, inputs, *, name=None, **more):
        if name == self.name:
            raise LookupError(name)


@program("R9.10")
def a_handler_that_may_raise_ends_what_it_hears(api, run):
    seen = []
    for name in ("x", "LangGraph"):
        notes = Notes()
        config = {"callbacks": [notes, Raises(name)]}
        seen.append([run.attempt(run.invoke, _pair(api), GIVEN, config), notes.seen])
    return seen


@program("R9.10", "R3.18")
def a_stream_that_is_left_ends_its_run(api, run):
    notes = Notes()
    run.first_chunks(_pair(api), 1, GIVEN, {"callbacks": [notes]})
    return notes.seen


@program("R9.10", "R3.11", only="async")
def what_is_given_up_ends_before_its_graph(api, run):
    async def slow(state):
        await asyncio.sleep(5)

    async def bad(state):
        await asyncio.sleep(0.02)
        raise ValueError("no")

    built = graph(api, (api.START, "bad"), (api.START, "slow"), bad=bad, slow=slow)
    found = heard(run, built.compile(), GIVEN)
    return [found[0], sorted(found[1:3]), sorted(found[3:5]), found[5]]


@program("R9.9", "R9.10", "R5.1")
def a_pause_is_told_with_the_id_of_its_run(api, run):
    notes, ids = Notes(), []

    class Mine(api.GraphCallbackHandler):
        def on_interrupt(self, event):
            ids.append(event.run_id)

        def on_resume(self, event):
            ids.append(event.run_id)

    g = _one(api, asks(api), checkpointer=run.saver)
    config = {**run.config(), "callbacks": [Mine(), notes]}
    run.invoke(g, GIVEN, config)
    run.invoke(g, api.Command(resume="yes"), config)
    return [notes.names.get(each) for each in ids]


@program("R1.37", "R9.10", only="async")
def each_word_of_a_model_is_a_sign_of_life(api, run):
    async def speaks_slowly(state):
        model = FakeListChatModel(responses=["x" * 20], sleep=0.05)
        return {"log": ["".join([part.content async for part in model.astream("")])]}

    policy = api.TimeoutPolicy(idle_timeout=0.8)
    built = graph(api, (api.START, "n"))
    built.add_node("n", speaks_slowly, timeout=policy)
    seen = [heard(run, built.compile(), GIVEN), run.invoke(built.compile(), GIVEN)]
    deaf = graph(api, (api.START, "n"))
    policy = api.TimeoutPolicy(idle_timeout=0.8, refresh_on="heartbeat")
    deaf.add_node("n", speaks_slowly, timeout=policy)
    return [*seen, run.attempt(run.invoke, deaf.compile(), GIVEN)]


class Tracer(BaseTracer):
    """Notes what a tracer keeps of each chain that has ended."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def _persist_run(self, run):
        pass

    def _on_chain_end(self, run):
        self.kept.append([run.name, run.inputs, run.outputs])


def _brief(value):
    return {"count": len(value["log"])}


def _traced(api, node, **functions):
    built = graph(api, (api.START, "x"), ("x", "y"), y=None)
    policy = api.TracePolicy(**functions)
    return built.add_node("x", node, trace_policy=policy).compile()


@program("R9.10")
def a_trace_policy_says_what_tracers_keep_of_a_node(api, run):
    seen = []
    below = _one(api, None, name="below")
    empty = {"process_inputs": api.omit_payload, "process_outputs": api.omit_payload}
    for node, functions in (
        (speaks, {"process_inputs": _brief, "process_outputs": _brief}),
        (below, empty),
        (speaks, {"process_outputs": lambda value: value["nothing"]}),
        (speaks, {}),
    ):
        tracer, notes = Tracer(), Notes()
        g = _traced(api, node, **functions)
        done = run.invoke(g, GIVEN, {"callbacks": [tracer, notes]})
        told = [notes.kept["x"]["inputs"], notes.kept["x"]["outputs"]]
        seen.append([tracer.kept, told, done, notes.seen])
    return seen


@program("R9.10", "E.chains", only="async")
def a_trace_policy_leaves_events_as_they_are(api, run):
    g = _traced(api, speaks, process_outputs=api.omit_payload)
    found = run.events(g, GIVEN, include_names=["x"])
    return [[each["event"], each["data"]] for each in found]


@program(
    "R9.10",
    differs="a branch without a name is called as it is in the graph (LangGraph: "
    "RunnableCallable where the call blocks, none where it is awaited)",
    expected=["<lambda>"],
)
def a_branch_without_a_name(api, run):
    built = graph(api, (api.START, "x"), x=None, y=None)
    built.add_conditional_edges("x", lambda state: "y")
    notes = Notes()
    run.invoke(built.compile(), GIVEN, {"callbacks": [notes]})
    return [name for what, name, *_ in notes.seen if what == "end" and name[0] in "R<"]


@program(
    "R9.10",
    differs="a sequence of langchain-core that is a node is a run below the node's "
    "(LangGraph: its links stand for the node's own)",
    expected=[["RunnableSequence", "n"], ["double", "RunnableSequence"]],
)
def a_chain_that_is_a_node(api, run):
    def double(log):
        return {"log": log}

    node = RunnableLambda(lambda state: state["log"]) | RunnableLambda(double)
    seen = heard(run, _one(api, node), GIVEN)
    wanted = {"RunnableSequence", "double"}
    return [each[1:] for each in seen if each[0] == "start" and each[1] in wanted]


@program(
    "R9.10",
    differs="an edit of the state is no run (LangGraph: LangGraphUpdateState, with the "
    "branches it asks)",
    expected=[],
)
def an_edit_is_no_run(api, run):
    g = _routed(api, checkpointer=run.saver)
    run.invoke(g, GIVEN, run.config())
    notes = Notes()
    run.update_state(g, {**run.config(), "callbacks": [notes]}, GIVEN, as_node="x")
    return notes.seen
