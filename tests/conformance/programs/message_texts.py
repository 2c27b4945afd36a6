"""What a program keeps of a model's reply: its text (R10.2)."""

from typing import Any, TypedDict

from langchain_core.messages import AIMessage

from tests.conformance.corpus import program


class Answered(TypedDict, total=False):
    answer: str
    by: dict[str, Any]
    again: list


def answers(state):
    reply = AIMessage("yes", name="bot")
    return {"answer": reply.text, "by": {"said": reply.text}}


def repeats(state):
    return {"again": [state["answer"], state["answer"] == "yes"]}


@program("R10.2")
def the_text_of_a_reply_is_kept(api, run):
    built = api.StateGraph(Answered).add_node(answers).add_node(repeats)
    built.add_edge(api.START, "answers").add_edge("answers", "repeats")
    g = built.compile(checkpointer=run.saver)
    result = run.invoke(g, {"answer": ""}, run.config())
    kept = run.get_state(g, run.config()).values
    return [result, kept, type(kept["answer"]).__name__]


@program("R10.2", only="blocking")
def a_task_returns_the_text_of_a_reply(api, run):
    calls = []

    def ask(question):
        calls.append(question)
        return AIMessage("yes").text

    def body(question):
        said = task(question).result()
        return [said, type(api.interrupt({"draft": said})).__name__, said == "yes"]

    task = api.task(ask)
    flow = api.entrypoint(checkpointer=run.saver)(body)
    asked = run.invoke(flow, "really?", run.config())
    return [asked, run.invoke(flow, api.Command(resume=1), run.config()), calls]
