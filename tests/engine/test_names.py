"""Where programs import from: each path is there, and hands on the one object of that name."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

PATHS = {
    "graph.state": ("graph", "CompiledStateGraph StateGraph"),
    "channels.any_value": ("channels", "AnyValue"),
    "channels.base": ("channels", "BaseChannel"),
    "channels.binop": ("channels", "BinaryOperatorAggregate"),
    "channels.delta": ("channels", "DeltaChannel"),
    "channels.ephemeral_value": ("channels", "EphemeralValue"),
    "channels.last_value": ("channels", "LastValue"),
    "channels.named_barrier_value": ("channels", "NamedBarrierValue"),
    "channels.topic": ("channels", "Topic"),
    "channels.untracked_value": ("channels", "UntrackedValue"),
    "managed.is_last_step": ("managed", "IsLastStep RemainingSteps"),
    "managed": ("managed.is_last_step", "IsLastStep RemainingSteps"),
    "checkpoint.base": ("errors", "EmptyChannelError"),
    "pregel._write": ("pregel", "ChannelWriteEntry"),
}
"""path -> (path of the same names, names)"""
ELSEWHERE = {
    "pregel": ("workflows.engine.pregel", "Pregel"),
    "typing": (
        "workflows.engine.typevars",
        "ContextT ContextT_contra InputT NodeInputT NodeInputT_contra OutputT StateT "
        "StateT_co StateT_contra",
    ),
    "version": ("workflows.version", "__version__"),
    "errors": ("workflows.engine.channels", "EmptyChannelError"),
    "prebuilt": ("workflows.engine.prebuilt.tool_node", "ToolNode"),
    "prebuilt.tool_node": (
        "durableweb.prebuilt",
        "InjectedState InjectedStore ToolNode ToolRuntime tools_condition",
    ),
    "prebuilt.tool_validator": ("durableweb.prebuilt", "ValidationNode"),
    "prebuilt.chat_agent_executor": (
        "workflows.engine.prebuilt.react_agent",
        "AgentState AgentStatePydantic AgentStateWithStructuredResponse "
        "AgentStateWithStructuredResponsePydantic Prompt StateSchema StateSchemaType "
        "StructuredResponse StructuredResponseSchema create_react_agent "
        "create_tool_calling_executor",
    ),
    "prebuilt.interrupt": (
        "workflows.engine.inbox",
        "ActionRequest HumanInterrupt HumanInterruptConfig HumanResponse",
    ),
    "checkpoint.serde.base": ("workflows.engine.serde.protocol", "SerializerProtocol"),
    "types": (
        "workflows.engine.stream_parts",
        "CheckpointPayload CheckpointStreamPart CheckpointTask CustomStreamPart "
        "DebugPayload DebugStreamPart MessagesStreamPart StreamPart TaskPayload "
        "TaskResultPayload TasksStreamPart UpdatesStreamPart ValuesStreamPart",
    ),
}
ABSENT = {
    "cache.redis": ("RedisCache", "durableweb.cache.django"),
    "cache.sqlite": ("SqliteCache", "durableweb.cache.django"),
    "checkpoint.postgres": ("PostgresSaver", "durableweb.checkpoint.django"),
    "checkpoint.postgres.aio": ("AsyncPostgresSaver", "durableweb.checkpoint.django"),
    "checkpoint.serde.encrypted": (
        "EncryptedSerializer",
        "durableweb.checkpoint.encryption",
    ),
    "checkpoint.serde.jsonplus": ("JsonPlusSerializer", "register_type"),
    "pregel.remote": ("RemoteGraph", "register()"),
    "store.postgres": (
        "AsyncPostgresStore PostgresStore",
        "durableweb.store.django",
    ),
    "store.sqlite": ("AsyncSqliteStore SqliteStore", "durableweb.store.django"),
}
"""path -> (names that are not there, what is to be written instead)"""


def handed_on() -> list[Any]:
    inside = {(p, f"durableweb.{home}", n) for p, (home, n) in PATHS.items()}
    table = inside | {(p, home, n) for p, (home, n) in ELSEWHERE.items()}
    return [(p, h, name) for p, h, names in sorted(table) for name in names.split()]


@pytest.mark.parametrize(("path", "home", "name"), handed_on())
def test_a_path_hands_on_the_one_object_of_that_name(
    path: str, home: str, name: str
) -> None:
    found = import_module(f"durableweb.{path}")

    assert getattr(found, name) is getattr(import_module(home), name)
    assert name in found.__all__


@pytest.mark.parametrize(
    ("path", "name", "instead"),
    [
        (path, name, instead)
        for path, (names, instead) in ABSENT.items()
        for name in names.split()
    ],
)
def test_what_is_not_here_says_what_to_write_instead(
    path: str, name: str, instead: str
) -> None:
    with pytest.raises(ImportError) as refused:
        exec(f"from durableweb.{path} import {name}")

    said = str(refused.value)
    assert f"durableweb.{path}.{name} is not part of durableweb" in said
    assert instead in said
    assert refused.value.name == f"durableweb.{path}"


@pytest.mark.parametrize("path", ABSENT)
def test_a_name_that_nobody_knows_is_just_not_there(path: str) -> None:
    assert not hasattr(import_module(f"durableweb.{path}"), "anything_else")


def test_the_types_of_chunks_are_made_when_somebody_asks() -> None:
    program = (
        "import sys; import durableweb.types as t; "
        "before = 'workflows.engine.stream_parts' in sys.modules; t.StreamPart; "
        "print(before, 'workflows.engine.stream_parts' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )

    assert done.stdout.split() == ["False", "True"], done.stderr
