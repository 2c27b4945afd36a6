"""Decisions in tests whose questions need one person."""

from workflows.models import Decision
from workflows.services.resume_run import ResumeRun


def decided(action: ResumeRun) -> Decision:
    """Carry the action out; it must not be a mere vote."""
    made = action.execute()
    assert isinstance(made, Decision)
    return made
