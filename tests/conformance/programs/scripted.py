"""A chat model whose words are written down beforehand, and tools for it: for the programs about agents."""

import json
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool


def calls(*wanted, text="", id=None):
    """A message that asks for tools: (name, arguments, id of the call) each."""
    listed = [{"name": name, "args": args, "id": key} for name, args, key in wanted]
    return AIMessage(text, tool_calls=listed, id=id)


class Scripted(BaseChatModel):
    """Says the n-th of `replies` where it has spoken n times in what it is given, word by word.

    `given` notes the texts that it was given, `options` the names of what was bound to it, each time.
    """

    replies: list[Any]
    given: list[Any] = []
    options: list[Any] = []

    @property
    def _llm_type(self):
        return "scripted"

    def _next(self, messages, options):
        self.given.append([[m.type, m.content] for m in messages])
        names = [
            tool.get("name", tool.get("type")) for tool in options.get("tools", ())
        ]
        others = sorted(key for key in options if key != "tools")
        self.options.append([*names, *others])
        said = sum(m.type == "ai" for m in messages)
        return self.replies[min(said, len(self.replies) - 1)]

    def _generate(self, messages, stop=None, run_manager=None, **options):
        found = self._next(messages, options).model_copy(deep=True)
        return ChatResult(generations=[ChatGeneration(message=found)])

    def _stream(self, messages, stop=None, run_manager=None, **options):
        whole = self._next(messages, options)
        parts = [{"content": f"{word} "} for word in whole.content.split()]
        for index, call in enumerate(whole.tool_calls):
            piece = {
                "name": call["name"],
                "args": json.dumps(call["args"]),
                "id": call["id"],
            }
            parts.append(
                {"content": "", "tool_call_chunks": [{**piece, "index": index}]}
            )
        for part in parts:
            chunk = ChatGenerationChunk(message=AIMessageChunk(id=whole.id, **part))
            if run_manager:
                run_manager.on_llm_new_token(part["content"], chunk=chunk)
            yield chunk

    def bind_tools(self, tools, **options):
        shown = [
            each if isinstance(each, dict) else {"name": each.name} for each in tools
        ]
        return self.bind(tools=shown, **options)

    def with_structured_output(self, schema, **options):
        def answer(messages):
            self.given.append([[m.type, m.content] for m in messages])
            found = {"count": len(messages)}
            return schema(**found) if isinstance(schema, type) else found

        return RunnableLambda(answer)


def shown(messages):
    """Kind, text, calls of tools and name of each message."""
    return [
        [m.type, m.content, [c["name"] for c in getattr(m, "tool_calls", ())], m.name]
        for m in messages
    ]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def shout(text: str) -> str:
    """Say it loudly."""
    return text.upper()


@tool(return_direct=True)
def final(text: str) -> str:
    """Say the last word."""
    return text
