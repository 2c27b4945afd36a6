"""What LangGraph's public functions and classes take: `python -m tests.conformance.signatures`
writes it down, which needs `langgraph` (1.2.22) in the environment.
"""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parent / "expected" / "signatures.json"
RUNNING = (
    "invoke stream batch get_state get_state_history update_state bulk_update_state "
    "get_subgraphs get_graph clear_cache get_input_jsonschema get_output_jsonschema "
    "get_context_jsonschema with_config ainvoke astream aget_state aget_state_history "
    "aupdate_state abulk_update_state aget_subgraphs abatch aclear_cache aget_graph"
)
BUILDING = (
    "__init__ add_node add_edge add_conditional_edges add_sequence set_entry_point "
    "set_finish_point set_conditional_entry_point set_node_defaults compile"
)
LISTENING = (
    "__init__ subscribe_only subscribe_to read_from do write_to meta add_retry_policies "
    "add_cache_policy set_timeout build"
)
SAVING = (
    "get get_tuple list put put_writes delete_thread get_next_version aget_tuple alist "
    "aput aput_writes adelete_thread"
)
MOVING = "copy_thread delete_for_runs prune acopy_thread adelete_for_runs aprune"
VALUES = (
    "Send Command Interrupt interrupt StateUpdate Overwrite CachePolicy RetryPolicy "
    "TimeoutPolicy StateSnapshot PregelTask GraphOutput"
)
ERRORS = (
    "GraphDrained NodeTimeoutError NodeCancelledError NodeError GraphInterrupt NodeInterrupt "
    "UnknownInterruptError"
)
STORING = (
    "batch abatch get put delete search list_namespaces aget aput adelete asearch "
    "alist_namespaces"
)
PUBLIC = {
    "graph": {"StateGraph": BUILDING},
    "graph.state": {"CompiledStateGraph": RUNNING},
    "graph.message": {"add_messages": ""},
    "pregel": {"Pregel": "__init__", "NodeBuilder": LISTENING},
    "types": dict.fromkeys(VALUES.split(), ""),
    "func": {"task": "", "entrypoint": "__init__"},
    "config": {"get_config": "", "get_store": "", "get_stream_writer": ""},
    "runtime": {"get_runtime": "", "RunControl": "__init__ request_drain"},
    "errors": dict.fromkeys(ERRORS.split(), ""),
    "checkpoint.base": {"BaseCheckpointSaver": SAVING},
    "checkpoint.memory": {"InMemorySaver": f"{SAVING} {MOVING}"},
    "store.base": {"BaseStore": STORING},
    "store.memory": {"InMemoryStore": STORING},
    "prebuilt": {
        "create_react_agent": "",
        "ToolNode": "__init__",
        "ValidationNode": "__init__",
        "tools_condition": "",
    },
    "cache.memory": {"InMemoryCache": "get set clear aget aset aclear"},
}
"""Module -> name -> methods; a name without methods is called itself."""


def callables(engine: str) -> dict[str, Any]:
    """Dotted name -> what is called, None where the engine has nothing of that name."""
    found = {}
    for home, names in PUBLIC.items():
        module = import_module(f"{engine}.{home}")
        for name, methods in names.items():
            owner = getattr(module, name, None)
            if not methods:
                found[f"{home}.{name}"] = owner
            for method in methods.split():
                found[f"{home}.{name}.{method}"] = getattr(owner, method, None)
    return found


def taken(function: Any) -> list[list[Any]]:
    """Its parameters: name, kind, and the default if it is plain, else whether there is one."""
    return [
        [each.name, each.kind.name, _default(each.default)]
        for each in inspect.signature(function).parameters.values()
        if each.name != "self" and each.kind is not each.VAR_KEYWORD
    ]


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return "required"
    if value is None or isinstance(value, bool | int | float | str):
        return {"is": value}
    return "given"


if __name__ == "__main__":
    known = callables("langgraph")
    lines = [
        f"{json.dumps(name)}: {json.dumps(taken(function))}"
        for name, function in sorted(known.items())
        if function is not None
    ]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
