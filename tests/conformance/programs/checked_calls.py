"""Nodes that check what a model gives to tools, without running them (E.tools)."""

import pydantic
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from tests.conformance.corpus import program
from tests.conformance.programs.tools import add, asks_for


class Person(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(ge=0)


def greet(name: str, times: int = 1) -> str:
    """Greet somebody."""
    raise AssertionError("it is not run")


def _seen(messages):
    return [
        [m.name, m.tool_call_id, "(an error)" if _is_error(m) else m.content]
        for m in messages
        if isinstance(m, ToolMessage)
    ]


def _is_error(message):
    return message.additional_kwargs.get("is_error", False)


@program("E.tools")
def a_node_checks_the_arguments_of_each_call(api, run):
    node = api.ValidationNode([Person, add, greet])
    calls = [
        ("Person", {"name": "Ada", "age": "36", "more": 1}),
        ("add", {"a": 1, "b": "2"}),
        ("greet", {"name": "Ada"}),
        ("Person", {"name": "Ada", "age": -1}),
        ("add", {"a": "x", "b": 2}),
        ("greet", {}),
    ]
    built = api.StateGraph(api.MessagesState).add_node(node)
    g = built.add_edge(api.START, "validation").compile(checkpointer=run.saver)
    out = run.invoke(g, {"messages": [asks_for(*calls)]}, run.config())
    names = sorted(node.schemas_by_name)
    alone = node.invoke([HumanMessage("x"), asks_for(*calls[:1])])
    return [_seen(out["messages"]), names, type(alone).__name__, _seen(alone)]


@program("E.tools")
def a_model_is_asked_until_its_call_fits(api, run):
    ages = iter([-1, "old", 36])

    def model(state):
        said = [("Person", {"name": "Ada", "age": next(ages)})]
        return {"messages": [asks_for(*said).model_copy(update={"id": None})]}

    def told(error, call, schema):
        return f"{len(error.errors())} in {call['name']} of {schema.__name__}"

    def again(state):
        return "model" if _is_error(state["messages"][-1]) else api.END

    node = api.ValidationNode([Person], format_error=told, name="checks")
    g = api.StateGraph(api.MessagesState).add_node(model).add_node(node)
    g.add_edge(api.START, "model").add_edge("model", "checks")
    g = g.add_conditional_edges("checks", again).compile(checkpointer=run.saver)
    out = run.invoke(g, {"messages": [HumanMessage("who?")]}, run.config())
    return [m.content for m in out["messages"] if isinstance(m, ToolMessage)]


@program("E.tools", only="blocking")
def what_a_checking_node_cannot_check(api, run):
    node = api.ValidationNode([Person])
    asked = asks_for(("Nobody", {}))
    given = [
        {"messages": [HumanMessage("x")]},
        {"messages": []},
        [AIMessage("nothing is asked")],
        {"messages": [asked]},
    ]
    return [run.attempt(node.invoke, each) for each in given]
