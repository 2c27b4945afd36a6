"""The page of notices: what is new, and how else one hears of it."""

import pytest

from tests.web.conftest import Html, ask
from workflows.models import Delivery, Notice
from workflows.services.outbound.choices import choices_of


@pytest.fixture
def question(thread):
    return ask(thread)


def notice(person, question, text="look"):
    return Notice.objects.create(
        person=person,
        kind="mention",
        text=text,
        url=f"/review/{question.pk}/",
        interrupt=question,
    )


class TestNew:
    """What the browser's own notifications are made of."""

    def test_the_first_look_shows_nothing_old(self, as_, people, question):
        last = notice(people["reviewer"], question)

        answer = as_("reviewer").get("/notices/new")

        assert answer.json() == {"last": last.pk, "items": []}

    def test_then_what_came_since_and_is_not_read(self, as_, people, question):
        before = notice(people["reviewer"], question)
        notice(people["admin"], question, "for another")
        new = notice(people["reviewer"], question, "<b>new</b>")

        found = as_("reviewer").get("/notices/new", {"after": before.pk}).json()

        assert found["last"] == new.pk
        assert found["items"] == [
            {"number": new.pk, "text": "<b>new</b>", "url": f"/review/{question.pk}/"}
        ]

    def test_a_flood_is_cut(self, as_, people, question):
        for number in range(9):
            notice(people["reviewer"], question, f"n{number}")

        found = as_("reviewer").get("/notices/new?after=0").json()

        assert [each["text"] for each in found["items"]] == [
            "n4",
            "n5",
            "n6",
            "n7",
            "n8",
        ]

    @pytest.mark.parametrize("after", ["x", "-1", "1" * 30, "\0"])
    def test_nonsense_is_no_number(self, as_, people, question, after):
        answer = as_("reviewer").get("/notices/new", {"after": after})

        assert answer.json() == {"last": 0, "items": []}


class TestMails:
    def test_the_choice_is_kept_and_shown(self, as_, people):
        browser = as_("reviewer")

        browser.post("/notices/mail", {"kinds": ["asked", "mention"], "links": "1"})

        found = choices_of(people["reviewer"])
        assert (found.kinds, found.links) == (frozenset({"asked", "mention"}), True)
        page = Html(browser.get("/notices/"))
        shown = {
            e.attributes["value"]: "checked" in e.attributes
            for e in page.all("input", name="kinds")
        }
        assert shown == {
            "asked": True,
            "reminder": False,
            "escalation": False,
            "mention": True,
        }

    def test_nothing_chosen_is_nothing(self, as_, people):
        as_("reviewer").post("/notices/mail", {})

        assert choices_of(people["reviewer"]).kinds == frozenset()

    def test_what_does_not_exist_is_refused(self, as_, people):
        answer = as_("reviewer").post("/notices/mail", {"kinds": ["all"]})

        assert answer.status_code == 400

    def test_a_test_mail_needs_an_address(self, as_, people):
        page = Html(as_("reviewer").post("/notices/mail/test", follow=True))
        assert page.has_text("There is no mail address in your account")
        assert not Delivery.objects.exists()

        people["reviewer"].email = "r@example.org"
        people["reviewer"].save()
        page = Html(as_("reviewer").post("/notices/mail/test", follow=True))
        assert page.has_text("A test mail is on its way")
        assert page.has_text("To r@example.org")
        assert Delivery.objects.get().person == people["reviewer"]

    @pytest.mark.parametrize("path", ["/notices/mail", "/notices/mail/test"])
    def test_only_by_a_form_of_this_site(self, as_, path):
        assert as_("reviewer").get(path).status_code == 405
        browser = as_("reviewer", enforce_csrf_checks=True)
        assert browser.post(path).status_code == 403
