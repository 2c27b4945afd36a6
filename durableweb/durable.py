"""Durable work from anywhere: start, schedule, cancel, list and label it; for code of the site.

Needs Django set up. Nobody's rights are asked here: these are calls of a program, in the name
of the system. What people do goes through the dashboard.
"""

from workflows.engine.anew import continue_as_new
from workflows.engine.checkpoint.labels import Label
from workflows.engine.crashing import Crash, SimulatedCrash, crash_after, crashes
from workflows.engine.events import wait_event
from workflows.engine.fake_clock import FakeClock, fake_clock
from workflows.engine.first import ask, ending, event, first_of, signal, timer
from workflows.engine.loop.undoing import Undo
from workflows.engine.recorded import anow, now, random, uuid4
from workflows.engine.replay import CheckedBody, ReplayReport
from workflows.engine.runtime import set_attributes
from workflows.engine.sagas import acompensate, compensate, shield
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import asleep, asleep_until, sleep, sleep_until
from workflows.engine.waits import RAISE
from workflows.services.cancel_run import cancel_thread as cancel
from workflows.services.children import Child, start_child
from workflows.services.emitting import emit
from workflows.services.fork_failed import ForkOfFailed, fork_failed
from workflows.services.fork_thread import Forked, fork_thread
from workflows.services.labels import (
    alabel,
    alist_labels,
    aunlabel,
    label,
    list_labels,
    unlabel,
)
from workflows.services.listing import (
    Page,
    Question,
    ThreadSummary,
    list_interrupts,
    list_threads,
)
from workflows.services.queues import Queue, UnknownQueueError
from workflows.services.replay import areplay_check, replay_check
from workflows.services.retention import Retention, apply_retention
from workflows.services.run_due import StillDueError, run_due
from workflows.services.schedules.acting import pause_schedule, resume_schedule
from workflows.services.schedules.backfill import backfill
from workflows.services.schedules.declared import UnknownScheduleError, schedule
from workflows.services.schedules.reading import (
    ScheduleSummary,
    ScheduleTick,
    schedules,
)
from workflows.services.schedules.trigger import trigger_schedule
from workflows.services.send_update import send_update
from workflows.services.signals import send_signal
from workflows.services.sleepers import wake
from workflows.services.start_run import Started
from workflows.services.start_run import start_thread as start
from workflows.services.where import WhereError
from workflows.storage.prune import prune_thread as prune

__all__ = [
    "RAISE",
    "CheckedBody",
    "Child",
    "Crash",
    "FakeClock",
    "ForkOfFailed",
    "Forked",
    "Label",
    "Page",
    "Question",
    "Queue",
    "ReplayReport",
    "Retention",
    "ScheduleSummary",
    "ScheduleTick",
    "SimulatedCrash",
    "Started",
    "StillDueError",
    "ThreadSummary",
    "Undo",
    "UnknownQueueError",
    "UnknownScheduleError",
    "WhereError",
    "acompensate",
    "alabel",
    "alist_labels",
    "anow",
    "apply_retention",
    "areplay_check",
    "ask",
    "asleep",
    "asleep_until",
    "aunlabel",
    "backfill",
    "cancel",
    "compensate",
    "continue_as_new",
    "crash_after",
    "crashes",
    "emit",
    "ending",
    "event",
    "fake_clock",
    "first_of",
    "fork_failed",
    "fork_thread",
    "label",
    "list_interrupts",
    "list_labels",
    "list_threads",
    "now",
    "pause_schedule",
    "prune",
    "random",
    "replay_check",
    "resume_schedule",
    "run_due",
    "schedule",
    "schedules",
    "send_signal",
    "send_update",
    "set_attributes",
    "shield",
    "signal",
    "sleep",
    "sleep_until",
    "start",
    "start_child",
    "timer",
    "trigger_schedule",
    "unlabel",
    "uuid4",
    "wait_event",
    "wait_signal",
    "wake",
]
