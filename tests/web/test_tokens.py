"""Tokens in the browser: made, shown once, revoked."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from tests.web.conftest import Html
from workflows.models import ApiToken, AuditEntry
from workflows.services.tokens import MakeToken, RevokeToken, person_with
from workflows.web.tokens import api_address

NEW = "/tokens/new"


def fields(**more):
    return {"name": "nightly", "scopes": ["read", "run"], "days": "90", **more}


def token(person, name="nightly", *scopes) -> tuple[ApiToken, str]:
    return MakeToken(person, name, frozenset(scopes or ("read",))).execute()


@pytest.fixture(autouse=True)
def _workflow(letter):
    """There is something to do."""


class TestMaking:
    def test_a_new_one_is_shown_once(self, as_, people):
        browser = as_("operator")

        answer = browser.post(NEW, fields())

        page = Html(answer)
        text = page.one("code", id="token-text").text
        assert answer["Cache-Control"] == "no-store"
        assert person_with(text) == people["operator"]
        assert page.one("button", **{"data-copy": "token-text"})
        for path in ("/tokens/", f"/tokens/{ApiToken.objects.get().pk}/revoke"):
            assert text not in browser.get(path).content.decode()
        assert text not in str(list(AuditEntry.objects.values()))

    def test_the_line_to_try_it_works(self, as_, client):
        page = Html(as_("operator").post(NEW, fields()))

        line = page.one("pre", id="token-line").text
        found = re.fullmatch(
            r'curl -H "Authorization: (.*)" http://testserver(.*)', line
        )
        assert found, line
        answer = client.get(found[2], headers={"Authorization": found[1]})
        assert answer.json()["username"] == "operator"

    def test_without_the_scope_for_it_there_is_none(self, as_):
        page = Html(as_("operator").post(NEW, fields(scopes=["run"])))

        assert not page.all("pre", id="token-line")
        assert page.has_text("Authorization: Bearer dw_")

    @pytest.mark.parametrize(
        ("days", "is_endless"),
        [("30", False), ("90", False), ("365", False), ("never", True)],
    )
    def test_it_ends_when_one_said(self, as_, days, is_endless):
        as_("viewer").post(NEW, fields(scopes=["read"], days=days))

        row = ApiToken.objects.get()
        if is_endless:
            assert row.expires_at is None
        else:
            assert (row.expires_at - row.created_at).days == int(days)

    @pytest.mark.parametrize(
        ("name", "scopes"),
        [
            ("viewer", ["read"]),
            ("reviewer", ["read", "edit", "decide"]),
            ("operator", ["read", "run", "edit", "decide"]),
            ("admin", ["read", "run", "edit", "decide", "secrets"]),
        ],
    )
    def test_what_one_may_is_offered_and_no_more(self, as_, name, scopes):
        boxes = Html(as_(name).get(NEW)).all("input", name="scopes")

        assert [each.attributes["value"] for each in boxes] == scopes

    @pytest.mark.parametrize(
        ("change", "field", "text"),
        [
            ({"name": " "}, "name", "give it a name"),
            ({"name": "x" * 81}, "name", "at most 80"),
            ({"name": "a\0b"}, "name", "give it a name"),
            ({"scopes": []}, "scopes", "choose at least one"),
            ({"scopes": ["secrets"]}, "scopes", "it can have read, run"),
            ({"days": ""}, "days", "choose one"),
            ({"days": "31"}, "days", "choose one"),
            ({"days": "٣٠"}, "days", "choose one"),
        ],
    )
    def test_nonsense_is_named_at_its_field_and_above(self, as_, change, field, text):
        answer = as_("operator").post(NEW, fields(**change))

        page = Html(answer)
        assert answer.status_code == 400
        assert text in page.one("p", id=f"token-{field}-error").text
        assert text in page.one("section", role="alert").text
        [link] = page.all("a", href=f"#token-{field}")
        assert page.one("input", id=link.attributes["href"][1:])
        assert (
            page.one("input", name="name").attributes["value"]
            == (fields(**change)["name"])
        )
        assert not ApiToken.objects.exists()

    def test_whoever_has_no_role_is_told(self, as_):
        browser = as_("stranger")

        assert browser.get(NEW).status_code == 403
        assert browser.post(NEW, fields()).status_code == 403
        assert Html(browser.get("/tokens/")).has_text("You have no role here")


class TestTheList:
    def test_without_any_it_says_what_they_are_for_and_where(self, as_):
        page = Html(as_("viewer").get("/tokens/"))

        assert page.has_text("A token is for a program")
        assert page.has_text("http://testserver/api/v1/")

    def test_each_says_what_it_may_and_how_it_stands(self, as_, people):
        token(people["operator"], "importer", "read", "run")
        old, _ = token(people["operator"], "<b>old</b>")
        RevokeToken(people["operator"], old.pk).execute()

        rows = Html(as_("operator").get("/tokens/")).all("tr")[1:]

        assert "<b>old</b>" in rows[0].text
        assert "Revoked" in rows[0].text
        assert "importer" in rows[1].text
        assert "read, start and cancel runs" in rows[1].text
        assert "Works" in rows[1].text

    def test_it_has_no_one_elses(self, as_, people):
        token(people["operator"], "importer")

        assert not Html(as_("viewer").get("/tokens/")).has_text("importer")

    def test_an_admin_finds_everybodys(self, as_, people):
        _, text = token(people["operator"], "importer")

        page = Html(as_("admin").get("/tokens/?whose=all"))

        row = page.all("tr")[1].text
        assert "importer" in row
        assert "operator" in row
        assert text not in row
        for name in ("viewer", "operator", "stranger"):
            assert as_(name).get("/tokens/?whose=all").status_code == 404
            assert not Html(as_(name).get("/tokens/")).has_text("Everybody's")

    def test_older_ones_are_on_the_next_page(self, as_, people, monkeypatch):
        monkeypatch.setattr("workflows.services.token_list.MOST_SHOWN", 2)
        for name in ("Ada", "Bo", "Cy"):
            token(people["viewer"], name)
        browser = as_("admin")

        page = Html(browser.get("/tokens/?whose=all"))
        [link] = [each for each in page.all("a") if each.text == "Older tokens"]
        rest = Html(browser.get("/tokens/" + link.attributes["href"]))

        assert not page.has_text("Ada")
        assert [each.text.strip()[:3] for each in rest.all("tr")[1:]] == ["Ada"]

    @pytest.mark.parametrize("below", ["x", "-1", "9" * 19, "9" * 400, "٣", "1%00"])
    def test_nonsense_for_a_page_breaks_nothing(self, as_, people, below):
        token(people["viewer"])

        assert as_("viewer").get(f"/tokens/?below={below}").status_code == 200

    def test_the_menu_leads_there_for_whoever_has_business(self, as_):
        def leads(name: str) -> bool:
            page = Html(as_(name).get("/preferences/"))
            return bool(page.all("a", href="/tokens/"))

        assert [leads(name) for name in ("stranger", "viewer", "stranger")] == [
            False,
            True,
            False,
        ]


class TestRevoking:
    def test_it_is_asked_first_and_named(self, as_, people):
        row, text = token(people["viewer"], "importer")
        browser = as_("viewer")

        page = Html(browser.get(f"/tokens/{row.pk}/revoke"))

        assert "importer" in page.one("h1").text
        assert person_with(text)
        page.form(f"/tokens/{row.pk}/revoke")
        answer = browser.post(f"/tokens/{row.pk}/revoke", follow=True)
        assert Html(answer).has_text("“importer” is revoked")
        assert person_with(text) is None

    def test_an_admin_goes_back_to_everybodys(self, as_, people):
        row, text = token(people["viewer"])

        answer = as_("admin").post(f"/tokens/{row.pk}/revoke")

        assert answer["Location"] == "/tokens/?whose=all"
        assert person_with(text) is None

    def test_one_that_is_revoked_says_so(self, as_, people):
        row, _ = token(people["viewer"])
        RevokeToken(people["admin"], row.pk).execute()

        page = Html(as_("viewer").get(f"/tokens/{row.pk}/revoke"))

        assert page.has_text("is revoked")
        assert page.has_text("by admin")
        assert not [each for each in page.all("button") if "Revoke" in each.text]

    @pytest.mark.parametrize("number", [0, 999999, 10**30])
    def test_one_that_is_none_is_not_there(self, as_, number):
        assert as_("admin").get(f"/tokens/{number}/revoke").status_code == 404


def test_the_admin_site_shows_neither_text_nor_digest(as_, people):
    row, text = token(people["viewer"], "importer")
    browser = as_("admin")

    for path in ("", f"{row.pk}/change/"):
        page = browser.get(f"/admin/workflows/apitoken/{path}").content.decode()
        assert "importer" in page
        assert text not in page
        assert row.digest not in page


def test_an_account_with_tokens_can_be_deleted_in_the_admin_site(as_, people):
    _, text = token(people["viewer"])
    User.objects.filter(username="admin").update(is_superuser=True)
    browser = as_("admin")
    path = f"/admin/auth/user/{people['viewer'].pk}/delete/"

    assert browser.post(path, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="viewer").exists()
    assert person_with(text) is None
    again, _ = token(people["operator"])
    path = f"/admin/workflows/apitoken/{again.pk}/delete/"
    assert browser.post(path, {"post": "yes"}).status_code == 403
    order = {"action": "delete_selected", "_selected_action": again.pk, "post": "yes"}
    browser.post("/admin/workflows/apitoken/", order)
    assert ApiToken.objects.get() == again


@pytest.mark.parametrize(
    ("public", "here", "address"),
    [
        ("http://127.0.0.1:8000", "testserver", "http://testserver/api/v1/"),
        # A proxy ends https and does not say so.
        ("https://testserver", "testserver", "https://testserver/api/v1/"),
    ],
)
def test_the_address_is_that_by_which_one_came(settings, public, here, address):
    settings.PUBLIC_URL = public

    assert api_address(RequestFactory().get("/tokens/", headers={"Host": here})) == (
        address
    )
