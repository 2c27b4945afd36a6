"""`manage.py api_token`: a token for a machine."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.web.conftest import letter, own_registry, people
from workflows.models import ApiToken, AuditEntry
from workflows.services.tokens import person_with

__all__ = ["letter", "own_registry", "people"]


def run(*words: str) -> tuple[str, str]:
    """What it prints, and what it says beside it."""
    out, said = io.StringIO(), io.StringIO()
    call_command("api_token", *words, stdout=out, stderr=said, no_color=True)
    return out.getvalue(), said.getvalue()


def test_its_text_stands_alone_on_the_standard_output(people, letter):
    out, said = run(
        "operator", "--name", "cron", "--scope", "read", "--scope", "run", "--days", "7"
    )

    assert person_with(out.removesuffix("\n")) == people["operator"]
    row = ApiToken.objects.get()
    assert (row.name, row.scopes) == ("cron", "read run")
    assert row.expires_at is not None
    assert (row.expires_at - row.created_at).days == 7
    assert "token 'cron' of operator: read run, until " in said
    assert out.strip() not in said
    assert AuditEntry.objects.get(action="token.made").channel == "command"


@pytest.mark.parametrize(
    ("words", "days"), [((), 90), (("--no-end",), None), (("--days", "365"), 365)]
)
def test_it_ends_when_one_said(people, letter, words, days):
    run("viewer", "--name", "a", "--scope", "read", *words)

    row = ApiToken.objects.get()
    lives = row.expires_at and (row.expires_at - row.created_at).days
    assert lives == days


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("nobody", "--name", "a", "--scope", "read"), "no person named 'nobody'"),
        (("viewer", "--name", "a", "--scope", "run"), "scopes: it can have read"),
        (("viewer", "--name", "a", "--scope", "all"), "invalid choice: 'all'"),
        (("viewer", "--name", "a"), "--scope"),
        (("viewer", "--scope", "read"), "--name"),
        (("viewer", "--name", " ", "--scope", "read"), "name: give it a name"),
        (
            ("viewer", "--name", "a", "--scope", "read", "--days", "0"),
            "days: a number from 1",
        ),
        (
            ("viewer", "--name", "a", "--scope", "read", "--days", "1", "--no-end"),
            "not allowed with",
        ),
        (("stranger", "--name", "a", "--scope", "read"), "Without a role"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(people, letter, words, text):
    with pytest.raises(CommandError, match=text):
        run(*words)

    assert not ApiToken.objects.exists()


def test_of_one_who_is_not_active_none_is_made(people, letter):
    person: Any = people["viewer"]
    person.is_active = False
    person.save()

    with pytest.raises(CommandError, match="viewer is not active"):
        run("viewer", "--name", "a", "--scope", "read")
