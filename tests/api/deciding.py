"""A question and a program that decides it, for the tests of decisions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.conftest import ask
from workflows.models import AuditEntry, Decision, Interrupt, Thread, Vote


@pytest.fixture
def one(program: Any) -> Any:
    return program("reviewer", "decide")


@pytest.fixture
def question(thread: Thread) -> Interrupt:
    return ask(thread)


def ruled(thread: Thread, **policy: Any) -> Interrupt:
    return ask(thread, policy=json.dumps(policy))


def here(question: Interrupt) -> str:
    return f"/questions/{question.pk}/decision"


def body_of(
    question: Interrupt, kind: str = "approve", /, **more: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "version": question.version,
        "round": question.round,
        **more,
    }


def untouched(question: Interrupt) -> bool:
    """Whether nothing of a decision is there."""
    question.refresh_from_db()
    audited = AuditEntry.objects.filter(action="question.decided")
    made = (Decision.objects.count(), Vote.objects.count(), audited.count())
    return (question.status, made) == ("pending", (0, 0, 0))
