"""Twenty people answer one question at the same moment: one decision, nineteen are told."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.acceptance.conftest import PEOPLE, Site, Standing, Visitor
from tests.acceptance.races import (
    Person,
    ask,
    assert_decided_once,
    kill_after_answer,
    programs_of,
    race,
    read_back,
)
from tests.web.conftest import Html

RACERS = 20


def test_one_of_twenty_decides(standing: Standing) -> None:
    site, ada = standing.site, standing.people["ada"]
    racers = site.enter({f"racer{number:02}": ["reviewer"] for number in range(RACERS)})
    run = ada.start("parcels", **{"input/wanted": "1"})
    site.wait(lambda: "Waits for a person" in ada.status(run), "question")
    question = f"/review/{ada.question(run)}/"
    path = f"{question}decision"
    filled = {
        name: racer.form(question, path) | {"v/note": "as agreed"}
        for name, racer in racers.items()
    }
    together = threading.Barrier(RACERS)

    def decide(name: str) -> httpx.Response:
        # Half of them reject: a second effect would show itself by its word.
        kind = "reject" if int(name[-2:]) % 2 else "approve"
        form = filled[name] | {"kind": kind, "reject_reason": f"by {name}"}
        together.wait(120)
        return racers[name].http.post(path, data=form)

    with ThreadPoolExecutor(RACERS) as pool:
        answers = dict(zip(racers, pool.map(decide, racers), strict=True))

    won = [name for name, answer in answers.items() if answer.status_code == 303]
    lost = [answer for answer in answers.values() if answer.status_code == 409]
    assert len(won) == 1, {name: a.status_code for name, a in answers.items()}
    assert len(lost) == RACERS - 1
    for answer in lost:
        page = Html(answer)
        conflict = page.one("section", id="conflict")
        assert f"Already decided by {won[0]}" in conflict.text
        assert any(conflict in e.parents for e in page.all("time"))

    kind = "reject" if int(won[0][-2:]) % 2 else "approve"
    site.wait(lambda: f"send {kind}" in site.noted(), "effect of the decision")
    site.wait(
        lambda: "Done" in ada.page(ada.thread(run)).one("div", id="thread-status").text,
        "end",
    )
    sent = [line for line in site.noted() if line.startswith("send")]
    assert sent == [f"send {kind}"]
    [decision] = decisions(ada, run)
    assert won[0] in decision


def test_one_press_too_many_is_the_same_decision(standing: Standing) -> None:
    site, ada = standing.site, standing.people["ada"]
    run = ada.start("parcels", **{"input/wanted": "1"})
    site.wait(lambda: "Waits for a person" in ada.status(run), "question")
    question = f"/review/{ada.question(run)}/"
    form = ada.form(question, f"{question}decision") | {
        "kind": "approve",
        "v/note": "as agreed",
    }

    answers = [ada.http.post(f"{question}decision", data=form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    [decision] = decisions(ada, run)
    assert "approved by ada" in decision


def test_a_decision_that_was_answered_survives_a_kill(site: Site) -> None:
    people = site.enter(PEOPLE)
    server = site.serve("--with-worker")
    asked = ask(site, people["ada"], 1)
    ada = Person(people["ada"])

    kill_after_answer(site, ada, asked, server, lambda: site.serve("--with-worker"))


def test_one_of_twenty_programs_decides(standing: Standing) -> None:
    site, ada = standing.site, standing.people["ada"]
    names = {f"robot{number:02}": ["reviewer"] for number in range(RACERS)}
    programs = programs_of(site, [*site.enter(names).values()])
    [question] = ask(site, ada, 1)

    done = race(programs, question)

    assert_decided_once(site, {question.number: done}, alone=False)


def test_a_decision_of_a_program_survives_a_kill(site: Site) -> None:
    people = site.enter(PEOPLE)
    server = site.serve("--with-worker")
    asked = ask(site, people["ada"], 1)
    [ada] = programs_of(site, [people["ada"]])

    kill_after_answer(site, ada, asked, server, lambda: site.serve("--with-worker"))


def test_who_decides_sees_it_at_once_and_so_do_others(standing: Standing) -> None:
    asked = ask(standing.site, standing.people["ada"], 2)

    read_back(Person(standing.people["ada"]), standing.people["admin"], asked)


def decisions(visitor: Visitor, run: int) -> list[str]:
    """The decisions as the page of the thread lists them."""
    page = visitor.page(visitor.thread(run))
    card = page.one("div", id="thread-decisions")
    return [item.text for item in page.all("li") if card in item.parents]
