"""What tests of workflows move and break: time, and the process; needs no Django.

With Django set up its databases go along. `run_due`, which carries out what is due there, is in `durableweb.durable`.
"""

from workflows.engine.crashing import Crash, SimulatedCrash, crash_after, crashes
from workflows.engine.fake_clock import FakeClock, fake_clock

__all__ = [
    "Crash",
    "FakeClock",
    "SimulatedCrash",
    "crash_after",
    "crashes",
    "fake_clock",
]
