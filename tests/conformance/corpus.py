"""The register of programs, and the transcripts that belong to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.conformance.api import Api
from tests.conformance.facade import Run

FOLDER = Path(__file__).parent
SECTIONS = [
    "nodes",
    "single_nodes",
    "annotations",
    "runtime",
    "edges",
    "jumps",
    "policies",
    "retries",
    "handlers",
    "tools",
    "checked_calls",
    "caching",
    "cached_calls",
    "state",
    "own_channels",
    "schemas_of_state",
    "json_schemas",
    "passing_values",
    "supersteps",
    "step_failures",
    "step_limits",
    "same_turn",
    "durability",
    "versions",
    "takeover",
    "asking",
    "swallowed",
    "raised",
    "pauses",
    "commands",
    "commands_in_the_past",
    "answering",
    "schemas",
    "breakpoints",
    "inspection",
    "updates",
    "edits",
    "edits_below",
    "forks",
    "forks_inside",
    "depths",
    "repeats",
    "subgraphs",
    "paused_subgraphs",
    "finished_subgraphs",
    "below",
    "kept_below",
    "kept_nested",
    "functional",
    "calls",
    "cancelled_calls",
    "futures",
    "drawing",
    "streaming",
    "stores",
    "messages",
    "streaming_ends",
    "tokens",
    "hearing",
    "runs",
    "named_runs",
    "events",
    "chains",
    "message_streams",
    "task_streams",
    "shown_parts",
    "checkpoint_streams",
    "savers",
    "deltas",
    "streaming_below",
    "lifecycle",
    "leaving",
    "kept_values",
    "attributes",
    "spellings",
    "message_texts",
    "drains",
    "runtime_parts",
    "called_below",
    "agents",
    "agents_made",
    "agents_asking",
    "agents_together",
    "subscriptions",
    "subscriptions_written",
    "subscriptions_kept",
    "subscriptions_nested",
]
DRIVERS = ["blocking", "async"]


@dataclass(frozen=True)
class Program:
    """A program, the rules it shows, and why it differs from the reference, if it does."""

    name: str
    section: str
    rules: tuple[str, ...]
    body: Callable[[Any, Run], Any]
    differs: str | None
    expected: Any
    drivers: tuple[str, ...]
    built: bool

    def transcript(self, engine: str, driver: str, saver: Any) -> Any:
        """Run it and return what it noted."""
        run = Run(driver, saver)
        try:
            return run.plain(self.body(Api(engine), run))
        finally:
            run.close()


PROGRAMS: dict[str, Program] = {}


def program(
    *rules: str,
    differs: str | None = None,
    expected: Any = None,
    only: str | None = None,
    built: bool = True,
) -> Callable[[Callable[[Any, Run], Any]], Callable[[Any, Run], Any]]:
    """Register a program. `differs` says in a sentence why ours is not the reference's;
    then `expected` is the transcript by the rule. `only` names the one driver it is for. A program of
    a part that is not `built` yet must be refused with FeatureNotBuiltError.
    """

    def register(body: Callable[[Any, Run], Any]) -> Callable[[Any, Run], Any]:
        name = body.__name__
        if name in PROGRAMS:
            raise ValueError(f"two programs are called {name!r}")
        section = body.__module__.rsplit(".", 1)[-1]
        drivers = (only,) if only else tuple(DRIVERS)
        PROGRAMS[name] = Program(
            name, section, rules, body, differs, expected, drivers, built
        )
        return body

    return register


def load() -> dict[str, Program]:
    """Import all sections."""
    for section in SECTIONS:
        import_module(f"tests.conformance.programs.{section}")
    return PROGRAMS


def recorded(section: str) -> dict[str, dict[str, Any]]:
    """What the reference gave: program -> driver ("both" where they agree) -> transcript."""
    path = FOLDER / "expected" / f"{section}.json"
    if not path.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def expected(each: Program, driver: str) -> Any:
    """The transcript that `each` must give through `driver`."""
    if each.differs:
        given = each.expected
        if isinstance(given, dict) and set(given) == set(DRIVERS):
            return given[driver]
        return given
    kept = recorded(each.section)[each.name]
    return kept["both"] if "both" in kept else kept[driver]
