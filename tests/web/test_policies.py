"""Policies in the browser, and notices."""

import json

import pytest
from django.contrib.auth.models import Group, User

from tests.web.conftest import Html, ask
from workflows.models import AuditEntry, Notice, Policy


@pytest.fixture(autouse=True)
def crew(people):
    """More people who answer questions, so that a quorum of three leaves enough."""
    reviewers = Group.objects.get(name="reviewer")
    for name in ("eve", "fay", "gus"):
        User.objects.create_user(name).groups.add(reviewers)


def put(client, body, **more):
    form = {"workflow": "letter", "node": "", "version": "0", "body": body, **more}
    return client.post("/policies/edit", form, follow=True)


class TestChanging:
    def test_an_admin_puts_the_next_version_into_force(self, as_, letter):
        put(as_("admin"), '{"quorum": 2}', reason="two pairs of eyes")
        page = Html(put(as_("admin"), '{"quorum": 3}', version="1"))

        assert page.has_text("in force from now on")
        assert page.has_text("Approvals needed")
        assert [p.version for p in Policy.objects.order_by("id")] == [1, 2]
        changes = AuditEntry.objects.filter(action="policy.changed")
        assert json.loads(changes.earliest("id").data)["reason"] == "two pairs of eyes"
        page = Html(as_("viewer").get("/policies/edit?workflow=letter"))
        assert page.has_text("two pairs of eyes")

    def test_an_empty_one_takes_it_out_of_force(self, as_, letter):
        put(as_("admin"), '{"quorum": 2}')
        page = Html(put(as_("admin"), "{}", version="1"))

        assert page.has_text("No policies")

    @pytest.mark.parametrize(
        ("name", "status"),
        [("viewer", 403), ("reviewer", 403), ("operator", 403), ("stranger", 404)],
    )
    def test_nobody_else_may(self, as_, letter, name, status):
        assert put(as_(name), '{"quorum": 2}').status_code == status
        assert not Policy.objects.exists()

    def test_whoever_was_slower_is_told_and_loses_nothing(self, as_, letter):
        put(as_("admin"), '{"quorum": 2}')

        answer = put(as_("admin"), '{"quorum": 5}')

        assert answer.status_code == 409
        assert Html(answer).has_text("Somebody has changed this policy")
        assert '"quorum": 5' in Html(answer).one("textarea", name="body").text

    @pytest.mark.parametrize(
        ("body", "word"),
        [
            ('{"quorums": 2}', "quorums"),
            ('{"quorum": "two"}', "quorum"),
            ("[1]", "an object"),
            ("{", "JSON"),
            ('{"quorum": 2, "quorum": 3}', "quorum"),
            ('{"decide_groups": ["ghosts"]}', "ghosts"),
            ('{"assign_group": "ghosts"}', "ghosts"),
        ],
    )
    def test_what_cannot_be_is_refused_by_name(self, as_, letter, body, word):
        answer = put(as_("admin"), body)

        assert answer.status_code == 400
        assert Html(answer).has_text(word)
        assert not Policy.objects.exists()

    def test_a_rule_that_leaves_nobody_is_refused(self, as_, letter):
        Group.objects.create(name="finance")

        answer = put(as_("admin"), '{"decide_groups": ["finance"]}')

        assert answer.status_code == 400
        assert Html(answer).has_text("no one could decide")

    def test_an_unknown_workflow_is_refused(self, as_, letter):
        answer = put(as_("admin"), '{"quorum": 2}', workflow="ghost")

        assert answer.status_code == 404


def test_the_simulator_says_what_holds_for_a_question(as_, thread):
    question = ask(thread)
    Policy.objects.create(
        graph="letter", body='{"quorum": 2, "timeout": 60, "timeout_action": "reject"}'
    )

    page = Html(as_("viewer").get(f"/policies/?question={question.pk}"))

    assert page.has_text("Needs 2 people to approve; it is rejected after 1 minute.")
    assert page.has_text("Only reviewers of this workflow may decide it.")
    assert page.has_text("letter/* v1")
    hidden = as_("stranger").get(f"/policies/?question={question.pk}")
    assert hidden.status_code in {403, 404}


class TestNotices:
    def test_ones_own_are_listed_and_read(self, as_, people, thread):
        question = ask(thread)
        for person in ("reviewer", "viewer"):
            Notice.objects.create(
                person=people[person],
                kind="asked",
                text=f"For {person}",
                url=f"/review/{question.pk}/",
                interrupt=question,
            )

        page = Html(as_("reviewer").get("/notices/"))
        assert page.has_text("For reviewer")
        assert not page.has_text("For viewer")

        newest = Notice.objects.order_by("-id")[0].pk
        as_("reviewer").post("/notices/", {"upto": newest})
        assert Notice.objects.get(person=people["reviewer"]).read_at is not None
        assert Notice.objects.get(person=people["viewer"]).read_at is None

    def test_whoever_opens_the_question_has_read_them(self, as_, people, thread):
        question = ask(thread)
        Notice.objects.create(
            person=people["viewer"], kind="asked", text="x", interrupt=question
        )

        as_("viewer").get(f"/review/{question.pk}/")

        assert Notice.objects.get().read_at is not None
