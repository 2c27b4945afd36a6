"""Many decide, or edit, at once; the server is killed after an answer; what is read back.

`python -m benchmarks.decision_race --racers 100 --rounds 20 --kills 200 --reads 1000 --edits
1000`, on SQLite and on PostgreSQL with a server of its own. Whatever should not be ends the run: two
winners, an answer without who decided, a decision that is gone after a kill, an audit entry
too many or too few. With `--api` those who decide are programs with tokens. What is printed are the times, as a client meets them. `--only race` and
`--database sqlite` leave the other parts out.
"""

# ruff: noqa: E402 - Django is set up before its models can be imported.

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
django.setup()

from benchmarks._forked_server import ForkedServers
from tests.acceptance.conftest import KINDS, PEOPLE, Site, Visitor
from tests.acceptance.edit_races import (
    EDITS_A_THREAD,
    GRAPH,
    WISH,
    assert_none_lost,
    race_edits,
)
from tests.acceptance.races import (
    Person,
    Racer,
    Round,
    ask_many,
    assert_decided_once,
    kill_after_answer,
    programs_of,
    race,
    read_back,
)
from tests.support import postgres
from tests.support.databases import Databases
from tests.support.server import Processes, Server, environment

PARTS = ("race", "reads", "kills", "edits")
EDITORS = 20


def arguments() -> argparse.Namespace:
    """How much of what."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--racers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--reads", type=int, default=100)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument(
        "--database", nargs="+", default=list(KINDS), choices=KINDS, metavar="KIND"
    )
    parser.add_argument(
        "--processes", type=int, default=1, help="that serve the site on PostgreSQL"
    )
    parser.add_argument(
        "--api", action="store_true", help="decide by the API, with tokens"
    )
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    return parser.parse_args()


def line(what: str, seconds: Sequence[float]) -> None:
    """The figures of one kind of answer, in milliseconds."""
    centiles = statistics.quantiles(seconds, n=100, method="inclusive")
    told = [centiles[49], centiles[94], centiles[98], max(seconds)]
    print(
        f"  {what:<40}{len(seconds):>7}" + "".join(f"{s * 1000:>9.0f}" for s in told),
        flush=True,
    )


def progress(what: str, every: int) -> Callable[[int], None]:
    """Says on the error stream how far a part is, each time so many more are done."""
    began = time.monotonic()

    def tell(done: int) -> None:
        if done % every == 0:
            took = time.monotonic() - began
            print(f"    {what} {done} ({took:.0f} s)", file=sys.stderr, flush=True)

    return tell


def measure(site: Site, given: argparse.Namespace) -> None:
    """The wanted parts on one site."""
    people = site.enter(PEOPLE)
    server = started(site, given.processes)
    load = os.getloadavg()[0]
    print(
        f"{site.kind} (load {load:.1f})  {'answers':>26}{'p50 ms':>12}{'p95':>9}"
        f"{'p99':>9}{'most':>9}",
        flush=True,
    )
    [ada] = racers(site, [people["ada"]], given)
    if "race" in given.only:
        race_all(site, people["ada"], server, given)
    if "reads" in given.only:
        asked = ask_many(site, people["ada"], given.reads)
        told = progress("read back", 50)
        own, others = read_back(ada, people["admin"], asked, told)
        line("a decision alone", own)
        line("until another session has it", others)
    if "edits" in given.only:
        edit_all(site, people["ada"], given.edits)
    if "kills" in given.only:
        asked = ask_many(site, people["ada"], given.kills)
        began = time.monotonic()
        told = progress("kills", 10)
        server.stop()
        lives = ForkedServers(
            environment(site.url, site.env), site.port, server.is_answering
        )
        try:
            kill_after_answer(site, ada, asked, lives.serve(), lives.serve, told)
        finally:
            lives.stop()
        took = time.monotonic() - began
        print(
            f"  {given.kills} kills within 50 ms of an answer: all there ({took:.0f} s)"
        )


def processor_seconds(pid: int) -> float:
    """What a process and those it has started have taken of the processors so far."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    started_by_it = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(processor_seconds(int(child)) for child in started_by_it)


def race_all(
    site: Site, starter: Visitor, server: Server, given: argparse.Namespace
) -> None:
    """All rounds, each checked: one winner, and everybody else was told who."""
    reviewers = {f"racer{number:03}": ["reviewer"] for number in range(given.racers)}
    crowd = racers(site, [*site.enter(reviewers).values()], given)
    rounds: dict[int, Round] = {}
    asked = ask_many(site, starter, given.rounds)
    told = progress("rounds", 1)
    began, taken = time.monotonic(), processor_seconds(server.pid)
    for done, question in enumerate(asked):
        told(done)
        rounds[question.number] = race(crowd, question)
    took = time.monotonic() - began
    taken = processor_seconds(server.pid) - taken
    assert_decided_once(site, rounds)
    every = [seconds for done in rounds.values() for seconds in done.seconds]
    line(f"{given.racers} decide at once, {given.rounds} rounds ({took:.0f} s)", every)
    each = taken / len(every) * 1000
    print(f"  the server took {each:.1f} ms of a processor for each answer", flush=True)


def racers(
    site: Site, visitors: Sequence[Visitor], given: argparse.Namespace
) -> Sequence[Racer]:
    """Who decides: people on pages, or with `--api` a program for each of them."""
    if given.api:
        return programs_of(site, [*visitors])
    return [Person(each) for each in visitors]


def edit_all(site: Site, starter: Visitor, count: int) -> None:
    """Races of twenty editors, and of ten with ten who decide; none of their edits is lost."""
    groups = ["reviewer", "operator"]
    names = [f"editor{number:02}" for number in range(EDITORS)]
    crowd = [Person(each) for each in site.enter(dict.fromkeys(names, groups)).values()]
    threads = -(-count // (EDITORS * EDITS_A_THREAD))
    asked = ask_many(site, starter, threads, GRAPH, WISH)
    began = time.monotonic()
    races = race_edits(site, crowd, asked.pop, count, progress("edits", 100))
    took = time.monotonic() - began
    assert_none_lost(site, races)
    saved = sum(each.edits for each in races.threads)
    decided = sum(each.decisions for each in races.threads)
    line(
        f"{EDITORS} edit at once, {races.edits} edits ({took:.0f} s)",
        races.seconds,
    )
    print(f"  {saved} saved, {decided} decided meanwhile, all others told", flush=True)


def started(site: Site, processes: int) -> Server:
    """The server with its worker; on PostgreSQL with so many processes."""
    if site.kind == "sqlite" or processes == 1:
        return site.serve("--with-worker")
    server = site.serve("--with-worker", "--processes", str(processes))
    server.wait_until(
        lambda: server.output().count("answers at") == processes, "all processes"
    )
    return server


def main() -> None:
    """One site on each database, in turn."""
    given = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cluster = postgres.Cluster(durable=True)
        databases = Databases(folder, lambda: cluster.start().url)
        try:
            for kind in given.database:
                place = folder / kind
                place.mkdir()
                env = {"UNDO_SECONDS": "0"}
                site = Site(kind, databases.new(kind), Processes(place), place, env)
                try:
                    measure(site, given)
                finally:
                    site.close()
        finally:
            databases.drop_all()
            cluster.stop()


if __name__ == "__main__":
    main()
