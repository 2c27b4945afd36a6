"""The rules of a question as a sentence for the reviewer."""

from __future__ import annotations

from workflows.services.desk.rules import Rules

_SPANS = ((24 * 60 * 60, "day"), (60 * 60, "hour"), (60, "minute"), (1, "second"))


def in_words(rules: Rules) -> str:
    """What a reviewer has to know before deciding; empty where nothing is special."""
    parts = []
    whom = " or ".join(rules.decide_groups or ())
    if rules.quorum > 1:
        of = f" of {whom}" if whom else ""
        parts.append(f"needs {rules.quorum} people{of} to approve")
    elif whom:
        parts.append(f"only {whom} may decide it")
    if rules.four_eyes:
        parts.append("you may not have started it or edited it last")
    if rules.ends is not None:
        what = {
            "answer": "it gets its default answer",
            "reject": "it is rejected",
            "workflow": "the workflow goes on without an answer",
            "fail": "it fails",
        }[rules.timeout_action]
        parts.append(f"{what} after {span(rules.ends)}")
    return "; ".join(parts)


def span(seconds: int) -> str:
    """`5400` as `90 minutes`, `86400` as `1 day`."""
    for size, name in _SPANS:
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"{count} {name}" + ("" if count == 1 else "s")
    return "0 seconds"
