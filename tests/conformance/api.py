"""The names a program may use, from either engine, looked up when they are asked for.

A name that an engine lacks fails the programs that use it and no others.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

HOMES = {
    "graph": "StateGraph START END MessagesState MessageGraph",
    "graph.message": "add_messages push_message",
    "graph.state": "CompiledStateGraph",
    "graph.ui": "push_ui_message delete_ui_message ui_message_reducer",
    "pregel": "Pregel NodeBuilder",
    "pregel._write": "ChannelWriteEntry ChannelWriteTupleEntry SKIP_WRITE",
    "typing": "StateT InputT OutputT ContextT",
    "types": (
        "Command Send interrupt Interrupt RetryPolicy CachePolicy TimeoutPolicy "
        "Overwrite StateUpdate GraphOutput TracePolicy omit_payload"
    ),
    "func": "task entrypoint",
    "errors": (
        "InvalidUpdateError GraphRecursionError EmptyInputError GraphInterrupt "
        "GraphBubbleUp NodeError NodeInterrupt NodeTimeoutError EmptyChannelError"
    ),
    "callbacks": "GraphCallbackHandler",
    "config": "get_config get_stream_writer get_store",
    "runtime": "Runtime RunControl ExecutionInfo ServerInfo get_runtime set_attributes",
    "prebuilt": (
        "ToolNode tools_condition InjectedState InjectedStore ToolRuntime ValidationNode "
        "create_react_agent"
    ),
    "managed": "IsLastStep RemainingSteps",
    "channels": (
        "BaseChannel LastValue BinaryOperatorAggregate EphemeralValue UntrackedValue AnyValue Topic "
        "DeltaChannel NamedBarrierValue"
    ),
    "channels.base": "MISSING",
    "checkpoint.base": "BaseCheckpointSaver CheckpointTuple WRITES_IDX_MAP",
    "checkpoint.memory": "InMemorySaver",
    "store.base": "BaseStore",
    "store.memory": "InMemoryStore",
    "cache.base": "BaseCache",
    "cache.memory": "InMemoryCache",
    "prebuilt.chat_agent_executor": "AgentState AgentStatePydantic",
}
HOME_OF = {name: home for home, names in HOMES.items() for name in names.split()}
ELSEWHERE = {
    ("langgraph", "RemoveMessage"): "langchain_core.messages",
    ("langgraph", "HumanMessage"): "langchain_core.messages",
    ("langgraph", "AIMessage"): "langchain_core.messages",
    ("durableweb", "RemoveMessage"): "durableweb.graph.message",
    ("durableweb", "HumanMessage"): "durableweb.graph.message",
    ("durableweb", "AIMessage"): "durableweb.graph.message",
}


class Api:
    """`Api("durableweb").StateGraph` is `durableweb.graph.StateGraph`."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        home = ELSEWHERE.get((self.engine, name))
        if home is None:
            home = f"{self.engine}.{HOME_OF[name]}"
        return getattr(import_module(home), name)
