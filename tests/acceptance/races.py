"""Races over HTTP, as large as asked: many answers at once, a kill after an answer, reading back.

The tests run them small, `benchmarks/decision_race.py` with the full figures.
"""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import httpx

from tests.acceptance.conftest import Site, Visitor
from tests.acceptance.crowd import Answer, form_post, json_post, send_at_once

GRAPH = "parcels"
KILLED_WITHIN_SECONDS = 0.05


@dataclass
class Question:
    """One question as the database has it; `decisions` are [kind, who, idempotency key]."""

    number: int
    version: int = 1
    round: int = 1
    status: str = "pending"
    decisions: list[list[str]] = field(default_factory=list)
    audited: int = 0

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"/review/{self.number}/"


@dataclass
class Person:
    """Somebody who decides, with the token that their forms carry."""

    visitor: Visitor
    token: str = field(init=False)
    won = 303
    """The status of an answer that a decision counts."""

    def __post_init__(self) -> None:
        """Read one page for the token."""
        self.token = self.visitor.form("/notices/", "/logout/")["csrfmiddlewaretoken"]

    def decide(self, question: Question, kind: str, key: str = "") -> httpx.Response:
        """Send a decision as the page of the question would."""
        form = self.form(question, kind, key)
        return self.visitor.http.post(f"{question.path}decision", data=form)

    def request(self, question: Question, kind: str) -> bytes:
        """The same, ready to be sent."""
        cookies = "; ".join(
            f"{c.name}={c.value}" for c in self.visitor.http.cookies.jar
        )
        form = self.form(question, kind)
        path = f"{question.path}decision"
        return form_post(self.visitor.url, path, cookies, form)

    def assert_told(self, late: Answer, winner: str, kind: str) -> None:
        """That the answer to a decision that came too late says who was first, and when."""
        # The rest of a hundred pages need not be read.
        told = late.content.partition(b'id="conflict"')[2].partition(b"</section>")
        assert f"Already decided by {winner}".encode() in told[0]
        assert b"<time" in told[0]

    def form(self, question: Question, kind: str, key: str = "") -> dict[str, str]:
        """What the page of the question would send."""
        return {
            "csrfmiddlewaretoken": self.token,
            "version": str(question.version),
            "round": str(question.round),
            "checkpoint": "",
            "key": key or str(uuid.uuid4()),
            "kind": kind,
            "reject_reason": f"by {self.visitor.name}",
            "v/note": "as agreed",
        }


@dataclass
class Program:
    """A program that decides in somebody's name, by the API."""

    visitor: Visitor
    token: str
    won = 200

    def decide(self, question: Question, kind: str, key: str = "") -> httpx.Response:
        """Send a decision; without a key it makes one up."""
        path, headers, body = self._sent(question, kind, key)
        http = self.visitor.http
        return http.post(path, content=body, headers=headers | _JSON)

    def request(self, question: Question, kind: str) -> bytes:
        """The same, ready to be sent."""
        path, headers, body = self._sent(question, kind)
        return json_post(self.visitor.url, path, headers, body)

    def assert_told(self, late: Answer, winner: str, kind: str) -> None:
        """That the answer to a decision that came too late says who was first, when and how."""
        told = json.loads(late.content)
        assert (told["code"], told["who"], told["kind"]) == (
            "already_decided",
            winner,
            kind,
        )
        assert told["when"]

    def _sent(
        self, question: Question, kind: str, key: str = ""
    ) -> tuple[str, dict[str, str], bytes]:
        body = {
            "kind": kind,
            "reason": f"by {self.visitor.name}",
            "version": question.version,
            "round": question.round,
        }
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": key or str(uuid.uuid4()),
        }
        path = f"/api/v1/questions/{question.number}/decision"
        return path, headers, json.dumps(body).encode()


_JSON = {"Content-Type": "application/json"}
Racer = Person | Program


def programs_of(site: Site, visitors: list[Visitor]) -> list[Program]:
    """A program for each of them, with a token of its own."""
    names = [each.name for each in visitors]
    script = f"from tests.acceptance.people import make_tokens; make_tokens({names!r})"
    texts = json.loads(_line(site.manage("shell", "-c", script), "tokens"))
    return [Program(each, texts[each.name]) for each in visitors]


def ask(site: Site, starter: Visitor, count: int) -> list[Question]:
    """Start so many runs and wait until each asks; the server with its worker is there."""
    runs = [starter.start(GRAPH, **{"input/wanted": "1"}) for _ in range(count)]
    asked = []
    for run in runs:
        site.wait(partial(_asks, starter, run), "question", 120)
        asked.append(Question(starter.question(run)))
    return asked


def ask_many(
    site: Site,
    starter: Visitor,
    count: int,
    graph: str = GRAPH,
    given: dict[str, Any] | None = None,
) -> list[Question]:
    """The same for hundreds of them: started by a process beside the server."""
    script = (
        "from tests.acceptance.people import start; "
        f"start({starter.name!r}, {graph!r}, {count}, {given!r})"
    )
    said = site.manage("shell", "-c", script)
    return [Question(number) for number in json.loads(_line(said, "asked"))]


def _asks(starter: Visitor, run: int) -> bool:
    return "Waits for a person" in starter.status(run)


def questions(site: Site) -> list[Question]:
    """All questions; fails where the audit's chain does not fit."""
    script = "from tests.acceptance.people import tell_questions; tell_questions()"
    said = site.manage("shell", "-c", script)
    assert json.loads(_line(said, "faults")) == []
    return [Question(**each) for each in json.loads(_line(said, "questions"))]


def _line(said: str, name: str) -> str:
    found = re.search(rf"^{name} (.*)$", said, re.MULTILINE)
    assert found, said
    return found.group(1)


def _tell_nobody(_done: int) -> None:
    """How far a long story is; the benchmark prints it."""


@dataclass
class Round:
    """What came of one race: who won with what, and how long every answer took (seconds)."""

    winner: str
    kind: str
    seconds: list[float]


def race(people: Sequence[Racer], question: Question) -> Round:
    """All of them decide at once, every other one with a no; one wins, all others are told."""
    requests = [
        person.request(question, "reject" if place % 2 else "approve")
        for place, person in enumerate(people)
    ]
    found = send_at_once(people[0].visitor.url, requests)
    statuses = [answer.status_code for answer in found]
    won = [place for place, status in enumerate(statuses) if status == people[0].won]
    assert len(won) == 1, statuses
    assert statuses.count(409) == len(people) - 1, statuses
    winner = people[won[0]].visitor.name
    kind = "reject" if won[0] % 2 else "approve"
    for person, answer in zip(people, found, strict=True):
        if answer.status_code == 409:
            person.assert_told(answer, winner, kind)
    return Round(winner, kind, [answer.seconds for answer in found])


def assert_decided_once(
    site: Site, rounds: dict[int, Round], *, alone: bool = True
) -> None:
    """One decision and one audit entry a question, the winner's, and its effect once.

    Effects are only counted where nobody else has decided anything on the site (`alone`).
    """
    stored = {each.number: each for each in questions(site)}
    for number, done in rounds.items():
        found = stored[number]
        assert [each[:2] for each in found.decisions] == [[done.kind, done.winner]]
        assert found.audited == 1
    if not alone:
        return

    def sent() -> list[str]:
        return sorted(line for line in site.noted() if line.startswith("send"))

    wanted = sorted(f"send {done.kind}" for done in rounds.values())
    site.wait(lambda: len(sent()) >= len(wanted), "effects", 120)
    assert sent() == wanted


class Killable(Protocol):
    """A server that can be ended at once."""

    def kill9(self) -> None:
        """End it as a power cut would."""


def kill_after_answer(
    site: Site,
    person: Racer,
    asked: list[Question],
    server: Killable,
    serve: Callable[[], Killable],
    told: Callable[[int], object] = _tell_nobody,
) -> None:
    """Decide each question and kill `server` within 50 ms of its answer; nothing is lost.

    The same request sent again is answered as the first one was, and decides nothing more.
    """
    keys = {}
    for done, question in enumerate(asked):
        told(done)
        keys[question.number] = key = str(uuid.uuid4())
        answer = person.decide(question, "approve", key)
        assert answer.status_code == person.won, answer.text
        time.sleep(random.uniform(0, KILLED_WITHIN_SECONDS))
        server.kill9()
        server = serve()
        again = person.decide(question, "approve", key)
        assert again.status_code == person.won, again.text
        if isinstance(person, Program):
            assert again.json() == answer.json()
        else:
            assert f"#{question.number}" in person.visitor.http.get("/queue/").text
    stored = {each.number: each for each in questions(site)}
    for number, key in keys.items():
        decisions: Any = [["approve", person.visitor.name, key]]
        assert stored[number].decisions == decisions
        assert stored[number].audited == 1


def read_back(
    person: Racer,
    other: Visitor,
    asked: list[Question],
    told: Callable[[int], object] = _tell_nobody,
) -> tuple[list[float], list[float]]:
    """Decide each; the next page shows it decided, and no queue lists it. Both in seconds.

    Returns how long the decision took, and until a session of somebody else had it.
    """
    own, others = [], []
    for done, question in enumerate(asked):
        told(done)
        began = time.monotonic()
        answer = person.decide(question, "approve")
        assert answer.status_code == person.won, answer.text
        own.append(time.monotonic() - began)
        answered = time.monotonic()
        seen = other.http.get(question.path).text
        assert f"{person.visitor.name}" in seen
        assert 'value="approve"' not in seen
        others.append(time.monotonic() - answered)
        mine = person.visitor.http.get(question.path).text
        assert 'value="approve"' not in mine
        listed = person.visitor.http.get("/queue/?sort=age").text
        assert f'id="item-{question.number}"' not in listed
    return own, others
