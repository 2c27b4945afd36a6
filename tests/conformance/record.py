"""Run the programs on the reference and keep what it gave: `python -m tests.conformance.record`.

Needs `langgraph` (1.2.22) in the environment. Programs that differ from the reference on
purpose are run too; only that they do differ is reported.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import warnings

from tests.conformance.corpus import FOLDER, SECTIONS, Program, load

REPEATS = 3


def give(each: Program, driver: str) -> object:
    """The reference's transcript; the same in every repetition, or an error."""
    from langgraph.checkpoint.memory import (  # type: ignore[import-not-found]
        InMemorySaver,
    )

    seen = [
        each.transcript("langgraph", driver, InMemorySaver()) for _ in range(REPEATS)
    ]
    if any(other != seen[0] for other in seen[1:]):
        different = next(other for other in seen if other != seen[0])
        raise ValueError(f"not the same each time:\n{seen[0]}\n{different}")
    return json.loads(json.dumps(seen[0]))


def record(section: str, only: set[str]) -> int:
    """Write one section's file; returns how many programs failed."""
    path = FOLDER / "expected" / f"{section}.json"
    kept = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() and only else {}
    )
    failed = 0
    for each in load().values():
        if each.section != section or (only and each.name not in only):
            continue
        try:
            given = {driver: give(each, driver) for driver in each.drivers}
        except Exception:  # noqa: BLE001
            if not each.differs:
                failed += 1
                sys.stdout.write(
                    f"FAILED {each.name}\n{traceback.format_exc(limit=-4)}\n"
                )
            continue
        if each.differs:
            ours = each.expected
            if all(value == ours for value in given.values()):
                sys.stdout.write(f"SAME although marked as different: {each.name}\n")
            continue
        values = list(given.values())
        agree = all(value == values[0] for value in values)
        kept[each.name] = {"both": values[0]} if agree else given
        if not agree:
            sys.stdout.write(f"drivers differ: {each.name}\n")
    lines = [
        f"{json.dumps(name)}: {json.dumps(kept[name], sort_keys=True)}"
        for name in sorted(kept)
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return failed


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    wanted = set(sys.argv[1:])
    load()
    sections = [
        s
        for s in SECTIONS
        if not wanted
        or any(p.section == s and p.name in wanted for p in load().values())
    ]
    sys.exit(sum(record(section, wanted) for section in sections))
