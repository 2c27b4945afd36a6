"""The shop with durableweb inside: cards on its pages, and its pages left alone."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError

from durableweb import durable
from tests.host.orders.models import Order
from workflows.models import Decision, Interrupt, Run
from workflows.services.execute_run import execute_run
from workflows.services.tokens import MakeToken
from workflows.storage.clock import database_now

OURS = ("/desk/", "/static/", "/admin/")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(people, settings):
    settings.UNDO_SECONDS = 60
    order = Order.objects.create(customer="Carl", amount=1250)
    durable.start(
        "refund",
        {"order": order.pk, "amount": order.amount},
        thread_id=order.refund_thread,
    )
    work()
    return order


def work():
    """Carry out what is due, as a worker would."""
    for run in Run.objects.filter(status=Run.Status.PENDING):
        Run.objects.filter(pk=run.pk).update(due_at=database_now())
        execute_run(run.pk)


def page(client, order):
    return client.get(f"/shop/orders/{order.pk}/").content.decode()


def fields(html):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def test_the_card_stands_on_the_hosts_own_page(client, people, order):
    client.force_login(people["rita"])
    html = page(client, order)

    assert 'id="the-shop"' in html
    assert "Refund 1250 cents" in html
    assert 'value="approve"' in html


@pytest.mark.parametrize("name", ["sam", "carl", ""])
def test_who_may_not_see_the_question_sees_no_card(client, people, order, name):
    if name:
        client.force_login(people[name])
    html = page(client, order)

    assert 'id="the-shop"' in html
    assert "dw-card" not in html
    assert "cents" not in html.split("Refunded")[1]


def test_a_thread_that_is_not_there_draws_nothing(client, people):
    client.force_login(people["rita"])
    other = Order.objects.create(customer="Nobody", amount=1)

    assert "dw-card" not in page(client, other)


def test_a_decision_there_leads_back_there_and_books_the_hosts_row(
    client, people, order
):
    client.force_login(people["rita"])
    sent = fields(page(client, order)) | {"kind": "approve"}
    number = Interrupt.objects.get().pk
    answer = client.post(f"/desk/embed/{number}/decision", sent)

    assert (answer.status_code, answer["Location"]) == (
        303,
        f"/shop/orders/{order.pk}/",
    )
    assert Decision.objects.get().person == people["rita"]
    html = page(client, order)
    assert f"Take #{number} back" in html
    assert "rita" in html
    work()
    order.refresh_from_db()
    assert order.refunded == 1250


def test_it_can_be_taken_back_from_there(client, people, order):
    client.force_login(people["rita"])
    number = Interrupt.objects.get().pk
    sent = fields(page(client, order)) | {"kind": "reject", "reject_reason": "no"}
    client.post(f"/desk/embed/{number}/decision", sent)
    html = page(client, order)
    action = re.search(r'action="(/desk/embed/decisions/\d+/undo)"', html)[1]
    answer = client.post(action, fields(html))

    assert answer["Location"] == f"/shop/orders/{order.pk}/"
    assert 'value="approve"' in page(client, order)


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil"])
def test_it_leads_back_to_this_site_only(client, people, order, back):
    client.force_login(people["rita"])
    sent = fields(page(client, order)) | {"kind": "approve", "back": back}
    answer = client.post(f"/desk/embed/{Interrupt.objects.get().pk}/decision", sent)

    assert answer["Location"].startswith("/desk/")


def test_who_is_second_sees_who_was_first(client, people, order):
    client.force_login(people["rita"])
    sent = fields(page(client, order)) | {"kind": "approve"}
    number = Interrupt.objects.get().pk
    client.post(f"/desk/embed/{number}/decision", sent)
    late = client.post(f"/desk/embed/{number}/decision", sent | {"key": "another"})

    assert late.status_code == 409
    assert "rita" in late.content.decode()


def test_the_staff_of_the_shop_decides_nothing_by_being_staff(client, people, order):
    client.force_login(people["sam"])
    number = Interrupt.objects.get().pk
    answer = client.post(f"/desk/embed/{number}/decision", {"kind": "approve"})

    assert answer.status_code == 404
    assert not Decision.objects.exists()


def test_the_card_stands_in_the_hosts_admin(client, people, order):
    for person in (people["rita"], people["sam"]):
        person.user_permissions.add(
            *Permission.objects.filter(content_type__app_label="orders")
        )
    address = f"/admin/orders/order/{order.pk}/change/"
    client.force_login(people["rita"])
    html = client.get(address).content.decode()
    assert "dw-card" in html
    # No form inside the form of the object.
    assert html.index("dw-card") < html.index('id="order_form"')
    client.force_login(people["sam"])
    assert "dw-card" not in client.get(address).content.decode()


def test_the_hosts_pages_stay_as_open_as_they_were(client, db):
    answer = client.get("/")

    assert answer.status_code == 200
    assert not answer.has_header("Content-Security-Policy")


def test_our_pages_ask_for_the_hosts_log_in(client, order):
    answer = client.get("/desk/queue/")

    assert answer.status_code == 302
    assert answer["Location"] == "/shop/log-in/?next=/desk/queue/"


def test_our_pages_keep_their_own_frame_and_headers(client, people, order):
    client.force_login(people["rita"])
    answer = client.get("/desk/queue/")
    html = answer.content.decode()

    assert 'class="rail"' in html
    assert 'id="the-shop"' not in html
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    # Every link of ours stays below the address where the host has put us.
    links = set(re.findall(r'(?:href|action)="(/[^"]*)"', html))
    assert not [link for link in links if not link.startswith(OURS)]


def test_a_hidden_question_is_missing_here_too(client, people, order):
    client.force_login(people["carl"])

    assert client.get(f"/desk/review/{Interrupt.objects.get().pk}/").status_code == 404
    assert client.get("/desk/review/999/").status_code == 404


class TestPrograms:
    """The API hangs in the host's urls without middleware of ours."""

    def ask(self, client, token):
        return client.get(
            "/desk/api/v1/me", headers={"Authorization": f"Bearer {token}"}
        )

    def test_a_token_opens_it_and_nothing_is_cached(self, client, people, order):
        _, text = MakeToken(people["rita"], "till", frozenset({"read"})).execute()

        answer = self.ask(client, text)

        assert answer.json()["username"] == "rita"
        assert "private" in answer.headers["Cache-Control"]
        assert "Authorization" in answer.headers["Vary"]
        assert self.ask(client, "dw_none").status_code == 401

    def test_a_database_that_is_away_is_a_503(self, client, people, monkeypatch):
        def lost(text):
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr("workflows.api.door.person_with", lost)
        answer = self.ask(client, "dw_any")

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "5"
