"""Many decide one question at once; the server is killed after an answer; what is read back.

`python -m benchmarks.decision_race --racers 100 --rounds 20 --kills 200 --reads 1000`, on
SQLite and on PostgreSQL with a server of its own. Whatever should not be ends the run: two
winners, an answer without who decided, a decision that is gone after a kill, an audit entry
too many or too few. What is printed are the times, as a client meets them.
"""

# ruff: noqa: E402 - Django is set up before its models can be imported.

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
django.setup()

from tests.acceptance.conftest import KINDS, PEOPLE, Site
from tests.acceptance.races import (
    Person,
    Round,
    ask,
    assert_decided_once,
    kill_after_answer,
    race,
    read_back,
)
from tests.support import postgres
from tests.support.databases import Databases
from tests.support.server import Processes, Server


def arguments() -> argparse.Namespace:
    """How much of what."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--racers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--reads", type=int, default=100)
    parser.add_argument("--databases", nargs="+", default=list(KINDS), choices=KINDS)
    return parser.parse_args()


def line(what: str, seconds: Sequence[float]) -> None:
    """The figures of one kind of answer, in milliseconds."""
    centiles = statistics.quantiles(seconds, n=100, method="inclusive")
    told = [centiles[49], centiles[94], centiles[98], max(seconds)]
    print(f"  {what:<40}{len(seconds):>7}" + "".join(f"{s * 1000:>9.0f}" for s in told))


def measure(site: Site, given: argparse.Namespace) -> None:
    """All of it on one site."""
    people = site.enter(PEOPLE)
    reviewers = {f"racer{number:03}": ["reviewer"] for number in range(given.racers)}
    racers = site.enter(reviewers)
    server = started(site)
    print(f"{site.kind}  {'answers':>38}{'p50 ms':>9}{'p95':>9}{'p99':>9}{'most':>9}")
    crowd = [Person(each) for each in racers.values()]
    rounds: dict[int, Round] = {}
    for question in ask(site, people["ada"], given.rounds):
        rounds[question.number] = race(crowd, question)
    assert_decided_once(site, rounds)
    every = [seconds for done in rounds.values() for seconds in done.seconds]
    line(f"{given.racers} decide at once, {given.rounds} rounds", every)

    ada = Person(people["ada"])
    own, others = read_back(ada, people["admin"], ask(site, people["ada"], given.reads))
    line("a decision alone", own)
    line("until another session has it", others)

    asked = ask(site, people["ada"], given.kills)
    began = time.monotonic()
    kill_after_answer(site, ada, asked, server, lambda: started(site))
    took = time.monotonic() - began
    print(f"  {given.kills} kills within 50 ms of an answer: all there ({took:.0f} s)")


def started(site: Site) -> Server:
    """The server again, with its worker."""
    return site.serve("--with-worker")


def main() -> None:
    """One site on each database, in turn."""
    given = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cluster = postgres.Cluster(durable=True)
        databases = Databases(folder, lambda: cluster.start().url)
        try:
            for kind in given.databases:
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
