"""The form of a policy: every key has a field, rows come and go, faults stand at their fields."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.conftest import Html
from tests.web.policy_editing import crew, opened, post, sent
from workflows.models import Policy
from workflows.services.desk.policy_words import LABELS
from workflows.services.desk.rules import _READERS, read_part
from workflows.web.policy_fields import FIELDS, SECTIONS
from workflows.web.policy_form import PolicyForm

__all__ = ["crew"]

WHOLE = {
    "decide_groups": ["reviewer"],
    "quorum": 2,
    "four_eyes": True,
    "priority": -3,
    "assign_group": "reviewer",
    "assign_person": "reviewer",
    "claim": 90,
    "undo": 0,
    "due": 7200,
    "remind": [3600, 60],
    "escalate": [{"after": 0, "group": "reviewer", "priority": 5}, {"after": 86400}],
    "timeout": 172800,
    "timeout_action": "answer",
    "timeout_answer": {"decision": "reject"},
    "decisions": ["approve", "reject"],
    "close": "",
    "reasons": ["Too late", "Too much"],
    "mail": False,
    "link": 0,
    "outside": ["amount"],
}
spans = st.integers(0, 366 * 24 * 3600)
texts = st.text("abc é\"'<{", min_size=1, max_size=12).map(str.strip).filter(bool)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "decide_groups": st.none() | st.lists(texts, max_size=3, unique=True),
        "quorum": st.integers(1, 100),
        "four_eyes": st.booleans(),
        "priority": st.integers(-100, 100),
        "assign_group": st.just("") | texts,
        "assign_person": st.just("") | texts,
        "claim": st.integers(10, 24 * 3600),
        "undo": st.none() | st.integers(0, 24 * 3600),
        "due": st.none() | spans,
        "remind": st.lists(spans, max_size=3),
        "escalate": st.lists(
            st.fixed_dictionaries(
                {"after": spans},
                optional={"group": texts, "priority": st.integers(-100, 100)},
            ),
            max_size=3,
        ),
        "timeout": st.none() | spans,
        "timeout_action": st.sampled_from(
            ["none", "answer", "reject", "workflow", "fail"]
        ),
        "timeout_answer": st.none() | st.booleans() | texts | st.lists(texts),
        "decisions": st.none() | st.just(["approve", "reject"]),
        "close": st.sampled_from(["", "cancel", "ignore"]),
        "reasons": st.lists(texts, max_size=3),
        "mail": st.booleans(),
        "link": st.none() | spans,
        "outside": st.none() | st.lists(texts, max_size=3),
    },
)


def test_every_key_that_a_policy_may_say_has_a_field():
    assert FIELDS.keys() == _READERS.keys() == LABELS.keys()
    assert all(spec.help for each in SECTIONS for spec in each.fields)


@given(BODIES)
def test_what_a_policy_says_comes_back_from_its_form(body):
    form = PolicyForm.of(body)

    assert read_part(form.body()) == read_part(body)
    # What is kept beside the form is what takes something back, and nothing else.
    assert all(value in (None, [], "") for value in form.rest.values())


def test_the_page_sends_back_what_it_was_given(as_, letter):
    Policy.objects.create(graph="letter", body=json.dumps(WHOLE))
    page = opened(as_("admin"))

    form = sent(page)
    answer = post(as_("admin"), form)

    assert answer.status_code == 303, Html(answer).one("section", id="error-summary")
    said = json.loads(Policy.objects.get(version=2).body)
    assert read_part(said) == read_part(WHOLE)


def test_a_field_at_a_time_makes_a_policy(as_, letter):
    form = sent(
        opened(as_("admin")),
        **{"p.quorum": "2", "p.due.n": "1.5", "p.due.u": "3600", "reason": "why not"},
    )

    assert post(as_("admin"), form).status_code == 303
    assert json.loads(Policy.objects.get().body) == {"quorum": 2, "due": 5400}
    page = Html(as_("viewer").get("/policies/"))
    assert page.has_text("90 minutes")
    assert page.has_text("2 people")


def test_rows_are_added_moved_and_taken_away(as_, letter):
    client = as_("admin")
    page = opened(client)
    for at, text in enumerate(("One", "Two")):
        answer = post(client, sent(page, _add="reasons"))
        assert answer.status_code == 200
        page = Html(answer)
        row = page.one("input", id=f"policy-reasons-{at}")
        assert "data-take-focus" in row.attributes
        page = Html(post(client, sent(page, **{f"p.reasons.{at}": text}, _mode="form")))
    page = Html(post(client, sent(page, _move="reasons:1:up")))
    assert sent(page)["p.reasons.0"] == ["Two"]
    page = Html(post(client, sent(page, _remove="reasons:1")))

    assert post(client, sent(page)).status_code == 303
    assert json.loads(Policy.objects.get().body) == {"reasons": ["Two"]}


@pytest.mark.parametrize(
    "button",
    ["_remove=reasons:7", "_move=reasons:x:up", "_move=quorum:1:up", "_add=nothing"],
)
def test_a_button_that_is_none_changes_nothing(as_, letter, button):
    name, value = button.split("=")

    answer = post(as_("admin"), sent(opened(as_("admin")), **{name: value}))

    assert answer.status_code in {200, 303}
    assert not [p for p in Policy.objects.all() if p.body != "{}"]


class TestFaults:
    def test_each_stands_at_its_field_and_in_the_list_at_the_top(self, as_, letter):
        client = as_("admin")
        page = Html(post(client, sent(opened(client), _add="escalate")))

        answer = post(
            client,
            sent(
                page,
                **{
                    "p.quorum": "two",
                    "p.claim.n": "1",
                    "p.claim.u": "1",
                    "p.escalate.0.priority": "500",
                    "p.escalate.0.n": "1",
                    "p.timeout_answer": "{",
                },
            ),
        )

        assert answer.status_code == 400
        page = Html(answer)
        summary = page.one("section", id="error-summary")
        assert "data-take-focus" in summary.attributes
        links = [a.attributes["href"] for a in page.all("a") if summary in a.parents]
        ids = {e.attributes.get("id") for e in page.elements}
        assert {link.removeprefix("#") for link in links} == {
            "policy-quorum",
            "policy-claim",
            "policy-escalate-0-priority",
            "policy-timeout_answer",
        }
        assert {link.removeprefix("#") for link in links} <= ids
        for name in ("policy-quorum", "policy-claim"):
            field = page.one("input", id=name)
            assert field.attributes["aria-invalid"] == "true"
            assert f"{name}-error" in field.attributes["aria-describedby"]
        assert page.one("input", id="policy-quorum").attributes["value"] == "two"
        assert not Policy.objects.exists()

    def test_a_group_that_is_gone_is_named_at_its_row(self, as_, letter):
        Policy.objects.create(
            graph="letter", body='{"escalate": [{"after": 60, "group": "ghosts"}]}'
        )

        answer = post(as_("admin"), sent(opened(as_("admin"))))

        assert answer.status_code == 400
        field = Html(answer).one("select", id="policy-escalate-0-group")
        assert field.attributes["aria-invalid"] == "true"

    def test_somebody_who_is_nobody(self, as_, letter):
        form = sent(opened(as_("admin")), **{"p.assign_person": "ghost"})

        answer = post(as_("admin"), form)

        assert answer.status_code == 400
        assert Html(answer).has_text("nobody called ghost")

    def test_text_that_no_database_keeps(self, as_, letter):
        form = sent(opened(as_("admin")), **{"p.assign_person": "a\0b"})

        answer = post(as_("admin"), form)

        assert answer.status_code == 400
        assert Html(answer).has_text("NUL")

    def test_whoever_was_slower_keeps_what_they_typed(self, as_, letter):
        form = sent(opened(as_("admin")), **{"p.quorum": "2"})
        Policy.objects.create(graph="letter", body='{"quorum": 3}')

        answer = post(as_("admin"), form)

        assert answer.status_code == 409
        page = Html(answer)
        assert page.one("input", id="policy-quorum").attributes["value"] == "2"
        assert page.has_text("Somebody has changed this policy")
        assert post(as_("admin"), sent(page)).status_code == 303


class TestJson:
    def test_it_holds_the_same(self, as_, letter):
        client = as_("admin")
        form = sent(opened(client), **{"p.quorum": "2"})

        page = Html(post(client, form | {"_mode": ["json"]}))
        text = page.one("textarea", name="body").text
        assert json.loads(text) == {"quorum": 2}
        back = Html(post(client, sent(page, body='{"quorum": 3}', _mode="form")))

        assert back.one("input", id="policy-quorum").attributes["value"] == "3"

    def test_what_cannot_be_read_stays_json(self, as_, letter):
        client = as_("admin")
        page = opened(client, "workflow=letter&mode=json")

        answer = post(client, sent(page, body='{"quorum": 0}', _mode="form"))

        assert answer.status_code == 400
        assert Html(answer).one("textarea", name="body").text.strip() == '{"quorum": 0}'

    def test_what_the_form_has_no_field_for_is_kept_and_can_go(self, as_, letter):
        Policy.objects.create(
            graph="letter", body='{"undo": null, "reasons": [], "quorum": 2}'
        )
        client = as_("admin")

        post(client, sent(opened(client), **{"p.quorum": "3"}))
        kept = json.loads(Policy.objects.get(version=2).body)
        post(client, sent(opened(client)) | {"drop": ["reasons", "undo"]})

        assert kept == {"undo": None, "reasons": [], "quorum": 3}
        assert json.loads(Policy.objects.get(version=3).body) == {"quorum": 3}
