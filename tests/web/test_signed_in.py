"""Who is signed in is asked of the database on every request."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from workflows.web.signed_in import Backend

PAGE = "/preferences/"


def is_in(browser: Client) -> bool:
    answer = browser.get(PAGE)
    assert answer.status_code == 200 or answer["Location"].startswith("/login/")
    return answer.status_code == 200


@pytest.fixture
def browser(as_) -> Client:
    browser = as_("viewer")
    assert is_in(browser)
    return browser


def test_a_session_ends_at_its_time(browser):
    Session.objects.update(expire_date=timezone.now() + timedelta(seconds=60))
    assert is_in(browser)

    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_in(browser)


def test_a_session_that_is_gone_lets_nobody_in(browser):
    Session.objects.all().delete()

    assert not is_in(browser)


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_whoever_is_deactivated_or_has_another_password_is_out_at_once(
    browser, people, change
):
    type(people["viewer"]).objects.filter(username="viewer").update(**change)

    assert not is_in(browser)


def test_whoever_is_removed_is_out(browser, people):
    people["viewer"].delete()

    assert not is_in(browser)


@pytest.mark.parametrize(
    "key", ["", "short", "x" * 5_000, "no-such-key-" * 3, "caf\xe9" * 9]
)
def test_a_cookie_of_nonsense_lets_nobody_in(db, key):
    browser = Client()
    browser.cookies["sessionid"] = key

    assert not is_in(browser)


def test_a_name_and_a_password_sign_in(people, client):
    people["viewer"].set_password("open sesame")
    people["viewer"].save()
    form = {"username": "viewer", "password": "open sesame"}

    client.post("/login/", form)

    assert is_in(client)
    assert not client.login(**form | {"password": "wrong"})


def test_nobody_has_the_number_of_nobody(people):
    assert Backend().get_user(0) is None
    assert Backend().get_user(people["viewer"].pk) == people["viewer"]
