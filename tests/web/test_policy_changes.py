"""A policy that is changed: whom it would leave alone, its versions, who may, and what holds then."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.http import QueryDict

from tests.web.conftest import Html, ask
from tests.web.policy_editing import crew, opened, post, sent
from workflows.models import AuditEntry, Policy

__all__ = ["crew"]


class TestNobodyLeft:
    """A rule that would leave a question without enough people is refused, with the case."""

    def refused(self, as_, **fields):
        answer = post(as_("admin"), sent(opened(as_("admin")), **fields))
        assert answer.status_code == 400
        # Nothing of it is left behind.
        assert not Policy.objects.exists()
        assert not AuditEntry.objects.filter(action="policy.changed").exists()
        return Html(answer)

    def test_more_approvals_than_people(self, as_, letter):
        page = self.refused(as_, **{"p.quorum": "4"})

        assert page.has_text("a new question of Letter needs 4 approvals, and only")

    def test_an_open_question_is_named(self, as_, people, thread):
        question = ask(thread, "Send it?", assignee=people["viewer"])

        page = self.refused(as_, **{"p.quorum": "2"})

        assert page.has_text(f"no one could decide question #{question.pk} “Send it?”")

    def test_four_eyes_where_one_of_few_may_start(self, as_, people, letter):
        User.objects.filter(username__in=("eve", "fay")).delete()
        people["reviewer"].groups.add(Group.objects.get(name="operator"))

        page = self.refused(as_, **{"p.four_eyes": "true"})

        assert page.has_text("that reviewer started")

    def test_given_to_a_group_that_may_not_decide(self, as_, letter):
        page = self.refused(as_, **{"p.assign_group": '"viewer"'})

        assert page.has_text("no one could decide a new question of Letter")

    def test_what_has_nothing_to_do_with_people_is_not_refused(self, as_, letter):
        User.objects.filter(groups__name="reviewer").delete()

        form = sent(opened(as_("admin")), **{"p.due.n": "1"})

        assert post(as_("admin"), form).status_code == 303


class TestVersions:
    @pytest.fixture(autouse=True)
    def versions(self, people, letter):
        for version, body in enumerate(('{"quorum": 2}', '{"quorum": 3}', "{}"), 1):
            Policy.objects.create(
                graph="letter",
                version=version,
                body=body,
                is_active=body != "{}",
                reason=f"reason {version}",
                created_by=people["admin"],
            )

    def test_each_tells_who_why_and_what_changed(self, as_):
        page = opened(as_("viewer"))

        (listed,) = [o for o in page.all("ol") if "Version 3" in o.text]
        text = " ".join(listed.text.split())
        assert "Version 2" in text
        assert "by admin" in text
        assert "“reason 2”" in text
        assert "Approvals needed before: 2 people after: 3 people" in text
        assert "not said any more" in text

    def test_there_is_a_way_back(self, as_):
        client = as_("admin")
        page = opened(client)
        (back,) = [a for a in page.all("a") if "version 1" in a.text]

        old = Html(client.get(back.attributes["href"]))
        assert old.one("input", id="policy-quorum").attributes["value"] == "2"
        assert post(client, sent(old, reason="it was better")).status_code == 303

        newest = Policy.objects.order_by("-version").first()
        assert (newest.version, json.loads(newest.body)) == (4, {"quorum": 2})

    def test_a_version_that_never_was(self, as_):
        answer = as_("admin").get("/policies/edit?workflow=letter&from=9")

        assert answer.status_code == 404

    def test_one_out_of_force_is_found_again(self, as_):
        page = Html(as_("viewer").get("/policies/"))

        assert page.has_text("Out of force")


def test_the_simulator_says_who_may_decide_and_who_says_so(as_, people, thread):
    question = ask(thread, "Send it?", assignee=people["reviewer"])
    Policy.objects.create(graph="letter", body='{"due": 3600, "remind": [60]}')
    question.due_at = question.asked_at + timedelta(hours=1)
    question.save()

    page = Html(as_("viewer").get(f"/policies/?question=%23{question.pk}"))

    cells = [c.text for c in page.all("td") + page.all("th")]
    assert {"Due after", "1 hour", "policy letter/* v1"} <= set(cells)
    said = dict(
        zip(
            (each.text for each in page.all("dt")),
            (each.text for each in page.all("dd")),
            strict=True,
        )
    )
    assert said["May decide"] == "reviewer"
    assert said["Told"] == "reviewer"
    assert said["You"].startswith("Only reviewers")


def test_whoever_may_not_change_it_sees_it_locked(as_, letter):
    page = opened(as_("viewer"))

    (rules,) = [f for f in page.all("fieldset") if "policy-all" in str(f.attributes)]
    assert "disabled" in rules.attributes
    answer = post(
        as_("viewer"), QueryDict("workflow=letter&version=0&p.quorum=2").dict()
    )
    assert answer.status_code == 403
    assert not Policy.objects.exists()


def test_the_channels_have_their_tests_beside(as_, people):
    people["admin"].email = "admin@example.org"
    people["admin"].save()

    assert Html(as_("admin").get("/policies/")).all("form", action="/notices/mail/test")
