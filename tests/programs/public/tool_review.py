"""Every tool call of an assistant is looked at: let it pass, correct it, or talk back."""

from typing import Literal

from durableweb.graph import END, START, MessagesState, StateGraph
from durableweb.types import Command, interrupt

STOCK = {"tea": 3, "salt": 0}


def assistant(state: MessagesState):
    """Stands for a model: asks the stock once per question, then answers."""
    last = state["messages"][-1]
    if last.type == "tool":
        return {
            "messages": [{"role": "assistant", "content": f"We have {last.content}."}]
        }
    article = last.content.split()[-1]
    call = {"name": "stock", "args": {"article": article}, "id": f"call-{article}"}
    return {"messages": [{"role": "assistant", "content": "", "tool_calls": [call]}]}


def after_assistant(state: MessagesState) -> Literal["review", "__end__"]:
    return "review" if state["messages"][-1].tool_calls else END


def review(state: MessagesState) -> Command[Literal["tool", "assistant"]]:
    message = state["messages"][-1]
    call = message.tool_calls[-1]
    verdict = interrupt({"look at": call["name"], "args": call["args"]})
    if verdict["action"] == "continue":
        return Command(goto="tool")
    if verdict["action"] == "edit":
        corrected = {
            "role": "assistant",
            "content": message.content,
            "tool_calls": [{**call, "args": verdict["args"]}],
            "id": message.id,
        }
        return Command(goto="tool", update={"messages": [corrected]})
    said = {"role": "user", "content": verdict["text"]}
    return Command(goto="assistant", update={"messages": [said]})


def tool(state: MessagesState):
    call = state["messages"][-1].tool_calls[-1]
    count = STOCK[call["args"]["article"]]
    answer = {"role": "tool", "content": str(count), "tool_call_id": call["id"]}
    return {"messages": [answer]}


builder = StateGraph(MessagesState)
builder.add_node("assistant", assistant)
builder.add_node("review", review)
builder.add_node("tool", tool)
builder.add_edge(START, "assistant")
builder.add_conditional_edges("assistant", after_assistant)
builder.add_edge("tool", "assistant")


def said(state):
    return [
        [m.type, m.content, [c["args"] for c in getattr(m, "tool_calls", None) or []]]
        for m in state["messages"]
    ]


def story(saver):
    graph = builder.compile(checkpointer=saver)
    seen = []
    for thread, verdicts in {
        "pass": [{"action": "continue"}],
        "edit": [{"action": "edit", "args": {"article": "tea"}}],
        "talk": [{"action": "feedback", "text": "I meant tea"}, {"action": "continue"}],
    }.items():
        config = {"configurable": {"thread_id": thread}}
        asked = {"messages": [{"role": "user", "content": "How much salt"}]}
        result = graph.invoke(asked, config)
        for verdict in verdicts:
            seen.append([i.value for i in result["__interrupt__"]])
            result = graph.invoke(Command(resume=verdict), config)
        seen.append(said(result))
    return seen
