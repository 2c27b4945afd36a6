"""Run the programs under either engine; `python -m tests.programs.public.recording` keeps
what LangGraph 1.2.22 gives, which needs it in the environment.

The import is all that is changed: the source is read, `durableweb.` becomes `langgraph.`,
and the rest is run as it stands.
"""

import importlib.util
import json
import logging
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.conformance.facade import Run

FOLDER = Path(__file__).parent
RECORD = FOLDER / "recorded.json"
IMPORT = re.compile(r"^from durableweb\b", re.MULTILINE)


def names() -> list[str]:
    """The programs of this folder."""
    found = [path.stem for path in FOLDER.glob("*.py")]
    return sorted(
        name for name in found if name not in {"__init__", "recording", "test_public"}
    )


def under(engine: str, name: str) -> ModuleType:
    """The program with `engine` in its imports, as a module of its own."""
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    spec = importlib.util.spec_from_loader(f"public_{engine}_{name}", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    exec(
        compile(IMPORT.sub(f"from {engine}", source), f"{name} ({engine})", "exec"),
        module.__dict__,
    )
    return module


def told(engine: str, name: str, saver: Any) -> Any:
    """What the program's story gives, as JSON holds it."""
    run = Run("blocking", saver)
    return json.loads(json.dumps(run.plain(under(engine, name).story(saver))))


def record(wanted: set[str]) -> None:
    """Write what LangGraph gives; three runs must agree."""
    memory = import_module("langgraph.checkpoint.memory")
    kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for name in names():
        if wanted and name not in wanted:
            continue
        seen = [told("langgraph", name, memory.InMemorySaver()) for _ in range(3)]
        if seen[1:] != seen[:-1]:
            raise SystemExit(f"{name} is not the same each time")
        kept[name] = seen[0]
    lines = [
        f"{json.dumps(name)}: {json.dumps(kept[name], sort_keys=True)}"
        for name in sorted(kept)
        if name in names()
    ]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    record(set(sys.argv[1:]))
