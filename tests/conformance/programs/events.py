"""Section E: what `astream_events` and listeners of langchain-core tell of a graph."""

import warnings

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.language_models.fake_chat_models import (
    FakeListChatModel,
    GenericFakeChatModel,
)
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from tests.conformance.corpus import program
from tests.conformance.programs.scripted import Scripted, calls
from tests.conformance.programs.shapes import asks, graph

GIVEN = {"log": ["i"]}


def events(run, g, *args, **options):
    """Each event: its kind, whose, how far below, what it carries, its tags and in which node."""
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # version="v1" is deprecated
        for each in run.events(g, *args, **options):
            if "raises" in each:
                seen.append(each)
                continue
            data = each["data"]
            if each["event"].startswith("on_chat_model"):
                data = data.get("chunk") and data["chunk"].content
            elif type(data.get("input")).__name__ == "Command":
                data = {**data, "input": "a Command"}
            row = [each["event"], each["name"], len(each["parent_ids"]), data]
            node = each["metadata"].get("langgraph_node")
            seen.append([*row, sorted(each["tags"]), node])
    return seen


async def awaits(state):
    found = await FakeListChatModel(responses=["hi"]).ainvoke("x")
    return {"log": [found.content]}


def speaks(state):
    return {"log": [FakeListChatModel(responses=["hi"]).invoke("x").content]}


def to_y(state):
    return "y"


def _routed(api, **options):
    built = graph(api, (api.START, "x"), x=speaks, y=awaits)
    return built.add_conditional_edges("x", to_y).compile(**options)


def _pair(api, x=None, y=None, **options):
    return graph(api, (api.START, "x"), ("x", "y"), x=x, y=y).compile(**options)


@program("E.chains", "R9.10", only="async")
def events_of_a_graph(api, run):
    config = {"tags": ["mine"], "run_name": "named"}
    named = events(run, _routed(api), GIVEN, config)
    return [events(run, _routed(api, name="flow"), GIVEN, version="v2"), named]


@program("E.chains", only="async")
def events_of_the_first_version(api, run):
    return events(run, _routed(api), GIVEN, version="v1")


@program("E.chains", "R7.1", only="async")
def events_of_graphs_below(api, run):
    below = graph(api, (api.START, "i"), i=None).compile(name="below")

    async def awaited(state):
        return await below.ainvoke(GIVEN)

    g = _pair(api, below, lambda state: below.invoke(GIVEN))
    return [events(run, each, GIVEN) for each in (g, _pair(api, awaited))]


@program("E.chains", "R9.1", only="async")
def events_of_other_streams(api, run):
    def writes(state):
        api.get_stream_writer()("word")
        return {"log": ["w"]}

    g = _pair(api, writes)
    modes = {"stream_mode": ["custom", "values"], "subgraphs": True}
    seen = []
    for more in (modes, {"output_keys": "log"}):
        found = events(run, g, GIVEN, **more)
        seen.append([each for each in found if each[2] == 0])  # not beside the node's
    return seen


@program("E.chains", only="async")
def events_that_are_wanted(api, run):
    g = _routed(api)
    wanted = [
        {"include_names": ["x", "to_y"]},
        {"include_types": ["chat_model"]},
        {"include_tags": ["graph:step:2"]},
        {"exclude_names": ["LangGraph", "x"]},
        {"exclude_types": ["chain"]},
        {"exclude_tags": ["graph:step:1"]},
    ]
    return [events(run, g, GIVEN, **each) for each in wanted]


@program("E.chains", "R5.1", only="async")
def events_of_a_pause_and_of_its_answer(api, run):
    g = _pair(api, asks(api), checkpointer=run.saver)
    answer = api.Command(resume="yes")
    asked = events(run, g, GIVEN, run.config())
    return [asked, events(run, g, answer, run.config()), run.look(g, run.config())]


@program("E.chains", only="async")
def events_of_a_failure(api, run):
    return events(run, _pair(api, None, lambda state: 1 / 0), GIVEN)


@program("E.chains", "R8.9", only="async")
def events_of_tasks(api, run):
    @api.task
    async def part(x):
        return x + 1

    @api.entrypoint()
    async def flow(x):
        first = await part(x)
        return [first, await part(first)]

    found = events(run, flow, 1)
    # the last chunk of a task comes beside the end of what awaits it
    return sorted(found, key=lambda each: (each[2], each[1], str(each[3])))


@program("E.chains", "R3.10", only="async")
def events_come_of_25_steps(api, run):
    built = graph(api, (api.START, "n"), n=None)
    path = lambda s: api.END if len(s["log"]) > 30 else "n"  # noqa: E731
    g = built.add_conditional_edges("n", path).compile()
    few = events(run, g, GIVEN, include_names=["n"])
    more = events(run, g, GIVEN, {"recursion_limit": 40}, include_names=["n"])
    return [len(few), few[-1], len(more)]


@program("E.chains", "R9.10", only="async")
def events_that_a_node_sends_itself(api, run):
    def sends(state):
        dispatch_custom_event("mine", {"n": 1})

    async def awaits_it(state):
        await adispatch_custom_event("mine", {"n": 2})

    g = _pair(api, sends, awaits_it)
    return events(run, g, GIVEN, include_names=["mine", "y"])


@program("E.chains", "E.prebuilt", only="async")
def events_of_an_agent(api, run):
    @tool
    def add(x: int) -> str:
        """Add one."""
        return str(x + 1)

    class Model(GenericFakeChatModel):
        def bind_tools(self, tools, **options):
            return self

    call = {"name": "add", "args": {"x": 1}, "id": "1"}
    said = [AIMessage("let me see", tool_calls=[call]), AIMessage("two")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agent = api.create_react_agent(Model(messages=iter(said)), [add])
    given = {"messages": [HumanMessage("one more than one")]}
    found = run.events(agent, given, exclude_types=["chain", "prompt"])
    return [[each["event"], each["name"]] for each in found]


@program("E.chains", "R9.10")
def listeners_of_a_graph(api, run):
    seen = []

    def told(what):
        return lambda each: seen.append([what, each.name, each.inputs, each.outputs])

    listen = {"on_start": told("start"), "on_end": told("end")}
    run.invoke(_pair(api).with_listeners(**listen), GIVEN)
    failing = _pair(api, lambda state: 1 / 0)
    failing = failing.with_listeners(on_error=lambda each: seen.append(each.name))
    return [run.attempt(run.invoke, failing, GIVEN), seen]


@program("E.chains", "R9.10", only="async")
def awaited_listeners_of_a_graph(api, run):
    seen = []

    async def told(each, config):
        seen.append([each.name, each.inputs])

    run.invoke(_pair(api).with_alisteners(on_start=told, on_end=told), GIVEN)
    return seen


@program("E.chains", only="async")
def the_log_of_a_graph(api, run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated
        stream = run.logs(_pair(api), GIVEN)
    last = stream[-1]
    each = [[one["path"], one["value"]] for one in last.ops]
    return [len(stream), each]


@program("E.chains", only="async")
def events_of_a_chain_with_a_graph(api, run):
    chain = RunnableLambda(lambda text: {"log": [text]}) | _pair(api)
    return events(run, chain, "t")


@program("E.chains", only="async")
def events_of_a_version_that_nobody_knows(api, run):
    return events(run, _pair(api), GIVEN, version="v9")


@program(
    "E.chains",
    only="async",
    differs="there is no version 3 of events; it is experimental in LangGraph",
    expected="FeatureNotBuiltError",
)
def events_of_the_third_version(api, run):
    try:
        run.events(_pair(api), GIVEN, version="v3")
    except NotImplementedError as error:
        return type(error).__name__
    return None


@program("E.chains", "E.prebuilt", only="async")
def events_of_an_agent_by_the_names_of_its_branches(api, run):
    @tool
    def weather(city: str) -> str:
        """The weather."""
        return f"sun in {city}"

    model = Scripted(
        replies=[calls(("weather", {"city": "Rome"}, "c1")), AIMessage("It is fine.")]
    )
    g = api.create_react_agent(model, [weather])
    names = ["should_continue", "agent", "tools", "weather"]
    given = {"messages": [HumanMessage("How is it in Rome?")]}
    found = run.events(g, given, include_names=names)
    kinds = ("on_chain_start", "on_tool_start")
    return [
        [each["event"], each["name"], len(each["parent_ids"]), sorted(each["tags"])]
        for each in found
        if each["event"] in kinds
    ]
