"""`create_react_agent`: a graph in which a model and its tools take turns until the model has no call left.

The nodes are `agent`, `tools` and, where asked for, `pre_model_hook`, `post_model_hook` and
`generate_structured_response`. Each answer of the model and each result of a tool is saved, so a tool that asks a
person may wait, and nothing is called again after a crash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar, Unpack

from langchain_core.language_models import LanguageModelInput, LanguageModelLike
from langchain_core.messages import SystemMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from workflows.engine.constants import END
from workflows.engine.graph.compiled import CompiledStateGraph
from workflows.engine.graph.state import StateGraph
from workflows.engine.kinds import refused, several
from workflows.engine.prebuilt.agent_model import Models
from workflows.engine.prebuilt.agent_nodes import AskForForm, AskModel
from workflows.engine.prebuilt.agent_prompt import Prompt as PromptOf
from workflows.engine.prebuilt.agent_routes import Routes
from workflows.engine.prebuilt.agent_state import (
    AgentState,
    AgentStatePydantic,
    AgentStateWithStructuredResponse,
    AgentStateWithStructuredResponsePydantic,
    StructuredResponse,
    checked_schema,
    input_of,
    with_model_input,
)
from workflows.engine.prebuilt.agent_tools import RunTools
from workflows.engine.prebuilt.tool_node import ToolNode
from workflows.engine.spellings import OfAgents, taken

StateSchema = TypeVar("StateSchema")
StateSchemaType: TypeAlias = type[Any]
"""A class for the state of an agent."""
StructuredResponseSchema: TypeAlias = dict[str, Any] | type[BaseModel]
"""What `response_format` takes: a class, or a JSON Schema."""
Prompt: TypeAlias = (
    SystemMessage
    | str
    | Callable[..., LanguageModelInput]
    | Runnable[Any, LanguageModelInput]
)
"""What `prompt` takes."""
Model: TypeAlias = (
    str
    | LanguageModelLike
    | Callable[[Any, Any], LanguageModelLike | Awaitable[LanguageModelLike]]
)
WHERE = "create_react_agent"
FORM = "generate_structured_response"


def create_react_agent(
    model: Model,
    tools: Sequence[BaseTool | Callable[..., Any] | dict[str, Any]] | ToolNode,
    *,
    prompt: Prompt | None = None,
    response_format: StructuredResponseSchema
    | tuple[str, StructuredResponseSchema]
    | None = None,
    pre_model_hook: Any = None,
    post_model_hook: Any = None,
    state_schema: StateSchemaType | None = None,
    context_schema: type[Any] | None = None,
    checkpointer: Any = None,
    store: Any = None,
    interrupt_before: list[str] | None = None,
    interrupt_after: list[str] | None = None,
    debug: bool = False,
    version: Literal["v1", "v2"] = "v2",
    name: str | None = None,
    **more: Unpack[OfAgents],
) -> CompiledStateGraph:
    """A graph in which `model` and `tools` take turns over `messages`, until the model calls no tool (E.prebuilt).

    `model` is a chat model, with or without these tools bound, a runnable that ends in one, a function `(state,
    runtime)` that returns one with its tools bound, or a name for `langchain`. `tools` are tools, functions, dicts that the
    provider of the model knows, or a `ToolNode`. `prompt` is put before the conversation, or makes the input of
    the state. `response_format`, a schema or (prompt, schema), asks the model once more in the end, for
    `structured_response`. `pre_model_hook` runs before the model, and may give `llm_input_messages` to be read in
    place of `messages`; `post_model_hook` runs after it. `version` "v1" runs all tools of a message in one task.

    Raises TypeError or ValueError for an argument that does not fit, ImportError for a name without `langchain`.
    """
    if more:
        given = {"context_schema": context_schema}
        context_schema = taken(f"{WHERE}()", more, given)["context_schema"]
    if version not in ("v1", "v2"):
        raise refused(WHERE, "version", version, "'v1' or 'v2'", ValueError)
    structured = response_format is not None
    schema = checked_schema(state_schema, WHERE, structured=structured)
    node, of_provider = _tools_of(tools)
    own = [*node.tools_by_name.values()]
    models = Models(model, own, of_provider, WHERE)
    asking = AskModel(models, PromptOf(prompt, WHERE), name)
    hooked = pre_model_hook is not None
    builder = StateGraph(schema, context_schema, input_schema=input_of(schema))
    builder.add_node(
        "agent", asking, input_schema=with_model_input(schema) if hooked else None
    )
    others = {
        "tools": RunTools(node) if own else None,
        "pre_model_hook": pre_model_hook,
        "post_model_hook": post_model_hook,
        FORM: AskForForm(models, response_format) if structured else None,
    }
    for key, action in others.items():
        if action is not None:
            builder.add_node(key, action)
    direct = {tool.name for tool in own if tool.return_direct}
    _connect(builder, direct, apart=version == "v2")
    return builder.compile(
        checkpointer,
        store=store,
        interrupt_before=interrupt_before,
        interrupt_after=interrupt_after,
        debug=debug,
        name=name,
    )


def _tools_of(given: Any) -> tuple[ToolNode, list[dict[str, Any]]]:
    """The node that runs the tools, and those that the provider of the model runs itself."""
    if isinstance(given, ToolNode):
        return given, []
    listed = several(given, WHERE, "tools", "a list of tools, or a ToolNode")
    of_provider = [tool for tool in listed if isinstance(tool, dict)]
    return ToolNode([t for t in listed if not isinstance(t, dict)]), of_provider


def _connect(builder: StateGraph, direct: set[str], *, apart: bool) -> None:
    """The edges between the nodes that an agent has."""
    there = builder.nodes
    entry = "pre_model_hook" if "pre_model_hook" in there else "agent"
    last = FORM if FORM in there else END
    routes = Routes(entry, last, direct, apart)
    hook = "post_model_hook" in there
    builder.set_entry_point(entry)
    if entry != "agent":
        builder.add_edge(entry, "agent")
    if hook:
        builder.add_edge("agent", "post_model_hook")
    if "tools" not in there:
        if last != END:
            builder.add_edge("post_model_hook" if hook else "agent", last)
        return
    if hook:
        ends = [entry, "tools", last]
        builder.add_conditional_edges(
            "post_model_hook", routes.post_model_hook_router, ends
        )
    else:
        builder.add_conditional_edges("agent", routes.should_continue, ["tools", last])
    if direct:
        builder.add_conditional_edges(
            "tools", routes.route_tool_responses, [entry, END]
        )
    else:
        builder.add_edge("tools", entry)


create_tool_calling_executor = create_react_agent

__all__ = [
    "AgentState",
    "AgentStatePydantic",
    "AgentStateWithStructuredResponse",
    "AgentStateWithStructuredResponsePydantic",
    "Prompt",
    "StateSchema",
    "StateSchemaType",
    "StructuredResponse",
    "StructuredResponseSchema",
    "create_react_agent",
    "create_tool_calling_executor",
]
