"""What it costs to import the engine: milliseconds and memory of a new process.

Both sides find their bytecode, made in a round that is not counted, in a folder of this run:
what was installed has it already, a checkout may not. `python -m benchmarks.starting --rounds 7`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

PROBE = """
import resource, time
begin = time.perf_counter()
{imports}
took = time.perf_counter() - begin
print(took * 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
CASES = {
    "graph, memory saver": (
        "from {0}.graph import StateGraph\nfrom {0}.checkpoint.memory import InMemorySaver"
    ),
    "the same and entrypoint, task": (
        "from {0}.graph import StateGraph\nfrom {0}.checkpoint.memory import InMemorySaver\n"
        "from {0}.func import entrypoint, task"
    ),
}


def probe(imports: str, bytecode: str) -> tuple[float, float]:
    """(milliseconds, MB at most) of a process that only imports; `bytecode` is a folder."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(imports=imports)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    took, memory = done.stdout.split()
    return float(took), float(memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as bytecode:
        measure(given.rounds, bytecode)


def measure(rounds: int, bytecode: str) -> None:
    print(
        f"{'import':<42}{'ours ms':>10}{'theirs ms':>11}{'ratio':>9}"
        f"{'ours MB':>11}{'theirs MB':>11}"
    )
    for name, imports in CASES.items():
        for side in ("durableweb", "langgraph"):
            probe(imports.format(side), bytecode)
        rows = []
        for _ in range(rounds):
            rows.append(
                (
                    probe(imports.format("durableweb"), bytecode),
                    probe(imports.format("langgraph"), bytecode),
                )
            )
        ours = statistics.median(mine[0] for mine, _ in rows)
        theirs = statistics.median(other[0] for _, other in rows)
        ratio = statistics.median(other[0] / mine[0] for mine, other in rows)
        print(
            f"{name:<42}{ours:>10.0f}{theirs:>11.0f}{ratio:>8.1f}x"
            f"{statistics.median(m[1] for m, _ in rows):>11.0f}"
            f"{statistics.median(o[1] for _, o in rows):>11.0f}",
            flush=True,
        )
    bare = probe("pass", bytecode)
    print(f"    a bare interpreter stands at {bare[1]:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
