"""Where a run stops that was asked to drain (R3.19)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


def chain(api, run=None, **options):
    """Two nodes, the first of which asks for a drain."""

    def one(state, runtime):
        runtime.control.request_drain("why")
        return {"log": ["one"]}

    built = graph(api, (api.START, "one"), ("one", "two"), one=one, two=None)
    if run is not None:
        options["checkpointer"] = run.saver
    return built.compile(**options)


def drained(api):
    control = api.RunControl()
    control.request_drain("before")
    return control


@program("R3.19", "R5.26")
def a_drain_in_front_of_a_breakpoint_stops_at_it(api, run):
    seen = []
    for number, options in enumerate(
        [{"interrupt_before": ["two"]}, {"interrupt_after": ["one"]}]
    ):
        g, config = chain(api, run, **options), run.config(str(number))
        chunks = run.stream(g, {"log": []}, config, control=api.RunControl())
        look = run.look(g, config)
        seen.append([chunks, look, run.invoke(g, None, config)])
    return seen


@program("R3.19", "R5.26")
def and_so_it_does_below(api, run):
    sub = chain(api, interrupt_before=["two"])
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config(), control=api.RunControl())
    look = run.look(g, run.config(), subgraphs=True)
    return [first, look, run.invoke(g, None, run.config())]


@program("R3.19")
def a_drain_before_the_run_stops_it_before_its_first_node(api, run):
    g = chain(api, run)
    control = drained(api)
    chunks = run.stream(g, {"log": ["in"]}, run.config(), control=control)
    look = run.look(g, run.config())
    again = run.attempt(run.invoke, g, None, run.config(), control=control)
    went_on = run.attempt(run.invoke, g, None, run.config())
    no_saver = run.attempt(run.invoke, chain(api), {"log": []}, control=drained(api))
    return [chunks, look, again, went_on, run.steps(g, run.config()), no_saver]


@program("R3.19", "R8.3", only="blocking")
def and_an_entrypoint_before_its_body(api, run):
    calls = []

    def body(x):
        calls.append(x)
        return x + 1

    flow = api.entrypoint(checkpointer=run.saver)(body)
    first = run.attempt(run.invoke, flow, 1, run.config(), control=drained(api))
    before = list(calls)
    return [first, before, run.invoke(flow, None, run.config()), calls]


@program("R3.19")
def a_graph_below_stops_before_its_first_node(api, run):
    first = []

    def two(state):
        return {"log": ["below"]}

    sub = graph(api, (api.START, "two"), two=two).compile()

    def call(state, runtime):
        if not first:
            first.append(1)
            runtime.control.request_drain("why")
        return {"log": sub.invoke({"log": []})["log"]}

    async def acall(state, runtime):
        if not first:
            first.append(1)
            runtime.control.request_drain("why")
        return {"log": (await sub.ainvoke({"log": []}))["log"]}

    calls = call if run.driver == "blocking" else acall
    g = graph(api, (api.START, "calls"), calls=calls).compile(checkpointer=run.saver)
    stopped = run.attempt(run.invoke, g, {"log": []}, run.config())
    return [
        stopped,
        run.look(g, run.config())["next"],
        run.invoke(g, None, run.config()),
    ]


@program("R1.6", "R3.19")
def a_run_has_a_control_though_nobody_gave_one(api, run):
    g = chain(api, run)
    return [
        run.attempt(run.invoke, g, {"log": []}, run.config()),
        run.look(g, run.config())["next"],
        run.invoke(g, None, run.config()),
    ]


@program(
    "R3.19",
    "RA.6",
    differs="what an answer is for runs first, so that the answer is not lost",
    expected=[{"raises": "GraphDrained"}, ["next"], {"log": ["yes", "next"]}],
)
def an_answer_under_a_drain_is_kept(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    edges = [(api.START, "asks"), ("asks", "next")]
    g = graph(api, *edges, asks=asks, next=None).compile(checkpointer=run.saver)
    asked = run.invoke(g, {"log": []}, run.config())["__interrupt__"]
    answer = api.Command(resume={asked[0].id: "yes"})
    stopped = run.attempt(run.invoke, g, answer, run.config(), control=drained(api))
    due = run.look(g, run.config())["next"]
    result = run.invoke(g, None, run.config())
    return [stopped, due, {"log": result["log"]}]
