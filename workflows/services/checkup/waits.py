"""What a thread may wait for: people, an instant, signals, events and other threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflows.models import Interrupt
from workflows.services.asleep import Waiter, is_in_line, sleep_of
from workflows.services.checkup.check import (
    NONE,
    STUCK,
    WAITS,
    Check,
    Fact,
    Offer,
    Way,
    capital,
    node_word,
)
from workflows.services.checkup.patient import Patient
from workflows.services.desk.notify import people_of
from workflows.services.findings import WAIT_SECONDS, Finding
from workflows.services.remind_reviewers import RemindReviewers
from workflows.services.sleepers import SLEEPING, WakeThread
from workflows.services.stuck_waits import StuckWaits
from workflows.services.unanswerable import DO, Unanswerable

MOST_NAMED = 2


def asks(patient: Patient) -> Check:
    """Open questions, and whether anybody may answer them."""
    name, question = "question", "Is a person asked?"
    rows = patient.questions
    if not rows:
        return Check(name, question, NONE, "Nobody is asked anything.")
    facts = tuple(_asked(row) for row in rows)
    ways = tuple(Way(f"Question #{row.pk}", "review", row.pk) for row in rows[:3])
    unanswerable = Unanswerable()
    for row in rows:
        why = unanswerable.why(row) if row.graph in patient.known else ""
        if why:
            text = f"{capital(_without_title(why, row))}."
            return Check(
                name, question, STUCK, text, f"{capital(DO)}.", facts=facts, ways=ways
            )
    numbers = ", ".join(f"#{row.pk}" for row in rows[:3])
    if len(rows) > 3:
        numbers += f" and {len(rows) - 3} more"
    is_one = len(rows) == 1
    what = f"an answer to question{'' if is_one else 's'} {numbers}"
    since = patient.since(rows[0].asked_at)
    text = f"Question {numbers} waits for an answer, asked {since} ago."
    if not is_one:
        text = f"Questions {numbers} wait for answers, the first asked {since} ago."
    return Check(
        name,
        question,
        WAITS,
        text,
        waits_for=what,
        facts=facts,
        offers=_remind(patient, rows),
        ways=ways,
    )


def _remind(patient: Patient, rows: Sequence[Interrupt]) -> tuple[Offer, ...]:
    """To tell of the questions again, with how many that would reach; counted for operators only."""
    if patient.rights is None or not patient.operates:
        return ()
    people = len({each.pk for row in rows for each in people_of(row)})
    who = {
        0: "Nobody is assigned, so only",
        1: "1 person is told by a notice, and by mail if they want that;",
    }.get(
        people, f"{people} people are told by a notice, and by mail if they want that;"
    )
    offer = Offer(
        "remind",
        "Tell the reviewers again",
        f"{who} webhooks for asked questions are called once more. The question, its time and its "
        "answers stay as they are.",
    )
    # One is asked about: more questions are to be no more statements.
    has_people = (row for row in rows if row.assignee_id or row.assigned_group_id)
    row = next(has_people, rows[0])
    return patient.offered(offer, RemindReviewers(patient.person, row.pk))


def _asked(row: Interrupt) -> Fact:
    return Fact(
        f"#{row.pk} in {node_word(row.node)}, asked", row.asked_at, "review", row.pk
    )


def _without_title(why: str, row: Interrupt) -> str:
    """What a workflow has called its question may tell what only its page is to tell."""
    return why.replace(f" “{row.title}”", "") if row.title else why


def sleeps(patient: Patient) -> Check:
    """The first instant at which the thread goes on by itself."""
    name, question = "timer", "Does a timer run?"
    thread = patient.thread
    until = thread.wake_at
    if until is None or thread.status not in SLEEPING:
        return Check(name, question, NONE, "Nothing sleeps, and no wait has an end.")
    facts = (Fact("Goes on by itself at", until),)
    offers = patient.offered(
        Offer(
            "wake",
            "Wake it now",
            "Ends every sleep and every wait that has an end, as if its time were over; the "
            "workflow is told so. It goes on with what comes after.",
        ),
        WakeThread(patient.person, thread.pk),
    )
    if until > patient.now:
        text = f"It goes on by itself in {patient.ahead(until)}."
        return Check(name, question, WAITS, text, "", "", until, facts, offers)
    since = patient.since(until)
    if patient.is_at_work or not patient.is_before(until, WAIT_SECONDS):
        if is_in_line(thread):
            text = (
                f"Its time came {since} ago; the run that goes on waits for its queue."
            )
            return Check(name, question, WAITS, text, "", "", None, facts, offers)
        text = f"Its time came {since} ago, and a worker is taking it up."
        return Check(name, question, WAITS, text, "", "a worker", None, facts, offers)
    text = f"It was to go on {since} ago, and no worker has woken it."
    do = f"{capital(patient.do_for_worker())}."
    return Check(name, question, STUCK, text, do, facts=facts, offers=offers)


def awaits(patient: Patient) -> Check:
    """Signals, events and other threads that are waited for, and whether what came was taken up."""
    name, question = "awaited", "Does it wait for a signal, an event or a thread?"
    record = sleep_of(patient.thread)
    if record is None or not record.waiters:
        return Check(name, question, NONE, "It waits for none of them.")
    facts = tuple(
        fact for waiter in record.shown_waiters for fact in _awaited(patient, waiter)
    )
    ways: tuple[Way, ...] = ()
    if record.topics and patient.operates:
        ways = (Way("Send a signal", "thread_signal", patient.thread.pk),)
    found = next(_not_taken_up(patient), None)
    if found is not None:
        text = f"{capital(found.what)}."
        is_known = patient.thread.graph in patient.known
        do = f"{capital(patient.do_for_worker() if is_known else found.do)}."
        return Check(name, question, STUCK, text, do, facts=facts, ways=ways)
    words = list(dict.fromkeys(_words(fact) for fact in facts))
    what = " and ".join(words[:MOST_NAMED])
    if len(words) > MOST_NAMED or record.more_waiters:
        what += " and more"
    text = f"It waits for {what}; nothing of that has come yet."
    return Check(name, question, WAITS, text, waits_for=what, facts=facts, ways=ways)


def _not_taken_up(patient: Patient) -> Iterator[Finding]:
    look = StuckWaits(patient.thread.pk)
    yield from look.unheard()
    yield from look.untold()
    yield from look.unended()


def _awaited(patient: Patient, waiter: Waiter) -> Iterator[Fact]:
    where = f" in {node_word(waiter.node)}" if waiter.node else ""
    for alike in waiter.kinds:
        for each in alike.shown:
            if alike.kind == "child":
                view = "thread" if patient.sees(each.name) else ""
                yield Fact(f"thread{where}", each.name, view, each.name)
            else:
                yield Fact(f"{alike.noun}{where}", each.name)


def _words(fact: Fact) -> str:
    kind = fact.name.partition(" ")[0]
    of = "the end of " if kind == "thread" else ""
    return f"{of}{kind} “{fact.value}”"
