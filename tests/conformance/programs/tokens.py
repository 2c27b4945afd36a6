"""Section 9: tokens of chat models, in the mode `messages`."""

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import (
    FakeListChatModel,
    GenericFakeChatModel,
)
from langchain_core.messages import AIMessage

from tests.conformance.corpus import program


class Said(TypedDict, total=False):
    said: Annotated[list, operator.add]
    found: Any


def words(*replies):
    """A model that says these one after the other, word by word."""
    return GenericFakeChatModel(messages=iter(map(AIMessage, replies)))


def shown(chunks):
    return [
        [type(message).__name__, message.content, about["langgraph_node"]]
        for message, about in chunks
    ]


def one_node(api, node, name="n"):
    built = api.StateGraph(Said).add_node(name, node)
    return built.add_edge(api.START, name)


@program("R9.3")
def a_model_in_a_node_is_heard_word_by_word(api, run):
    model = words("one two")

    def n(state):
        return {"said": [model.invoke("x")]}

    g = one_node(api, n).compile()
    return shown(run.stream(g, {"said": []}, stream_mode="messages"))


@program("R9.3", only="async")
def an_awaited_model_is_heard_too(api, run):
    model = words("one two", "three four")

    async def n(state, config):
        first = await model.ainvoke("x")
        return {"said": [first, await model.ainvoke("y", config)]}

    g = one_node(api, n).compile()
    return shown(run.stream(g, {"said": []}, stream_mode="messages"))


@program("R9.3", "R1.5")
def what_is_told_of_a_model_says_where_it_ran(api, run):
    model = words("one")

    def n(state):
        return {"found": model.invoke("x").content}

    g = one_node(api, n).compile(checkpointer=run.saver)
    config = {**run.config(), "metadata": {"mine": 1}, "tags": ["blue"]}
    [[_, about]] = run.stream(g, {"said": []}, config, stream_mode="messages")
    wanted = ("mine", "tags", "langgraph_step", "langgraph_node", "thread_id")
    return {name: about.get(name) for name in wanted}


@program("R9.3", "R1.5")
def a_model_with_something_bound_is_heard_once_by_each(api, run):
    class Count(BaseCallbackHandler):
        def on_llm_new_token(self, token, **more):
            heard.append(token)

    heard = []
    model = words("one two").bind(stop=["."])

    def n(state, config):
        return {"found": model.invoke("x", config).content}

    g = one_node(api, n).compile()
    config = {"callbacks": [Count()]}
    return [shown(run.stream(g, {"said": []}, config, stream_mode="messages")), heard]


@program("R9.3", "R9.2")
def handlers_bound_to_a_graph_below_join_those_of_the_call(api, run):
    class Count(BaseCallbackHandler):
        def on_llm_new_token(self, token, **more):
            heard.append(token)

    heard = []
    model = words("one two")
    inner = one_node(api, lambda state: {"found": model.invoke("x").content}, "i")
    below = inner.compile().with_config({"callbacks": [Count()]})

    def n(state, config):
        return below.invoke(state, config)

    g = one_node(api, n).compile()
    chunks = run.stream(g, {"said": []}, stream_mode="messages", subgraphs=True)
    return [shown([chunk for _, chunk in chunks]), heard]


@program("R9.3")
def a_model_with_the_tag_nostream_is_not_heard(api, run):
    model = words("one two", "three")

    def n(state):
        model.invoke("x", {"tags": ["nostream"]})
        return {"found": model.invoke("x").content}

    g = one_node(api, n).compile()
    return shown(run.stream(g, {"said": []}, stream_mode="messages"))


@program("R9.3", "R9.2")
def a_model_in_a_graph_below_is_heard_by_who_reads_below(api, run):
    model = words("one two", "three four")

    def i(state):
        return {"found": model.invoke("x").content}

    inner = one_node(api, i, "i").compile()
    g = one_node(api, inner, "s").compile()
    above = run.stream(g, {"said": []}, stream_mode="messages")
    below = run.stream(g, {"said": []}, stream_mode="messages", subgraphs=True)
    return [shown(above), shown([chunk for _, chunk in below])]


@program("R9.3")
def a_model_in_a_task_is_heard_under_the_tasks_name(api, run):
    model = words("one two")

    @api.task
    def t():
        return model.invoke("x").content

    @api.entrypoint()
    def flow(given):
        return t().result()

    if run.driver == "async":

        @api.task
        async def t():
            return (await model.ainvoke("x")).content

        @api.entrypoint()
        async def flow(given):
            return await t()

    return shown(run.stream(flow, 1, stream_mode="messages"))


@program("R9.3", "R9.2")
def tokens_come_between_what_other_modes_show(api, run):
    model = words("one two")

    def n(state):
        return {"found": model.invoke("x").content}

    g = one_node(api, n).compile()
    chunks = run.stream(g, {"said": []}, stream_mode=["messages", "updates"])
    return [[m, shown([c])[0] if m == "messages" else c] for m, c in chunks]


@program("R9.3")
def nobody_reads_and_the_model_is_not_made_to_stream(api, run):
    seen = []

    class Told(FakeListChatModel):
        def _stream(self, *args, **more):
            seen.append("streamed")
            return super()._stream(*args, **more)

    model = Told(responses=["one"])

    def n(state):
        return {"found": model.invoke("x").content}

    g = one_node(api, n).compile()
    run.stream(g, {"said": []}, stream_mode="updates")
    quiet = list(seen)
    run.stream(g, {"said": []}, stream_mode="messages")
    return [quiet, seen]


@program("R9.2", "R9.3", "R8.12")
def messages_of_a_task_have_the_namespace_of_its_graph(api, run):
    """What its writer gives has the task's; in an entrypoint, a nested task, and a graph below."""
    model = FakeListChatModel(responses=["a"])

    @api.task
    def inner():
        api.get_stream_writer()("said")
        model.invoke("x")
        api.push_message(AIMessage("pushed", id="1"), state_key=None)
        return AIMessage("whole", id="2")

    @api.task
    def outer():
        return inner().result().content

    @api.entrypoint()
    def flow(given):
        return outer().result()

    built = one_node(api, lambda state: {"found": outer().result()})
    top = api.StateGraph(Said).add_node("sub", built.compile())
    g = top.add_edge(api.START, "sub").compile()
    modes = {"stream_mode": ["custom", "messages"]}

    def told(graph, given, **options):
        return [
            [
                [part.split(":")[0] for part in chunk["ns"]],
                chunk["data"][0].content if chunk["type"] == "messages" else "custom",
            ]
            for chunk in run.stream(graph, given, version="v2", **modes, **options)
        ]

    return [
        told(flow, 1),
        told(flow, 1, subgraphs=True),
        told(g, {"said": []}),
        told(g, {"said": []}, subgraphs=True),
    ]
