"""The sheet of a bulk decision, the order it gives, and the page on which that is followed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask
from workflows.models import (
    BulkItem,
    BulkOrder,
    Decision,
    Interrupt,
    Policy,
    Run,
    Thread,
)
from workflows.services.desk import bulk_workflow
from workflows.services.execute_run import execute_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bills(thread):
    bulk_workflow.offer()
    made = []
    for at in range(3):
        own = Thread.objects.create(
            id=f"bill-{at}", graph="letter", title=f"Bill {at}", status="interrupted"
        )
        made.append(ask(own, {"title": f"Pay {at}?", "amount": 10 + at, "to": "Ada"}))
    return made


@pytest.fixture
def secret(other_thread):
    return ask(other_thread, "Pay the boss a million?")


def choice(rows, **more):
    return {"item": [row.pk for row in rows]} | more


def form_of(page):
    """What the form of the sheet sends of its own accord."""
    form = page.form("/bulk/order")
    return {
        e.attributes["name"]: e.attributes.get("value", "")
        for e in page.all("input")
        if form in e.parents
        and e.attributes.get("type") not in {"checkbox", "radio"}
        and e.attributes["name"] != "csrfmiddlewaretoken"
    }


def give(client, rows, **fields):
    sheet = Html(client.get("/bulk/", choice(rows)))
    return client.post("/bulk/order", form_of(sheet) | {"kind": "approve"} | fields)


def carry_out(order):
    for run in Run.objects.filter(thread=order.thread, status="pending"):
        execute_run(run.pk)


class TestSheet:
    def test_it_says_what_is_equal_and_what_differs(self, as_, bills):
        page = Html(as_("reviewer").get("/bulk/", choice(bills)))

        assert page.has_text("3 chosen: 3 can be decided")
        assert page.has_text("amount 3 10 to 12")
        assert page.has_text("1 field the same everywhere")
        assert page.one("input", name="shown").attributes["value"].count(".") == 6

    def test_all_of_a_view(self, as_, bills):
        Interrupt.objects.filter(pk=bills[0].pk).update(node="later")

        page = Html(as_("reviewer").get("/bulk/?all=1&node=ask"))

        assert page.has_text("2 chosen (all of this view of the queue)")

    def test_a_long_choice_is_sent_by_post_and_changes_nothing(self, as_, bills):
        page = Html(as_("reviewer").post("/bulk/", choice(bills)))

        assert page.has_text("3 can be decided")
        assert not BulkOrder.objects.exists()

    def test_hidden_and_missing_ones_are_only_counted(self, as_, bills, secret):
        client = as_("reviewer")
        answer = client.get(
            "/bulk/", {"item": [*(b.pk for b in bills), secret.pk, "999999", "x"]}
        )
        page = Html(answer)

        assert page.has_text("3 are not there, or not for you to see.")
        assert not page.has_text("million")
        one = Html(client.get("/bulk/", {"item": secret.pk}))
        other = Html(client.get("/bulk/", {"item": "888888"}))
        assert one.text("main") == other.text("main")

    def test_nothing_left(self, as_, bills):
        page = Html(as_("viewer").get("/bulk/", choice(bills)))

        assert page.has_text("Nothing left after exclusions")
        assert page.has_text("Only reviewers of this workflow may decide it.")
        assert not page.all("form", action="/bulk/order")

    def test_a_claim_is_told_with_its_holder(self, as_, people, bills):
        Interrupt.objects.filter(pk=bills[0].pk).update(
            claimed_by=people["admin"],
            claimed_until=timezone.now() + timedelta(minutes=5),
        )

        page = Html(as_("reviewer").get("/bulk/", choice(bills)))

        assert page.has_text("Somebody else is at work on them")
        assert page.has_text("Claimed by admin until")

    def test_too_many(self, as_, bills, settings):
        settings.BULK_MOST = 2

        answer = as_("reviewer").get("/bulk/?all=1")

        assert answer.status_code == 400
        assert Html(answer).has_text("one order takes at most 2")

    def test_groups_are_chosen_between(self, as_, bills):
        other = ask(bills[0].thread, "Launch?")
        Interrupt.objects.filter(pk=other.pk).update(node="launch")
        client = as_("reviewer")
        page = Html(client.get("/bulk/", choice([*bills, other])))
        [large, small] = page.all("button", name="g")
        assert not page.all("form", action="/bulk/order")

        page = Html(
            client.get("/bulk/", choice([*bills, other], g=small.attributes["value"]))
        )

        assert page.has_text("Launch?")
        assert page.one("input", name="shown").attributes["value"] == f"{other.pk}.1.1"
        assert large.text.split()[0] == "3"

    def test_markup_of_a_workflow_stays_text(self, as_, bills):
        bad = "<script>alert(1)</script>"
        for at in (0, 1):
            Interrupt.objects.filter(pk=bills[at].pk).update(
                title=bad, value=f'{{"title":"{bad}","{bad}":"{bad}{at}"}}'
            )

        content = as_("reviewer").get("/bulk/", choice(bills[:2])).content.decode()

        assert "alert(1)" in content
        assert "<script>alert" not in content

    @pytest.mark.parametrize(
        "query",
        [
            "item=-1",
            "item=1e9",
            "item=%00",
            "item=" + "9" * 30,
            "items=1 2 x",
            "all=1&f=payload.amount+%3E+many&sort=no&g=%00&edit=%00",
            "all=1&g=" + "x" * 5000,
        ],
    )
    def test_nonsense_is_no_fault(self, as_, bills, query):
        assert as_("reviewer").get(f"/bulk/?{query}").status_code == 200


class TestOrder:
    def test_it_leads_to_its_page_and_is_carried_out(self, as_, bills):
        client = as_("reviewer")

        answer = give(client, bills)

        order = BulkOrder.objects.get()
        assert (answer.status_code, answer["Location"]) == (303, f"/bulk/{order.pk}/")
        page = Html(client.get(answer["Location"]))
        assert page.has_text("0 of 3 looked at")
        assert page.has_text("Waits for a worker")
        live = page.one("div", id="bulk-progress")
        assert live.attributes["hx-get"] == f"/bulk/{order.pk}/"

        carry_out(order)
        page = Html(client.get(answer["Location"]))
        assert page.has_text("3 of 3 looked at")
        assert page.has_text("Finished")
        assert Decision.objects.count() == 3

    def test_what_was_typed_survives_a_fault(self, as_, bills, settings):
        settings.BULK_CONFIRM_ABOVE = 1
        answer = give(
            as_("reviewer"),
            bills,
            kind="reject",
            reason="much too late",
            confirm="33",
            out=str(bills[1].pk),
            edit="amount",
            **{f"v{bills[0].pk}": "77"},
        )

        page = Html(answer)
        assert answer.status_code == 400
        assert page.has_text("You typed 33, but 2 would be decided.")
        assert page.has_text("much too late")
        assert page.one("input", name=f"v{bills[0].pk}").attributes["value"] == "77"
        ticked = [e for e in page.all("input", name="out") if "checked" in e.attributes]
        assert [e.attributes["value"] for e in ticked] == [str(bills[1].pk)]
        assert not BulkOrder.objects.exists()

    def test_a_value_that_does_not_fit_is_marked_at_its_field(self, as_, bills):
        number = bills[2].pk
        answer = give(as_("reviewer"), bills, edit="amount", **{f"v{number}": "lots"})

        page = Html(answer)
        assert answer.status_code == 400
        box = page.one("input", name=f"v{number}")
        assert box.attributes["aria-invalid"] == "true"
        assert page.one("p", id=f"bulk-v{number}-error").text == (
            "It takes a whole number."
        )

    def test_what_was_answered_meanwhile_is_a_conflict(self, as_, bills):
        client = as_("reviewer")
        sheet = Html(client.get("/bulk/", choice(bills)))
        Interrupt.objects.update(status="withdrawn")

        answer = client.post(
            "/bulk/order", form_of(sheet) | {"kind": "reject", "reason": "no"}
        )

        assert answer.status_code == 409
        page = Html(answer)
        assert page.has_text("Nothing is left of this choice")
        assert page.has_text("Nothing left after exclusions")

    def test_a_nul_is_refused(self, as_, bills):
        answer = give(as_("reviewer"), bills, kind="reject", reason="a\0b")

        assert answer.status_code == 400
        assert not BulkOrder.objects.exists()

    @pytest.mark.parametrize(
        "shown", ["", "x", "1.1", "999999.1.1", "1.1.1 " * 3, "\0", "1.1.-1"]
    )
    def test_a_made_up_choice_decides_nothing(self, as_, bills, shown):
        answer = as_("reviewer").post(
            "/bulk/order", {"shown": shown, "kind": "approve", "g": "x"}
        )

        assert answer.status_code == 409
        assert not BulkOrder.objects.exists()

    def test_the_same_form_twice_is_one_order(self, as_, bills):
        client = as_("reviewer")
        fields = form_of(Html(client.get("/bulk/", choice(bills)))) | {
            "kind": "approve"
        }

        answers = [client.post("/bulk/order", fields) for _ in range(2)]

        assert {answer["Location"] for answer in answers} == {
            f"/bulk/{BulkOrder.objects.get().pk}/"
        }

    def test_a_form_of_another_site_orders_nothing(self, as_, bills):
        client = as_("reviewer", enforce_csrf_checks=True)

        for path in ("/bulk/order", "/bulk/", "/bulk/1/stop", "/bulk/1/undo"):
            assert client.post(path, {"kind": "approve"}).status_code == 403


class TestProgress:
    @pytest.fixture
    def order(self, as_, bills):
        give(as_("reviewer"), bills)
        return BulkOrder.objects.get()

    def test_htmx_gets_the_changing_part_alone(self, as_, order):
        answer = as_("reviewer").get(
            f"/bulk/{order.pk}/", headers={"HX-Request": "true"}
        )

        assert answer.content.decode().startswith('<div id="bulk-progress"')

    def test_a_refused_one_says_why_and_can_be_tried_again(self, as_, order, bills):
        client = as_("reviewer")
        claimed = Interrupt.objects.filter(pk=bills[0].pk)
        claimed.update(
            claimed_by=as_("admin").session["_auth_user_id"],
            claimed_until=timezone.now() + timedelta(minutes=5),
        )
        carry_out(order)

        page = Html(client.get(f"/bulk/{order.pk}/?state=refused"))
        assert page.has_text("is claimed by admin until")
        assert len(page.all("a", **{"class": "row-link"})) == 1

        claimed.update(claimed_by=None)
        client.post(f"/bulk/{order.pk}/retry")
        carry_out(order)
        assert {i.state for i in BulkItem.objects.all()} == {"done"}

    def test_stop_and_take_back(self, as_, order):
        Policy.objects.create(body='{"undo": 60}')
        client = as_("reviewer")
        carry_out(order)
        page = Html(client.get(f"/bulk/{order.pk}/"))
        assert page.has_text("Take back 3")

        client.post(f"/bulk/{order.pk}/undo")
        carry_out(order)

        page = Html(client.get(f"/bulk/{order.pk}/"))
        assert page.has_text("3 taken back")
        again = Html(client.post(f"/bulk/{order.pk}/undo", follow=True))
        assert again.has_text("can be taken back any more")

    @pytest.mark.parametrize("act", ["", "stop", "retry", "undo"])
    @pytest.mark.parametrize(
        ("name", "status"),
        [("viewer", 404), ("stranger", 404), ("reviewer", 303)],
    )
    def test_who_may(self, as_, order, act, name, status):
        client = as_(name)
        path = f"/bulk/{order.pk}/{act}"

        found = client.post(path) if act else client.get(path)

        assert found.status_code == (200 if status == 303 and not act else status)

    @pytest.mark.parametrize("act", ["retry", "undo"])
    @pytest.mark.parametrize("name", ["operator", "admin"])
    def test_others_may_look_and_stop_only(self, as_, order, act, name):
        client = as_(name)

        assert client.post(f"/bulk/{order.pk}/{act}").status_code == 403
        assert client.get(f"/bulk/{order.pk}/").status_code == 200
        assert client.post(f"/bulk/{order.pk}/stop").status_code == 303

    @pytest.mark.parametrize("act", ["order", "1/stop", "1/retry", "1/undo"])
    def test_a_link_does_nothing(self, as_, order, act):
        answer = as_("reviewer").get(f"/bulk/{act}")
        assert answer.status_code == 405
        assert answer["Allow"] == "POST"
        assert Html(answer).has_text("cannot be opened by itself")

    def test_the_run_is_for_operators_the_list_for_its_owner(self, as_, order):
        assert Html(as_("operator").get("/runs/")).has_text("Bulk decision")
        assert not Html(as_("reviewer").get("/runs/")).has_text("Bulk decision")
        assert as_("reviewer").get(f"/threads/{order.thread}/").status_code == 404
        assert Html(as_("reviewer").get("/bulk/")).has_text("Approve 3")
        assert Html(as_("viewer").get("/bulk/")).has_text("No bulk order yet")
