"""Section 9: handlers of langchain-core that hear the models which nodes call."""

import operator
from typing import Annotated, TypedDict

from langchain_core.callbacks import BaseCallbackHandler, CallbackManager
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from tests.conformance.corpus import program


class Said(TypedDict, total=False):
    said: Annotated[list, operator.add]


class Hears(BaseCallbackHandler):
    """Notes the node of each chat model that begins."""

    def __init__(self):
        self.nodes = []

    def on_chat_model_start(self, serialized, messages, *, metadata=None, **more):
        self.nodes.append((metadata or {}).get("langgraph_node"))


def managed(handler):
    """A handler in a manager, as a chain hands it to its links."""
    return CallbackManager(handlers=[handler], inheritable_handlers=[handler])


def say(config=None):
    """What a model says that is called in a node or a task."""
    return FakeListChatModel(responses=["hi"]).invoke("x", config).content


def _one(api, node, name="n"):
    built = api.StateGraph(Said).add_node(name, node)
    return built.add_edge(api.START, name)


def _plainly(state):
    return {"said": [say()]}


def _by_config(state, config):
    return {"said": [say(config)]}


def _bound(state, config):
    model = FakeListChatModel(responses=["hi"]).with_config(tags=["mine"])
    return {"said": [model.invoke("x", config).content]}


@program("R9.9", "R1.5")
def handlers_hear_a_model_that_is_called_without_a_config(api, run):
    seen = []
    for node in (_plainly, _by_config, _bound):
        mine = Hears()
        g = _one(api, node).compile()
        run.invoke(g, {"said": []}, {"callbacks": [mine]})
        run.stream(g, {"said": []}, {"callbacks": managed(mine)})
        modes = {"stream_mode": ["messages", "updates"]}
        run.stream(g, {"said": []}, {"callbacks": [mine]}, **modes)
        seen.append(mine.nodes)
    return seen


@program("R9.9", "R1.5", only="async")
def handlers_hear_an_awaited_model(api, run):
    mine = Hears()

    async def n(state):
        found = await FakeListChatModel(responses=["hi"]).ainvoke("x")
        return {"said": [found.content]}

    run.invoke(_one(api, n).compile(), {"said": []}, {"callbacks": [mine]})
    return mine.nodes


@program("R9.9", "R1.5")
def handlers_hear_models_of_tasks_and_of_graphs_below(api, run):
    mine = Hears()
    below = _one(api, _plainly, "inner").compile()

    @api.task
    def part():
        return say()

    def calls(state, config):
        below.invoke({"said": []})
        below.invoke({"said": []}, config)
        return {"said": [part().result()]}

    built = _one(api, below, "below").add_node("calls", calls)
    g = built.add_edge("below", "calls").compile()
    if run.driver == "blocking":
        run.invoke(g, {"said": []}, {"callbacks": [mine]})
    else:
        run.stream(g, {"said": []}, {"callbacks": [mine]})
    return mine.nodes


@program("R9.9", "R7.13")
def handlers_of_the_graph_and_of_the_call(api, run):
    mine, theirs = Hears(), Hears()
    g = _one(api, _plainly).compile().with_config(callbacks=[mine])
    run.invoke(g, {"said": []})
    run.invoke(g, {"said": []}, {"callbacks": [theirs]})
    run.invoke(g, {"said": []}, {"callbacks": [mine, theirs]})
    run.invoke(g, {"said": []}, {"callbacks": managed(theirs)})
    bound = g.with_config(callbacks=managed(theirs))
    run.invoke(bound, {"said": []})
    run.invoke(bound, {"said": []}, {"callbacks": managed(mine)})
    return [len(mine.nodes), len(theirs.nodes)]


@program("R9.9")
def a_handler_of_pauses_is_asked_nothing_of_models(api, run):
    events = []

    class Mine(api.GraphCallbackHandler):
        def on_interrupt(self, event):
            events.append(event.status)

    def asks(state):
        return {"said": [say(), api.interrupt("q")]}

    g = _one(api, asks).compile(checkpointer=run.saver)
    heard = Hears()
    config = {**run.config(), "callbacks": [Mine(), heard]}
    run.invoke(g, {"said": []}, config)
    return [events, heard.nodes]
