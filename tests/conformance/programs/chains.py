"""Section E: a graph as a link of a chain of langchain-core."""

import time
import warnings

from langchain_core._api import LangChainBetaWarning
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import (
    Runnable,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from pydantic import BaseModel
from typing_extensions import TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph

GIVEN = {"log": ["i"]}


def _pair(api, **options):
    edges = [(api.START, "x"), ("x", "y")]
    return graph(api, *edges, x=None, y=None).compile(**options)


def _one(api, node, **options):
    return graph(api, (api.START, "n"), n=node).compile(**options)


def _as_log(text):
    return {"log": [text]}


def _last(state):
    return state["log"][-1]


first, last = RunnableLambda(_as_log), RunnableLambda(_last)


@program("E.chains")
def a_graph_at_each_place_of_a_chain(api, run):
    g = _pair(api)
    chains = [
        (first | g | last, "t"),
        (g | last, GIVEN),
        (first | g, "t"),
        (g | g, GIVEN),
        (g | _last | str.upper, GIVEN),
        (_as_log | g, "t"),
        ({"log": lambda text: [text]} | g, "t"),
        (g | {"count": lambda s: len(s["log"]), "all": RunnablePassthrough()}, GIVEN),
        (RunnableParallel(a=g, b=g | last), GIVEN),
        (RunnableLambda(lambda given: g), GIVEN),
    ]
    return [isinstance(g, Runnable), [run.invoke(*each) for each in chains]]


@program("E.chains")
def a_prompt_a_graph_and_a_parser(api, run):
    built = api.StateGraph(api.MessagesState)
    built.add_node("n", lambda state: {"messages": [AIMessage("because")]})
    g = built.add_edge(api.START, "n").compile()
    prompt = ChatPromptTemplate.from_messages([("user", "{q}")])
    given = RunnableLambda(lambda value: {"messages": value.to_messages()})
    chain = prompt | given | g | (lambda s: s["messages"][-1]) | StrOutputParser()
    return run.invoke(chain, {"q": "why?"})


@program("E.chains")
def a_chain_with_a_graph_streams(api, run):
    g = _pair(api)
    values = _pair(api)
    values.stream_mode = "values"
    bound = g.bind(stream_mode=["updates", "values"])
    chains = [first | g, first | values, first | bound, first | g | RunnableLambda(str)]
    return [run.stream(chain, "t") for chain in chains]


@program("E.chains", only="blocking")
def a_graph_takes_a_stream(api, run):
    g = _pair(api)
    seen = [[*g.transform(iter([GIVEN]))], [*g.transform(iter([{"log": []}, GIVEN]))]]
    done = g.batch_as_completed([GIVEN, {"log": []}])
    return [*seen, sorted(done)]


@program("E.chains")
def a_chain_with_a_graph_in_a_batch(api, run):
    failing = _one(api, lambda state: state["log"][-1] / 0)
    chain = first | _pair(api) | last
    bad = run.batch(first | failing, ["t"], return_exceptions=True)
    return [run.batch(chain, ["t", "u"]), [type(each).__name__ for each in bad]]


@program("E.chains")
def what_a_graph_has_of_a_runnable(api, run):
    g = _pair(api)
    calls = []

    def flaky(state):
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("not yet")
        return {"log": ["ok"]}

    patient = _one(api, flaky).with_retry(
        stop_after_attempt=4, wait_exponential_jitter=False
    )
    failing = _one(api, lambda state: 1 / 0)
    stopped = _pair(api, checkpointer=run.saver).bind(interrupt_before=["y"])
    return [
        run.invoke(patient, GIVEN),
        len(calls),
        run.invoke(failing.with_fallbacks([g]), GIVEN),
        run.invoke(stopped, GIVEN, run.config()),
        run.invoke(g.map(), [GIVEN, {"log": []}]),
        run.invoke(g.pick("log"), GIVEN),
        run.invoke(g.assign(count=lambda state: len(state["log"])), GIVEN),
        run.invoke(g.pipe(last, str.upper), GIVEN),
    ]


@program("E.chains")
def the_name_of_a_graph(api, run):
    g, flow = _pair(api), _pair(api, name="flow")
    return [
        g.get_name(),
        g.get_name("input"),
        flow.get_name("Input"),
        g.get_name("x", name="mine"),
        g.get_name(name="mine"),
        g.with_retry().get_name(),
    ]


@program("E.chains", "R5.3")
def a_chain_asks_and_goes_on(api, run):
    g = _one(api, asks(api), checkpointer=run.saver)
    told = run.invoke(first | g, "t", run.config())
    told["__interrupt__"] = [each.value for each in told["__interrupt__"]]
    waiting = run.look(g, run.config())["next"]
    done = run.invoke(g | last, api.Command(resume="yes"), run.config())
    streamed = run.stream(first | g, "t", run.config("s"))
    return [told, waiting, done, run.look(g, run.config())["values"], streamed]


@program("E.chains", "R7.1", only="blocking")
def a_chain_in_a_node_asks(api, run):
    inner = first | _one(api, asks(api)) | last

    def by_config(state, config):
        return {"log": [inner.invoke("t", config)]}

    nodes = {
        "plain": lambda state: {"log": [inner.invoke("t")]},
        "config": by_config,
        "itself": RunnableLambda(lambda state: "t") | inner | _as_log,
    }
    seen = []
    for name, node in nodes.items():
        g = _one(api, node, checkpointer=run.saver)
        asked = run.invoke(g, GIVEN, run.config(name))["__interrupt__"]
        done = run.invoke(g, api.Command(resume=name), run.config(name))
        seen.append([[each.value for each in asked], done])
    return seen


@program("E.chains", "R7.1", only="async")
def an_awaited_chain_in_a_node_asks(api, run):
    inner = first | _one(api, asks(api)) | last

    async def node(state):
        return {"log": [await inner.ainvoke("t")]}

    g = _one(api, node, checkpointer=run.saver)
    asked = run.invoke(g, GIVEN, run.config())["__interrupt__"]
    done = run.invoke(g, api.Command(resume="yes"), run.config())
    return [[each.value for each in asked], done]


class Hears(BaseCallbackHandler):
    def __init__(self):
        self.nodes = []

    def on_chat_model_start(self, serialized, messages, *, metadata=None, **more):
        self.nodes.append((metadata or {}).get("langgraph_node"))


@program("E.chains", "R9.9")
def handlers_of_a_chain_hear_models_in_its_graph(api, run):
    def plainly(state):
        said = FakeListChatModel(responses=["hi"]).invoke("x")
        return {"log": [said.content]}

    def by_config(state, config):
        said = FakeListChatModel(responses=["hi"]).invoke("x", config)
        return {"log": [said.content]}

    seen = []
    for node in (plainly, by_config):
        theirs, own = Hears(), Hears()
        g = _one(api, node).with_config(callbacks=[own])
        config = {"callbacks": [theirs]}
        run.invoke(first | g | last, "t", config)
        run.stream(first | g, "t", config)
        run.batch(first | g, ["t"], config)
        run.invoke(RunnableParallel(a=g), GIVEN, config)
        run.invoke(g.with_retry(), GIVEN, config)
        seen.append([theirs.nodes, own.nodes])
    return seen


@program("E.chains", "R7.13")
def a_graph_in_a_function_of_a_chain_takes_its_config(api, run):
    seen = []

    def node(state, config):
        asked = config["configurable"]
        tags = sorted(tag for tag in config["tags"] if not tag.startswith("seq"))
        seen.append([asked["thread_id"], asked.get("who"), config["metadata"].get("k")])
        seen.append(tags)
        return {"log": ["n"]}

    g = _one(api, node, checkpointer=run.saver)
    own = {**run.config("own"), "tags": ["own", "mine"]}
    config = {**run.config(who="me"), "metadata": {"k": 1}, "tags": ["mine"]}
    for call in (
        lambda text: g.invoke(GIVEN),
        lambda text: g.invoke(GIVEN, {"configurable": {"who": "you"}}),
        lambda text: g.invoke(GIVEN, own),
        lambda text: [*g.stream(GIVEN)],
    ):
        run.invoke(first | RunnableLambda(call), "t", config)
    threads = [run.config(name) for name in ("t", "own")]
    return [seen, [len(run.look(g, each)["values"]["log"]) for each in threads]]


@program("E.chains", "R3.10")
def a_chain_gives_its_graph_25_steps(api, run):
    def long(count):
        built = graph(api, (api.START, "n"), n=None)
        path = lambda s: api.END if len(s["log"]) > count else "n"  # noqa: E731
        return built.add_conditional_edges("n", path).compile()

    ends = first | long(24) | (lambda state: len(state["log"]))
    seen = [run.invoke(ends, "t")]
    chain = first | long(30).with_config(recursion_limit=100)
    seen.append(run.attempt(run.invoke, chain, "t"))
    more = run.invoke(chain, "t", {"recursion_limit": 40})
    return [*seen, len(more["log"])]


@program("E.chains", "R3.20", only="blocking")
def a_late_step_in_a_chain(api, run):
    def slow(state):
        time.sleep(0.3)
        return {"log": ["slow"]}

    g = _one(api, slow, checkpointer=run.saver)
    g.step_timeout = 0.1
    late = run.attempt(run.invoke, first | g, "t", run.config())
    return [late, run.invoke(g | last, None, run.config())]


@program(
    "E.chains",
    "R3.10",
    differs="a graph that a function of a chain calls without a config keeps its own limit "
    "of steps (LangGraph: the chain's 25)",
    expected=41,
)
def a_function_of_a_chain_gives_its_graph_no_limit(api, run):
    built = graph(api, (api.START, "n"), n=None)
    path = lambda s: api.END if len(s["log"]) > 40 else "n"  # noqa: E731
    g = built.add_conditional_edges("n", path).compile()
    done = run.attempt(run.invoke, RunnableLambda(lambda text: g.invoke(GIVEN)), "t")
    return len(done["log"]) if "log" in done else done


class Asked(TypedDict):
    city: str
    log: list


class City(BaseModel):
    city: str


def _tool(g, **options):
    """What langchain-core makes of a graph, which it calls new."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LangChainBetaWarning)
        return g.as_tool(**options)


def _weather(api, **options):
    node = lambda state: {"log": [f"sun in {state['city']}"]}  # noqa: E731
    built = api.StateGraph(Asked).add_node("look", node).add_edge(api.START, "look")
    return built.compile(**options)


@program("E.chains")
def a_graph_is_a_tool(api, run):
    told = {"name": "weather", "description": "The weather in a city."}
    seen = []
    for given in ({}, {"args_schema": City}, {"arg_types": {"city": str}}):
        tool = _tool(_weather(api), **told, **given)
        called = run.invoke(
            tool, {"city": "Rome"} if given else {**GIVEN, "city": "Rome"}
        )
        seen.append([tool.name, [*tool.args], called["log"]])
    return seen


@program("E.chains", "E.tools")
def a_graph_that_asks_is_a_tool_of_an_agent(api, run):
    ask = lambda state: {"log": [api.interrupt(f"{state['city']}?")]}  # noqa: E731
    built = api.StateGraph(Asked).add_node("ask", ask).add_edge(api.START, "ask")
    told = {"name": "asker", "description": "Asks for more."}
    tool = _tool(built.compile(), args_schema=City, **told)
    tools = api.StateGraph(api.MessagesState)
    tools.add_node("tools", api.ToolNode([tool])).add_edge(api.START, "tools")
    g = tools.compile(checkpointer=run.saver)
    call = {"name": "asker", "args": {"city": "Oslo"}, "id": "1"}
    said = AIMessage("", tool_calls=[call])
    asked = run.invoke(g, {"messages": [said]}, run.config())
    done = run.invoke(g, api.Command(resume="yes"), run.config())
    return [
        [each.value for each in asked["__interrupt__"]],
        done["messages"][-1].content,
    ]


@program("E.chains")
def a_graph_with_types_is_the_same_graph(api, run):
    typed = _weather(api).with_types(input_type=City)
    return run.invoke(typed, {"city": "Rome"})["log"]
