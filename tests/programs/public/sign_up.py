"""Ask until the answer is good: a loop of questions in one node."""

from typing import TypedDict

from durableweb.graph import END, START, StateGraph
from durableweb.types import Command, interrupt


class Form(TypedDict, total=False):
    name: str
    age: int
    card: str


def ask_name(state: Form):
    return {"name": interrupt("What is your name?").strip().title()}


def ask_age(state: Form):
    question = f"How old are you, {state['name']}?"
    while True:
        answer = interrupt(question)
        if isinstance(answer, int) and 0 < answer < 130:
            return {"age": answer}
        question = f"{answer!r} is no age. How old are you, {state['name']}?"


def print_card(state: Form):
    return {"card": f"{state['name']} ({state['age']})"}


builder = StateGraph(Form)
builder.add_sequence([ask_name, ask_age, print_card])
builder.add_edge(START, "ask_name")
builder.add_edge("print_card", END)


def story(saver):
    graph = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "desk"}}
    seen = [graph.invoke({}, config)]
    for answer in (" ida ", "old", -3, 44):
        seen.append(graph.invoke(Command(resume=answer), config))
    return seen
