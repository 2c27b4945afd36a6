"""Webhooks in the browser: for admins alone, their secret shown once."""

import pytest
from django.utils import timezone

from tests.local_server import Reply, serve_locally
from tests.web.conftest import Html
from workflows.models import AuditEntry, Delivery, Webhook
from workflows.services.outbound.calling import keep_secret, secret_of
from workflows.services.outbound.signing import new_secret

ACTS = ("", "test", "secret", "again", "remove")


@pytest.fixture
def hook(db):
    return Webhook.objects.create(
        name="Tickets", url="https://hooks.example/a", events='["run.failed"]'
    )


def fields(**more):
    return {
        "name": "Tickets",
        "url": "https://hooks.example/a",
        "events": ["question.asked", "run.failed"],
        "is_active": "1",
        **more,
    }


def test_a_new_one_shows_its_secret_once(as_, letter):
    browser = as_("admin")

    answer = browser.post("/webhooks/new", fields(graphs=["letter"]))

    row = Webhook.objects.get()
    assert (row.events, row.graphs) == (
        '["question.asked", "run.failed"]',
        '["letter"]',
    )
    assert Html(answer).has_text(secret_of(row))
    assert answer["Cache-Control"] == "no-store"
    for path in ("/webhooks/", f"/webhooks/{row.pk}/"):
        assert secret_of(row) not in browser.get(path).content.decode()
    assert secret_of(row) not in str(list(AuditEntry.objects.values()))


def test_a_new_secret_is_shown_and_until_when_the_old_one_is_valid(as_, hook):
    keep_secret(hook, new_secret())
    hook.save()

    answer = as_("admin").post(f"/webhooks/{hook.pk}/secret")

    hook.refresh_from_db()
    day = f"{timezone.localtime(hook.old_secret_until):%H:%M}"
    assert Html(answer).has_text(secret_of(hook))
    assert Html(answer).has_text(f"{day} calls are signed with the secret before it")
    page = Html(as_("admin").get(f"/webhooks/{hook.pk}/"))
    assert page.has_text(f"{day} calls are signed with the secret before this one")
    assert AuditEntry.objects.filter(action="webhook.secret").exists()


def test_a_secret_that_others_know_ends_at_once(as_, hook):
    keep_secret(hook, new_secret())
    hook.save()

    answer = as_("admin").post(f"/webhooks/{hook.pk}/secret", {"at_once": "1"})

    hook.refresh_from_db()
    assert (hook.old_secret, hook.old_secret_until) == ("", None)
    assert not Html(answer).has_text("calls are signed with the secret before it")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"url": "ftp://hooks.example/"}, "only http and https"),
        ({"url": "http://hooks.example/"}, "only https"),
        ({"url": "https://me:pw@hooks.example/"}, "user or password"),
        ({"url": "javascript:alert(1)"}, "only http and https"),
        ({"url": ""}, "give its address"),
        ({"url": "https://x.example/" + "x" * 500}, "at most 500"),
        ({"name": "  "}, "give it a name"),
        ({"name": "a\0b"}, "give it a name"),
        ({"name": "x" * 81}, "at most 80"),
        ({"events": []}, "choose at least one"),
        ({"events": ["all"]}, "only question.asked"),
        ({"graphs": ["none"]}, "no workflow is called none"),
    ],
)
def test_nonsense_is_named_at_its_field_and_what_was_typed_stays(as_, change, text):
    answer = as_("admin").post("/webhooks/new", fields(**change))

    page = Html(answer)
    assert answer.status_code == 400
    assert page.has_text(text)
    typed = fields(**change)["url"]
    assert page.one("input", name="url").attributes["value"] == typed
    assert not Webhook.objects.exists()


def test_a_change_is_saved(as_, hook):
    answer = as_("admin").post(
        f"/webhooks/{hook.pk}/", {**fields(name="New"), "version": "1"}
    )

    hook.refresh_from_db()
    assert answer.status_code == 303
    assert (hook.name, hook.version) == ("New", 2)


def test_who_was_slower_is_told_and_loses_nothing(as_, hook):
    Webhook.objects.update(version=2, name="Faster")

    answer = as_("admin").post(
        f"/webhooks/{hook.pk}/", {**fields(name="Slower"), "version": "1"}
    )

    page = Html(answer)
    assert answer.status_code == 409
    assert page.has_text("Somebody has changed this webhook")
    assert page.one("input", name="name").attributes["value"] == "Slower"
    assert page.one("input", name="version").attributes["value"] == "2"
    hook.refresh_from_db()
    assert hook.name == "Faster"


def test_the_test_button_tells_the_status_and_nothing_else(as_, hook, settings):
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    browser = as_("admin")
    browser.post(f"/webhooks/{hook.pk}/secret")
    with serve_locally() as server:
        server.pages["/a"] = Reply(b"inner workings", status=418)
        Webhook.objects.update(url=server.url + "/a")

        page = Html(browser.post(f"/webhooks/{hook.pk}/test", follow=True))

        assert b'"type":"test"' in server.posted[0].body
    assert page.has_text("The test did not arrive: answered 418")
    assert not page.has_text("inner workings")


def test_the_test_button_does_not_look_into_the_network(as_, hook):
    Webhook.objects.update(url="https://127.0.0.1:9/")

    page = Html(as_("admin").post(f"/webhooks/{hook.pk}/test", follow=True))

    assert page.has_text("127.0.0.1 is 127.0.0.1, which is not a public address")


def test_calls_are_listed_and_sent_again(as_, hook, db):
    Delivery.objects.create(
        channel="webhook",
        kind="run.failed",
        webhook=hook,
        status="dead",
        attempts=8,
        last_error="answered 500: <b>not</b> accepted",
        next_at="2026-01-01T00:00Z",
    )
    browser = as_("admin")
    page = Html(browser.get(f"/webhooks/{hook.pk}/"))
    assert page.has_text("given up after 8 tries: answered 500: <b>not</b> accepted")

    page = Html(browser.post(f"/webhooks/{hook.pk}/again", follow=True))

    assert page.has_text("1 call will be sent again")
    assert Delivery.objects.get().status == "pending"


def test_it_is_removed(as_, hook):
    as_("admin").post(f"/webhooks/{hook.pk}/remove")

    assert not Webhook.objects.exists()
    assert AuditEntry.objects.get(action="webhook.removed").person_name == "admin"


@pytest.mark.parametrize("name", ["stranger", "viewer", "reviewer", "operator"])
@pytest.mark.parametrize("act", ACTS)
def test_to_all_but_admins_there_are_none(as_, hook, name, act):
    answer = as_(name).post(f"/webhooks/{hook.pk}/{act}", fields(version="1"))

    assert answer.status_code == 404
    hook.refresh_from_db()
    assert (hook.name, hook.version, hook.secret) == ("Tickets", 1, "")


@pytest.mark.parametrize("act", ACTS)
def test_only_by_a_form_of_this_site(as_, hook, act):
    browser = as_("admin", enforce_csrf_checks=True)
    assert browser.post(f"/webhooks/{hook.pk}/{act}").status_code == 403
    if act:
        assert browser.get(f"/webhooks/{hook.pk}/{act}").status_code == 405
