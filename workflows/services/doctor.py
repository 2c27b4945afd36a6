"""What is stuck on this site, where, and what to do about it: one finding for each.

Nothing is written. What a sweep or a worker mends by itself within seconds is not told; it is
where nobody has done so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db.models import Count, Exists, Min, OuterRef, QuerySet

from workflows.models import Delivery, Interrupt, Run
from workflows.models.run import BESIDE
from workflows.services import registry
from workflows.services.desk.deciding import RELATED
from workflows.services.findings import WAIT_SECONDS, Finding
from workflows.services.lines import full_hands
from workflows.services.outbound.events import address
from workflows.services.schedules.stuck import StuckSchedules
from workflows.services.stuck_queues import StuckQueues
from workflows.services.stuck_waits import StuckWaits
from workflows.services.thread_history import ATTENTION_REASONS
from workflows.services.unanswerable import DO, Unanswerable
from workflows.services.workers import name_of, workers
from workflows.storage.claims import due_runs
from workflows.storage.leases import lease_seconds

UNSENT_SECONDS = 300.0
MOST = 100

DO_PARKED = {
    "crash_loop": "look at the node it was in and at the memory of the machine, then "
    "Continue on the page of its thread",
    "graph_changed": "make the code fit (docs/howto/change-a-running-workflow.md), then "
    "Continue on the page of its thread",
    "unknown_type": "register_type the class that is gone, with aliases= where it was renamed, "
    "then Continue on the page of its thread",
    "not_decrypted": "give the workers the key that its values were written with "
    "(docs/howto/encrypt-values.md), then Continue on the page of its thread",
}


def diagnose(most: int = MOST) -> list[Finding]:
    """All findings, the causes first; at most so many of a kind, and one that tells of the rest."""
    doctor = _Doctor()
    found: list[Finding] = []
    for look in doctor.looks():
        findings = look()
        for count, finding in enumerate(findings, 1):
            if count > most:
                found.append(_and_more(finding.kind, count + sum(1 for _ in findings)))
                break
            found.append(finding)
    return found


def _and_more(kind: str, count: int) -> Finding:
    return Finding(
        kind,
        f"{count} findings of this kind in all",
        "mend the ones above, or give a greater number with --most",
        "",
        {"count": count},
    )


class _Doctor(StuckWaits, StuckSchedules, StuckQueues):
    """One look at everything."""

    def looks(self) -> tuple[Callable[[], Iterator[Finding]], ...]:
        return (
            self.broken_modules,
            self.unknown_graphs,
            self.other_code,
            self.waiting,
            self.overslept,
            self.unheard,
            self.untold,
            self.unended,
            self.late_schedules,
            self.refused_schedules,
            self.unknown_queues,
            self.slow_queues,
            self.lapsed,
            self.late,
            self.parked,
            self.missed_steps,
            self.unanswerable,
            self.unsent,
        )

    def broken_modules(self) -> Iterator[Finding]:
        """Modules of workflows that this process could not import."""
        for module, text in sorted(registry.failures.items()):
            last = text.strip().splitlines()[-1] if text.strip() else "unknown error"
            yield Finding(
                "broken_module",
                f"the module {module} cannot be imported: {last}",
                "mend it and start site and workers again; runs of its workflows wait",
                "",
                {"module": module},
            )

    def other_code(self) -> Iterator[Finding]:
        """Workers that live and carry out workflows by other code than is here."""
        for each in workers(self.now):
            if not each.is_alive or each.has_same_code:
                continue
            parts = {
                "has another form of": each.other,
                "lacks": each.lacks,
                "has besides": each.more,
            }
            told = [
                f"{word} {', '.join(names)}" for word, names in parts.items() if names
            ]
            yield Finding(
                "other_code",
                f"the worker {name_of(each.name)} has other code than is here: it "
                f"{'; '.join(told)}",
                "start that worker again with this code; where this code is the older, deploy it here",
                "",
                {"worker": each.name, "graphs": [*each.other, *each.lacks, *each.more]},
            )

    def unknown_graphs(self) -> Iterator[Finding]:
        """Runs and open questions of workflows that this code does not have."""
        do = "deploy the workflow again under this name, or cancel the run"
        waiting = self._runs(Run.Status.PENDING).filter(due_at__lt=self._ago())
        for run in waiting.exclude(graph__in=self.known).iterator():
            what = f"{_name(run)} waits for the workflow {run.graph!r}, which is not registered"
            yield _of_run("unknown_graph", run, what, do)
        asked = Interrupt.objects.filter(status=Interrupt.Status.PENDING)
        rows = asked.exclude(graph__in=self.known).values("graph")
        for row in rows.annotate(count=Count("id"), first=Min("id")).order_by("graph"):
            yield Finding(
                "unknown_graph",
                f"open questions of the workflow {row['graph']!r}, which is not registered: "
                f"{row['count']}",
                "deploy the workflow again under this name; only an admin may answer them, and "
                "the runs would wait",
                address("review", row["first"]),
                {
                    "graph": row["graph"],
                    "question": row["first"],
                    "count": row["count"],
                },
            )

    def waiting(self) -> Iterator[Finding]:
        """Runs that a worker could begin, and none has."""
        claimable = due_runs(limit=10_000, graphs=self.known)
        rows = self._runs(Run.Status.PENDING).filter(due_at__lt=self._ago())
        for run in _each(rows.exclude(queue__in=full_hands()), claimable):
            what = f"{_name(run)} has waited for a worker for {self._since(run.due_at)}"
            yield _of_run("waiting", run, what, self._do_for_worker())

    def lapsed(self) -> Iterator[Finding]:
        """Runs whose worker is gone, and that no sweep has taken up."""
        grace = self._ago(WAIT_SECONDS + lease_seconds())
        for run in self._runs(Run.Status.RUNNING).filter(lease_until__lt=grace):
            what = (
                f"{_name(run)} belongs to {run.owner or 'a worker'}, of whom nothing was heard "
                f"since its lease ended {self._since(run.lease_until)} ago"
            )
            do = f"{self._do_for_worker()}; or once by hand: manage.py recover"
            yield _of_run("lapsed_lease", run, what, do)

    def late(self) -> Iterator[Finding]:
        """Runs past a limit of theirs, or that were to be cancelled, and have not ended."""
        grace = self._ago(WAIT_SECONDS + lease_seconds())
        unbegun = self._runs(Run.Status.PENDING).filter(start_by__lt=self._ago())
        for run in unbegun:
            what = f"{_name(run)} was to be begun {self._since(run.start_by)} ago, and still waits"
            yield _of_run("late", run, what, self._do_for_worker())
        running = self._runs(Run.Status.RUNNING).filter(lease_until__gte=self.now)
        for run in running.filter(deadline__lt=grace):
            what = f"{_name(run)} was to end {self._since(run.deadline)} ago, and is still at work"
            yield _of_run("late", run, what, _do_for_node(run))
        for run in running.filter(
            cancel_requested_at__lt=grace, cancel_mode=Run.CancelMode.NOW
        ):
            asked = self._since(run.cancel_requested_at)
            what = f"{_name(run)} was cancelled {asked} ago, and is still at work"
            yield _of_run("late", run, what, _do_for_node(run))

    def parked(self) -> Iterator[Finding]:
        """Runs that were given up, and whose threads nobody has gone on with."""
        later = Run.objects.filter(thread=OuterRef("thread"), pk__gt=OuterRef("pk"))
        rows = self._runs(Run.Status.ERROR).filter(
            ~Exists(later.exclude(kind__in=BESIDE)), reason__in=ATTENTION_REASONS
        )
        for run in rows.iterator():
            what = f"{_name(run)} was given up: {run.reason}"
            if run.reason == "crash_loop":
                what += f", its worker died {run.recoveries + 1} times"
            elif run.error:
                what += f", {run.error}"
            do = DO_PARKED.get(run.reason, "Continue on the page of its thread")
            yield _of_run("parked", run, what, do)

    def missed_steps(self) -> Iterator[Finding]:
        """Open questions whose reminder, escalation or end of time is over."""
        rows = Interrupt.objects.filter(
            status=Interrupt.Status.PENDING, next_step_at__lt=self._ago()
        )
        for row in rows.order_by("next_step_at", "id").iterator():
            yield _of_question(
                "missed_step",
                row,
                f"{_title(row)} was to be reminded of, escalated or ended "
                f"{self._since(row.next_step_at)} ago",
                f"{self._do_for_worker()}, for 'the steps of question #{row.pk}'",
            )

    def unanswerable(self) -> Iterator[Finding]:
        """Open questions that too few people may decide."""
        unanswerable = Unanswerable()
        rows = Interrupt.objects.filter(
            status=Interrupt.Status.PENDING, graph__in=self.known
        )
        for row in rows.select_related(*RELATED).order_by("asked_at", "id").iterator():
            why = unanswerable.why(row)
            if why:
                yield _of_question("unanswerable", row, why, DO)

    def unsent(self) -> Iterator[Finding]:
        """Mails and calls that are due, and that nobody sends."""
        rows = Delivery.objects.filter(
            status=Delivery.Status.PENDING, next_at__lt=self._ago(UNSENT_SECONDS)
        )
        found = rows.aggregate(count=Count("id"), first=Min("next_at"))
        if found["count"]:
            yield Finding(
                "unsent",
                f"mails and webhook calls that are due and not sent: {found['count']}, the "
                f"oldest for {self._since(found['first'])}",
                self._do_for_worker(),
                address("webhooks"),
                {"count": found["count"]},
            )

    def _runs(self, status: str) -> QuerySet[Run]:
        rows = Run.objects.filter(status=status).defer("payload", "traceback")
        return rows.order_by("id")


def _each(rows: QuerySet[Run], ids: list[int]) -> Iterator[Run]:
    """The rows of these ids, a few hundred at a time: SQLite takes no list without end."""
    for start in range(0, len(ids), 500):
        yield from rows.filter(pk__in=ids[start : start + 500])


def _name(run: Run) -> str:
    return f"run {run.pk} of thread {run.thread_id!r}"


def _title(row: Interrupt) -> str:
    return f"question #{row.pk}" + (f" “{row.title}”" if row.title else "")


def _do_for_node(run: Run) -> str:
    return (
        "its node does not ask runtime.check(): wait, or end its worker "
        f"({run.owner or 'unknown'}); the run then ends as it was to"
    )


def _of_run(kind: str, run: Run, what: str, do: str) -> Finding:
    ids = {"run": run.pk, "thread": run.thread_id, "graph": run.graph}
    return Finding(kind, what, do, address("run", run.pk), ids)


def _of_question(kind: str, row: Interrupt, what: str, do: str) -> Finding:
    ids = {"question": row.pk, "thread": row.thread_id, "graph": row.graph}
    return Finding(kind, what, do, address("review", row.pk), ids)
