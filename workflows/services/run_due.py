"""What workers do, done by the caller and to its end: for tests and scripts without a worker (RB.17)."""

from __future__ import annotations

from workflows.models import Run
from workflows.services import registry
from workflows.services.execute_run import LOST, execute_run
from workflows.services.forgotten import look_for_forgotten
from workflows.services.recover_runs import recover_runs
from workflows.services.sweep import take_what_is_due
from workflows.storage.claims import due_runs

MOST_RUNS = 1_000
_NOT_CARRIED_OUT = (LOST, Run.Status.PENDING, Run.Status.RUNNING)


class StillDueError(RuntimeError):
    """More runs became due than `run_due` carries out: a workflow may start its own work again and again."""


def run_due(most: int = MOST_RUNS) -> int:
    """Carry out here, one after the other, what is due now, and what becomes due by that; returns how many runs.

    That is what workers do: runs that were started, threads whose sleep or other wait is over, steps of policies, instants
    of schedules, and runs whose worker is gone, of all workflows that this process knows. A run that fails raises nothing: its
    thread tells. Mails and webhooks are not sent, and nothing is tidied up. Not in the transaction of a test, which the
    threads of nodes do not see.

    Raises StillDueError once `most` runs were carried out and others are due.
    """
    done = 0
    left: set[int] = set()
    while True:
        look_for_forgotten()
        recover_runs()
        was_due = take_what_is_due()
        due = [each for each in due_runs(graphs=registry.names()) if each not in left]
        if not (due or was_due):
            return done
        for run_id in due:
            if done >= most:
                raise _still_due(run_id, most)
            if execute_run(run_id) in _NOT_CARRIED_OUT:
                left.add(run_id)  # somebody else is at it, or its queue is full
            else:
                done += 1


def _still_due(run_id: int, most: int) -> StillDueError:
    found = Run.objects.filter(pk=run_id).values_list("graph", "thread_id").first()
    graph, thread_id = found or ("", "")
    return StillDueError(
        f"run_due(): {most:,} runs were carried out, and run {run_id} of workflow {graph!r} on thread {thread_id!r} is due: "
        "does it start itself again? Else give `most` a higher number"
    )
