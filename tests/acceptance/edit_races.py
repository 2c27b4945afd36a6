"""Many edit one state at once, and decide its question meanwhile: no edit is lost.

As large as asked; the test runs it small, `benchmarks/decision_race.py` with the full figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from tests.acceptance.conftest import Site, Visitor
from tests.acceptance.crowd import Answer, form_post, send_at_once
from tests.acceptance.races import Person, Question
from tests.support.databases import open_database

GRAPH = "wishes"
WISH = {"name": "Bob", "age": 3, "more": {}}
EDITS_A_THREAD = 5


@dataclass
class Edited:
    """A thread whose state is edited: what it says, and who has won there so far."""

    question: Question
    checkpoint: str = ""
    said: str = ""
    edits: int = 0
    decisions: int = 0


@dataclass
class Races:
    """What came of all races: how many edits were sent, and how long all answers took."""

    edits: int = 0
    seconds: list[float] = field(default_factory=list)
    threads: list[Edited] = field(default_factory=list)


def race_edits(
    site: Site,
    people: list[Person],
    asked: Callable[[], Question],
    count: int,
    told: Callable[[int], object] = lambda _done: None,
    alone: int = EDITS_A_THREAD,
) -> Races:
    """Race until `count` edits were sent; `asked` gives the question of one more thread.

    On each thread `alone` races of edits come first, then one in which half of them decide.

    One edit or one decision counts in each race, and everybody else sees both texts.
    """
    races = Races()
    while races.edits < count:
        thread = Edited(asked())
        races.threads.append(thread)
        for place in range(alone + 1):
            is_mixed = place == alone
            _read(site, people[0].visitor, thread)
            _race(people, thread, races, place, is_mixed=is_mixed)
            told(races.edits)
    return races


def assert_none_lost(site: Site, races: Races) -> None:
    """As many edits and decisions are stored as were answered with a yes."""
    script = "from tests.acceptance.people import tell_edits; tell_edits()"
    said = site.manage("shell", "-c", script)
    found = re.search(r"^edits (.*)$", said, re.MULTILINE)
    assert found, said
    stored = json.loads(found.group(1))
    for thread in races.threads:
        told = stored[str(thread.question.number)]
        assert told == {
            "edits": thread.edits,
            "audited": thread.edits,
            "decisions": thread.decisions,
            "said": thread.said,
        }


def _race(
    people: list[Person], thread: Edited, races: Races, place: int, *, is_mixed: bool
) -> None:
    requests, edits = [], []
    for at, person in enumerate(people):
        is_edit = not (is_mixed and at % 2)
        text = f"{person.visitor.name}, race {place} of #{thread.question.number}"
        edits.append(text if is_edit else "")
        requests.append(
            _edit(person, thread, text)
            if is_edit
            else person.request(thread.question, "reject")
        )
    found = send_at_once(people[0].visitor.url, requests)
    races.edits += sum(map(bool, edits))
    races.seconds += [answer.seconds for answer in found]
    statuses = [answer.status_code for answer in found]
    won = [at for at, status in enumerate(statuses) if status == 303]
    assert len(won) == 1, statuses
    assert statuses.count(409) == len(people) - 1, statuses
    first = edits[won[0]]
    if first:
        thread.edits += 1
        thread.said = first
    else:
        thread.decisions += 1
    for at, answer in enumerate(found):
        if at != won[0]:
            _assert_told(answer, edits[at], first)


def _assert_told(answer: Answer, own: str, first: str) -> None:
    """Who was late sees their own text, and the one that was first."""
    page = answer.content.decode()
    assert 'id="conflict"' in page
    if own:
        assert own in page
        assert not first or first in page, f"{first} is not told to {own}"


def _edit(person: Person, thread: Edited, text: str) -> bytes:
    """The form of the editor, sent by somebody who has read the page before the race."""
    path = f"/review/{thread.question.number}/state"
    cookies = "; ".join(f"{c.name}={c.value}" for c in person.visitor.http.cookies.jar)
    form = {
        "csrfmiddlewaretoken": person.token,
        "mode": "json",
        "values": json.dumps({"name": "Bob", "more": {"said": text}}),
        "base": json.dumps({"name": "Bob", "more": _more(thread.said)}),
        "checkpoint": thread.checkpoint,
        "reason": text,
    }
    return form_post(person.visitor.url, path, cookies, form)


def _more(said: str) -> dict[str, str]:
    return {"said": said} if said else {}


def _read(site: Site, reader: Visitor, thread: Edited) -> None:
    """Wait until the question is asked about the newest state, and read what a form sends."""
    site.wait(partial(_is_asked, site, reader, thread), "question after the edit", 120)


def _is_asked(site: Site, reader: Visitor, thread: Edited) -> bool:
    if _is_at_work(site, thread.question.number):
        return False
    number = thread.question.number
    page = reader.page(f"/review/{number}/")
    editor = reader.page(f"/review/{number}/state")
    thread.question.version = int(page.one("input", name="version").attributes["value"])
    thread.question.round = int(page.one("input", name="round").attributes["value"])
    [thread.checkpoint] = {
        each.attributes["value"] for each in editor.all("input", name="checkpoint")
    }
    return True


def _is_at_work(site: Site, number: int) -> bool:
    """Whether the thread of a question has a run that has not ended: no page tells of all."""
    with closing(open_database(site.url)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT COUNT(*) FROM workflows_run WHERE status IN ('pending', 'running')"
            f" AND thread_id = (SELECT thread_id FROM workflows_interrupt WHERE id = {number:d})"
        )
        [found] = cursor.fetchone()
    return bool(found)
