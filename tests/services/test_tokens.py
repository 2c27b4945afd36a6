"""Tokens of programs: who makes and ends them, and what becomes of them with their owner."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection

from tests.web.conftest import letter, own_registry, people
from workflows.models import ApiToken, AuditEntry
from workflows.services.access import Rights
from workflows.services.action import InvalidAnswer, NotAllowed, NotVisible
from workflows.services.tidy import tidy
from workflows.services.token_list import all_tokens, own_tokens, token_of
from workflows.services.tokens import (
    MOST_OF_ONE,
    MakeToken,
    RevokeToken,
    person_with,
    possible_scopes,
    refused,
)
from workflows.services.writable import last_refusal
from workflows.storage.clock import machine_now

__all__ = ["letter", "own_registry", "people"]

YEAR = timedelta(days=365)


def made(person: User, *scopes: str, name: str = "nightly") -> tuple[ApiToken, str]:
    return MakeToken(person, name, frozenset(scopes or ("read",))).execute()


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("id"))


class TestMaking:
    @pytest.mark.parametrize(
        ("name", "scopes"),
        [
            ("viewer", ("read",)),
            ("reviewer", ("read", "edit", "decide")),
            ("operator", ("read", "run", "edit", "decide")),
            ("admin", ("read", "run", "edit", "decide", "secrets")),
            ("stranger", ()),
        ],
    )
    def test_the_scopes_are_those_of_what_one_may(self, people, letter, name, scopes):
        assert possible_scopes(people[name]) == scopes

    def test_an_admin_has_them_all_where_no_workflow_is_there_yet(self, people):
        assert len(possible_scopes(people["admin"])) == 5

    @pytest.mark.parametrize(
        ("change", "place", "text"),
        [
            ({"name": " "}, "name", "give it a name"),
            ({"name": "a\u202eb"}, "name", "give it a name"),
            ({"name": "a\ud800"}, "name", "give it a name"),
            ({"name": "x" * 81}, "name", "at most 80"),
            ({"scopes": frozenset()}, "scopes", "choose at least one"),
            ({"scopes": frozenset({"all"})}, "scopes", "it can have read, run"),
            ({"scopes": frozenset({"secrets"})}, "scopes", "it can have read, run"),
            ({"days": 0}, "days", "a number from 1"),
            ({"days": 3661}, "days", "a number from 1"),
        ],
    )
    def test_what_is_wrong_is_named_by_its_field(
        self, people, letter, change, place, text
    ):
        asked: dict[str, Any] = {"name": "a", "scopes": frozenset({"read"}), **change}
        with pytest.raises(InvalidAnswer) as refused:
            MakeToken(people["operator"], **asked).execute()

        assert list(refused.value.errors) == [place]
        assert text in refused.value.errors[place]
        assert not ApiToken.objects.exists()

    def test_secrets_alone_would_be_of_no_use(self, people, letter):
        with pytest.raises(InvalidAnswer, match="add read"):
            made(people["admin"], "secrets")

    def test_whoever_has_no_role_makes_none(self, people, letter):
        with pytest.raises(NotAllowed, match="Without a role"):
            made(people["stranger"])

    def test_there_are_not_ever_more_of_them(self, people, letter):
        for _ in range(MOST_OF_ONE):
            row, _ = made(people["viewer"])
        with pytest.raises(InvalidAnswer, match="revoke one first"):
            made(people["viewer"])

        RevokeToken(people["viewer"], row.pk).execute()
        made(people["viewer"])

    def test_the_audit_has_what_it_may_and_not_its_text(self, people, letter):
        _, text = made(people["operator"], "run", "read")

        [entry] = entries("token.made")
        told = json.loads(entry.data)
        assert (told["name"], told["scopes"]) == ("nightly", "read run")
        assert (entry.person_name, entry.channel) == ("operator", "web")
        assert text not in str(vars(entry))


class TestRevoking:
    def test_ones_own_and_as_an_admin_anybodys(self, people, letter):
        first, second = made(people["viewer"])[0], made(people["viewer"])[0]

        RevokeToken(people["viewer"], first.pk).execute()
        RevokeToken(people["admin"], second.pk).execute()

        who = [each.revoked_by for each in ApiToken.objects.order_by("id")]
        assert who == ["viewer", "admin"]
        assert [each.person_name for each in entries("token.revoked")] == who

    def test_one_of_somebody_else_looks_like_none(self, people, letter):
        row, text = made(people["viewer"])

        for number in (row.pk, 0, 10**30):
            with pytest.raises(NotVisible):
                RevokeToken(people["operator"], number).execute()
        assert person_with(text) == people["viewer"]

    def test_twice_is_as_once(self, people, letter):
        row, _ = made(people["viewer"])
        first = RevokeToken(people["viewer"], row.pk).execute()

        second = RevokeToken(people["admin"], row.pk).execute()

        assert (second.revoked_at, second.revoked_by) == (first.revoked_at, "viewer")
        assert len(entries("token.revoked")) == 1

    def test_a_token_looks_after_no_tokens(self, people, letter):
        row, text = made(people["admin"])
        program: Any = person_with(text)

        for act in (
            lambda: made(program),
            lambda: RevokeToken(program, row.pk).execute(),
            lambda: own_tokens(program),
            lambda: all_tokens(program),
        ):
            with pytest.raises(NotAllowed, match="log in yourself"):
                act()


class TestLists:
    def test_they_are_ones_own(self, people, letter):
        made(people["viewer"], name="one")
        made(people["operator"], name="two")

        assert [each.name for each in own_tokens(people["viewer"]).items] == ["one"]
        assert [each.name for each in all_tokens(people["admin"]).items] == [
            "two",
            "one",
        ]
        with pytest.raises(NotVisible):
            all_tokens(people["operator"])

    def test_the_older_ones_follow(self, people, letter, monkeypatch):
        monkeypatch.setattr("workflows.services.token_list.MOST_SHOWN", 2)
        for name in "abc":
            made(people["viewer"], name=name)

        first = own_tokens(people["viewer"])
        rest = own_tokens(people["viewer"], first.next)

        assert [each.name for each in (*first.items, *rest.items)] == ["c", "b", "a"]
        assert rest.next is None

    def test_each_says_how_it_stands(self, people, letter):
        rows = [made(people["viewer"])[0] for _ in range(3)]
        RevokeToken(people["viewer"], rows[0].pk).execute()
        ApiToken.objects.filter(pk=rows[1].pk).update(expires_at=machine_now())

        def standing() -> list[str]:
            return [token_of(people["admin"], row.pk).status for row in rows]

        assert standing() == ["revoked", "expired", "works"]
        User.objects.filter(username="viewer").update(is_active=False)
        assert standing() == ["revoked", "expired", "inactive"]


class TestOwners:
    def test_of_one_who_is_deactivated_it_works_no_more(self, people, letter):
        person = people["viewer"]
        _, text = made(person)
        person.is_active = False
        person.save()
        assert person_with(text) is None

        person.is_active = True
        person.save()
        assert person_with(text) == person

    def test_of_one_who_is_deleted_it_is_gone(self, people, letter):
        _, text = made(people["viewer"])
        people["viewer"].delete()

        assert person_with(text) is None
        assert not ApiToken.objects.exists()
        assert len(entries("token.made")) == 1

    def test_of_one_who_loses_a_role_it_may_less_at_once(self, people, letter):
        person = people["operator"]
        _, text = made(person, "read", "run")
        assert Rights(person_with(text)).can_start("letter")

        person.groups.set([Group.objects.get(name="viewer")])
        rights = Rights(person_with(text))
        assert (rights.can_see("letter"), rights.can_start("letter")) == (True, False)

        person.groups.set([Group.objects.get(name="operator")])
        assert Rights(person_with(text)).can_start("letter")

    def test_it_may_no_more_than_its_scopes_where_the_owner_is_given_a_role(
        self, people, letter
    ):
        _, text = made(people["viewer"])
        people["viewer"].groups.add(Group.objects.get(name="admin"))

        rights = Rights(person_with(text))
        assert not rights.can_start("letter")
        assert not rights.can_decide("letter")
        assert not rights.can_see_secret("letter")

    def test_a_new_password_leaves_it_as_it_is(self, people, letter):
        person = people["viewer"]
        _, text = made(person)
        person.set_password("another one 4711")
        person.save()

        assert person_with(text) == person


def test_it_works_where_nothing_can_be_written(people, letter):
    _, text = made(people["viewer"])

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE"):
            raise OperationalError("attempt to write a readonly database")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        assert person_with(text) == people["viewer"]
    assert ApiToken.objects.get().last_used_at is None
    last_refusal.forget()


def test_what_was_of_no_use_for_a_year_is_forgotten(people, letter):
    now = machine_now()
    names = ("works", "expired", "revoked", "expired long ago", "revoked long ago")
    rows = {name: made(people["viewer"], name=name)[0].pk for name in names}
    for name, field, since in (
        ("expired", "expires_at", YEAR - timedelta(days=1)),
        ("revoked", "revoked_at", YEAR - timedelta(days=1)),
        ("expired long ago", "expires_at", YEAR + timedelta(days=1)),
        ("revoked long ago", "revoked_at", YEAR + timedelta(days=1)),
    ):
        ApiToken.objects.filter(pk=rows[name]).update(**{field: now - since})

    tidy()

    assert set(ApiToken.objects.values_list("name", flat=True)) == {*names[:3]}
    assert len(entries("token.made")) == len(names)


class TestRefusedTokens:
    """One that is known and works no more is told to the audit: somebody still has it."""

    @pytest.fixture(autouse=True)
    def nothing_said_before(self) -> None:
        refused.forget()

    @pytest.mark.parametrize("why", ["revoked", "expired", "owner inactive"])
    def test_why_and_whose_and_once_an_hour(self, people, letter, why):
        row, text = made(people["operator"])
        if why == "revoked":
            RevokeToken(people["operator"], row.pk).execute()
        elif why == "expired":
            ApiToken.objects.update(expires_at=machine_now() - timedelta(seconds=1))
        else:
            User.objects.filter(username="operator").update(is_active=False)

        assert [person_with(text), person_with(text)] == [None, None]

        (entry,) = entries("token.refused")
        told = json.loads(entry.data)
        assert (told["why"], told["owner"]) == (why, "operator")
        assert (entry.subject, entry.channel) == (f"token {row.pk}", "api")
        assert text not in entry.data

    def test_one_that_nobody_made_is_no_entry(self, people, letter):
        made(people["operator"])

        assert person_with("dw_" + "x" * 43) is None
        assert not entries("token.refused")
