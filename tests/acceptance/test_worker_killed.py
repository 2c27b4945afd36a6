"""Whoever carries out a run dies or sleeps in the middle of it; the run ends well."""

import signal
from collections.abc import Callable

from tests.acceptance.conftest import Site, Visitor
from tests.support.server import Process, Server

WANTED = 6
PAUSE = {"PAUSE": "0.4"}


def start(ada: Visitor) -> int:
    return ada.start("parcels", **{"input/wanted": str(WANTED)})


def wait_for(site: Site, line: str) -> None:
    site.wait(lambda: line in site.noted(), line)


def assert_goes_on(site: Site, noted: int) -> None:
    """After those lines, which a kill ended, the task in flight comes and none before it."""
    site.wait(lambda: len(site.noted()) > noted, "next task")
    word, number = site.noted()[noted - 1].split()
    # An end that was noted may not have been saved any more.
    also = {f"begin {int(number) + 1}"} if word == "end" else set()
    assert site.noted()[noted] in {f"begin {number}", *also}


def assert_ends_well(site: Site, ada: Visitor, run: int, most_twice: int) -> None:
    """Answered by a person, each effect is there once; what was in flight perhaps twice."""
    site.wait(lambda: "Waits for a person" in ada.status(run), "question")
    question = f"/review/{ada.question(run)}/"
    answer = ada.post(
        f"{question}decision",
        question,
        kind="approve",
        **{"v/note": "as agreed"},
    )
    assert answer.status_code == 303, answer.text
    thread = ada.thread(run)
    wait_for(site, "send approve")
    site.wait(
        lambda: "Done" in ada.page(thread).one("div", id="thread-status").text, "end"
    )

    ended = [line for line in site.noted() if line.startswith("end")]
    begun = [line for line in site.noted() if line.startswith("begin")]
    assert sorted(set(ended)) == [f"end {number}" for number in range(WANTED)]
    assert len(ended) - WANTED <= most_twice, site.noted()
    assert len(begun) - WANTED <= most_twice, site.noted()
    assert site.noted().count("send approve") == 1
    events = ada.timeline(thread)
    assert events == list(range(1, len(events) + 1))


def test_a_killed_server_goes_on_by_itself_after_its_start(
    new_site: Callable[[str], Site],
) -> None:
    site = new_site("sqlite")
    ada = site.enter({"ada": ["reviewer", "operator"]})["ada"]
    # With such a lease it goes on only because the process that has it is dead.
    long = {"LEASE_SECONDS": "3600", **PAUSE}
    server: Server = site.serve(**long)
    run = start(ada)

    for task in (1, 4):
        wait_for(site, f"begin {task}")
        server.kill9()
        noted = len(site.noted())
        server = site.serve(**long)
        assert_goes_on(site, noted)

    assert_ends_well(site, ada, run, most_twice=2)
    site.assert_quiet()


def test_another_worker_goes_on_with_the_task_in_flight(
    new_site: Callable[[str], Site],
) -> None:
    site = new_site("postgresql")
    ada = site.enter({"ada": ["reviewer", "operator"]})["ada"]
    site.serve()
    workers = [site.work(**PAUSE), site.work(**PAUSE)]
    run = start(ada)
    wait_for(site, "begin 2")

    busy = worker_of(site, workers)
    busy.kill9()
    noted = len(site.noted())
    assert_goes_on(site, noted)
    assert_ends_well(site, ada, run, most_twice=1)
    site.assert_quiet()


def test_a_task_of_a_worker_that_slept_is_not_taken(
    new_site: Callable[[str], Site],
) -> None:
    site = new_site("postgresql")
    ada = site.enter({"ada": ["reviewer", "operator"]})["ada"]
    site.serve()
    # Long enough in each task to be stopped in the third; its lease alone is short.
    sleeper = site.work(PAUSE="2", LEASE_SECONDS="4")
    run = start(ada)
    wait_for(site, "begin 2")

    sleeper.send(signal.SIGSTOP)
    assert site.noted()[-1] == "begin 2"
    other = site.work(**PAUSE)
    site.wait(lambda: other.pid in site.pids(), "task of the other worker")
    sleeper.send(signal.SIGCONT)

    site.wait(lambda: "taken over" in sleeper.output(), "refusal")
    assert_ends_well(site, ada, run, most_twice=1)
    # The state holds what the new owner has done, not what the sleeper brought late.
    card = ada.page(ada.thread(run)).one("section", id="state-card").text
    owners = [sleeper, sleeper, *[other] * (WANTED - 2)]
    for number, owner in enumerate(owners):
        assert f"parcel {number} by {owner.pid}" in card


def worker_of(site: Site, workers: list[Process]) -> Process:
    """The worker that noted something."""
    [busy] = [worker for worker in workers if worker.pid in site.pids()]
    return busy
