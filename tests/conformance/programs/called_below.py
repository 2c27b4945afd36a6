"""Graphs that the function of a node calls: they are known by the graph above too (R7.9, R7.11)."""

from types import SimpleNamespace
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph


def asking(api, mode=None):
    def asks(state):
        return {"log": [state.get("a"), api.interrupt("q")]}

    edges = [(api.START, "x"), ("x", "asks")]
    return graph(api, *edges, x=None, asks=asks).compile(checkpointer=mode)


def calling(api, run, below, **options):
    """A graph whose node calls `below` in the way of the driver."""

    def call(state):
        return {"log": below.invoke({"log": ["in"]})["log"]}

    async def acall(state):
        return {"log": (await below.ainvoke({"log": ["in"]}))["log"]}

    node = call if run.driver == "blocking" else acall
    built = graph(api, (api.START, "calls"), ("calls", "z"), calls=node, z=None)
    return built.compile(checkpointer=run.saver, **options)


@program("R7.8", "R7.9")
def a_called_graph_is_edited_where_it_waits(api, run):
    seen = []
    for number, mode in enumerate((None, True)):
        g, config = calling(api, run, asking(api, mode)), run.config(str(number))
        run.invoke(g, {"log": []}, config)
        waits = run.look(g, config, subgraphs=True)["tasks"][0]["state"]
        place = run.get_state(g, config, subgraphs=True).tasks[0].state.config
        run.update_state(g, place, {"a": 5, "log": ["edited"]})
        after = run.get_state(g, run.get_state(g, config).tasks[0].state).values
        result = run.invoke(g, api.Command(resume="yes"), config)
        seen.append([waits["values"], waits["next"], after, result])
    return seen


@program("R7.9", "R8.12")
def and_one_that_an_entrypoint_calls(api, run):
    below = asking(api)

    def body(given):
        return below.invoke({"log": [given]})["log"]

    async def abody(given):
        return (await below.ainvoke({"log": [given]}))["log"]

    chosen = body if run.driver == "blocking" else abody
    flow = api.entrypoint(checkpointer=run.saver)(chosen)
    run.invoke(flow, "in", run.config())
    place = run.get_state(flow, run.config(), subgraphs=True).tasks[0].state.config
    run.update_state(flow, place, {"a": 5})
    names = [name for name, _ in flow.get_subgraphs()]
    return [len(names), run.invoke(flow, api.Command(resume="yes"), run.config())]


@program("R1.45", "R7.11")
def called_graphs_are_listed_and_drawn(api, run):
    low = graph(api, (api.START, "l"), l=None).compile()
    box = SimpleNamespace(graph=low)
    invoke = low.invoke
    quiet = graph(api, (api.START, "l"), l=None).compile(checkpointer=False)

    def captured(state):
        return low.invoke(state)

    def by_attribute(state):
        return box.graph.invoke(state)

    def by_method(state):
        return invoke(state)

    def inside(state):
        return next(low.invoke(each) for each in [state])

    async def awaited(state):
        return await low.ainvoke(state)

    def unsaved(state):
        return quiet.invoke(state)

    def nothing(state):
        return {}

    nodes = [captured, by_attribute, by_method, inside, awaited, unsaved, nothing]
    built = api.StateGraph(S)
    for node in nodes:
        built.add_node(node).add_edge(api.START, node.__name__)
    g = built.compile()
    above = graph(api, (api.START, "g"), g=g).compile()
    return [
        sorted(name for name, _ in g.get_subgraphs()),
        all(found is low for _, found in g.get_subgraphs()),
        [name for name, _ in g.get_subgraphs(namespace="captured")],
        sorted(name for name, _ in above.get_subgraphs(recurse=True)),
        sorted(g.get_graph().nodes),
        sorted(g.get_graph(xray=True).nodes),
    ]


@program(
    "R7.9",
    "R7.11",
    differs="of several graphs that a node's code names, nobody can tell which one waits",
    expected=[[], {"raises": "ValueError"}],
)
def of_several_called_graphs_none_is_taken(api, run):
    low, other = asking(api), graph(api, (api.START, "o"), o=None).compile()

    def calls(state):
        return {"log": (other if state.get("a") else low).invoke({"log": []})["log"]}

    async def acalls(state):
        found = await (other if state.get("a") else low).ainvoke({"log": []})
        return {"log": found["log"]}

    node = calls if run.driver == "blocking" else acalls
    g = graph(api, (api.START, "calls"), calls=node).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    place = run.get_state(g, run.config(), subgraphs=True).tasks[0].state.config
    names = [name for name, _ in g.get_subgraphs()]
    return [names, run.attempt(run.update_state, g, place, {"a": 5})]


@program("R7.11")
def a_graph_that_calls_itself(api, run):
    def calls(state):
        return g.invoke(state) if state.get("a") else {}

    g = graph(api, (api.START, "calls"), calls=calls).compile()
    names = [name for name, _ in g.get_subgraphs(recurse=True)]
    return [names, sorted(g.get_graph(xray=True).nodes)]


@program(
    "R2.8",
    "R7.8",
    differs="of a graph that the code does not name it is shown as it is saved, there reading fails",
    expected=[
        {"snapshot": ["in"], "written since": [[["x"]]]},
        {"snapshot": ["in"], "written since": [[["x"]]]},
        2,
        {"log": ["in", "x", "yes"]},
    ],
)
def a_delta_of_a_graph_that_nobody_knows_is_shown(api, run):
    def add(left, writes):
        return [*(left or []), *(item for each in writes for item in each)]

    class Kept(TypedDict, total=False):
        log: Annotated[list, api.DeltaChannel(add)]

    def asks(state):
        return {"log": [api.interrupt("q")]}

    edges = [(api.START, "x"), ("x", "asks")]
    below = graph(api, *edges, x=None, asks=asks, schema=Kept).compile()
    hidden = {"graph": below}

    def calls(state):
        return {"log": hidden["graph"].invoke({"log": ["in"]})["log"]}

    async def acalls(state):
        return {"log": (await hidden["graph"].ainvoke({"log": ["in"]}))["log"]}

    node = calls if run.driver == "blocking" else acalls
    g = graph(api, (api.START, "calls"), calls=node).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    found = run.get_state(g, run.config(), subgraphs=True).tasks[0].state
    place = run.get_state(g, run.config()).tasks[0].state
    return [
        found.values["log"],
        run.get_state(g, place).values["log"],
        len(run.get_history(g, run.config())),
        run.invoke(g, api.Command(resume="yes"), run.config()),
    ]


def _on_a_thread(api, run, below, named):
    """What two runs show whose node calls `below` with a config that names a thread."""

    def call(state):
        found = below.invoke({"log": ["in"]}, named)
        return {"log": [len(found["log"]), "__interrupt__" in found]}

    async def acall(state):
        found = await below.ainvoke({"log": ["in"]}, named)
        return {"log": [len(found["log"]), "__interrupt__" in found]}

    node = call if run.driver == "blocking" else acall
    g = graph(api, (api.START, "calls"), calls=node).compile(checkpointer=run.saver)
    told = [
        run.stream(g, {"log": []}, run.config(), stream_mode="updates", subgraphs=True)
        for _ in range(2)
    ]
    return [[len(place), chunk] for chunks in told for place, chunk in chunks]


@program("R7.2")
def a_called_graph_with_a_saver_and_a_thread_is_a_run_of_its_own(api, run):
    below = asking(api, api.InMemorySaver())
    return _on_a_thread(api, run, below, {"configurable": {"thread_id": "own"}})


@program(
    "R7.2",
    differs="without a saver of its own it belongs to the run around it, so that its question can be answered",
    expected=[
        [1, {"x": {"log": ["x"]}}],
        [1, {"__interrupt__": [{"asks": "q", "id": "#1"}]}],
        [0, {"__interrupt__": [{"asks": "q", "id": "#1"}]}],
        [1, {"x": {"log": ["x"]}}],
        [1, {"__interrupt__": [{"asks": "q", "id": "#2"}]}],
        [0, {"__interrupt__": [{"asks": "q", "id": "#2"}]}],
    ],
)
def a_called_graph_without_a_saver_belongs_to_the_run_around_it(api, run):
    below = asking(api)
    return _on_a_thread(api, run, below, {"configurable": {"thread_id": "own"}})
