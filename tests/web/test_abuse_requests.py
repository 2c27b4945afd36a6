"""Hostile requests: forged, about another question, with more than the page has, to another site."""

import json

import pytest

from tests.web.conftest import Html, ask, decision_form
from workflows.models import Decision, Interrupt, Run


class TestForgedRequests:
    @pytest.fixture
    def question(self, thread):
        return ask(thread, {"title": "T", "n": 1})

    @pytest.fixture
    def path(self, question):
        return f"/review/{question.pk}/decision"

    @pytest.fixture
    def victim(self, as_):
        return as_("reviewer", enforce_csrf_checks=True)

    def test_a_form_of_another_site(self, victim, question, path):
        answer = victim.post(
            path,
            decision_form(question, "approve", **{"v/n": "1"}),
            headers={"Origin": "https://evil.example"},
        )

        self.is_refused(answer, question, 403)

    @pytest.mark.parametrize("kind", ["text/plain", "application/json"])
    def test_other_kinds_of_body(self, victim, question, path, kind):
        body = json.dumps(decision_form(question, "approve"))

        self.is_refused(victim.post(path, body, kind), question, 403)

    def test_htmx_is_no_excuse(self, victim, question, path):
        answer = victim.post(
            path,
            decision_form(question, "approve", **{"v/n": "1"}),
            headers={"HX-Request": "true", "X-Queue-View": "", "X-Prefetch": "1"},
        )

        self.is_refused(answer, question, 403)

    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete"])
    def test_other_methods(self, as_, question, path, method):
        answer = getattr(as_("reviewer"), method)(f"{path}?kind=approve&version=1")

        self.is_refused(answer, question, 405)

    def test_the_token_of_the_page_is_what_lets_it_through(
        self, victim, question, path
    ):
        page = Html(victim.get(f"/review/{question.pk}/"))
        token = page.all("input", name="csrfmiddlewaretoken")[0].attributes["value"]
        form = decision_form(question, "approve", **{"v/n": "1"})

        answer = victim.post(path, form | {"csrfmiddlewaretoken": token})

        assert answer.status_code == 303

    def is_refused(self, answer, question, status):
        assert answer.status_code == status
        question.refresh_from_db()
        assert question.status == "pending"
        assert not Decision.objects.exists()


class TestForeignInnerIds:
    def test_a_form_for_one_question_never_decides_another(
        self, as_, thread, other_thread
    ):
        own, foreign = ask(thread, {"title": "T", "n": 1}), ask(other_thread)
        form = decision_form(own, "approve", **{"v/n": "1"}) | {
            "interrupt": foreign.pk,
            "interrupt_id": foreign.interrupt_id,
            "number": foreign.pk,
            "thread": other_thread.pk,
            f"resume[{foreign.interrupt_id}]": "1",
        }

        as_("reviewer").post(f"/review/{own.pk}/decision", form)

        foreign.refresh_from_db()
        assert foreign.status == "pending"
        assert Decision.objects.get().interrupt_id == own.pk
        payload = json.loads(Run.objects.get(kind="resume").payload)
        assert foreign.interrupt_id not in json.dumps(payload)

    def test_a_key_that_another_person_used_tells_nothing_of_theirs(
        self, as_, thread, other_thread
    ):
        foreign = ask(other_thread, {"title": "Salaries", "n": 1})
        form = decision_form(foreign, "reject", reject_reason="secret words")
        as_("admin").post(f"/review/{foreign.pk}/decision", form)
        own = ask(thread, {"title": "T", "n": 1})

        answer = as_("reviewer").post(
            f"/review/{own.pk}/decision",
            decision_form(own, "approve", **{"v/n": "1"}) | {"key": form["key"]},
        )

        assert answer.status_code == 409
        assert b"secret words" not in answer.content
        own.refresh_from_db()
        assert own.status == "pending"

    @pytest.mark.parametrize("act", ["decision", "diff", "draft", "comment", "claim"])
    def test_every_act_on_a_foreign_question_is_unknown(self, as_, other_thread, act):
        foreign = ask(other_thread)

        form = decision_form(foreign, "approve", text="x")
        found = as_("reviewer").post(f"/review/{foreign.pk}/{act}", form)
        unknown = as_("reviewer").post(f"/review/999999/{act}", form)

        assert (found.status_code, unknown.status_code) == (404, 404)
        assert len(found.content) == len(unknown.content)

    def test_only_answers_of_the_same_thread_are_let_go(
        self, as_, thread, other_thread
    ):
        held = [ask(each, {"title": "T", "n": 1}) for each in (thread, other_thread)]
        ask(thread, "Two?")
        ask(other_thread, "Two?")
        for question in held:
            form = decision_form(question, "approve", hold="1", **{"v/n": "1"})
            as_("admin").post(f"/review/{question.pk}/decision", form)

        last = Interrupt.objects.filter(thread=thread, status="pending").get()
        as_("admin").post(f"/review/{last.pk}/decision", decision_form(last, "approve"))

        still = Run.objects.filter(kind="resume", due_at__year=9999)
        assert [run.thread_id for run in still] == [other_thread.pk]


class TestMassAssignment:
    names = (
        *("__pregel_tasks", "__resume__", "v/__resume__", "status", "as_node"),
        *("person", "person_name", "owner", "start_at", "kind_", "channel", "edits"),
        *("v/~n", "v/secret", "run", "override", "answer", "policy", "close"),
    )

    def test_fields_that_the_page_does_not_have_change_nothing(self, as_, thread):
        question = ask(thread, {"title": "T", "n": 1})
        form = dict.fromkeys(self.names, "1") | decision_form(
            question, "edit", **{"v/n": "2"}
        )

        answer = as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert answer.status_code == 303
        made = Decision.objects.get()
        assert (made.person_name, made.channel, made.edits) == ("reviewer", "web", "")
        assert json.loads(made.answer) == {
            "decision": "approve",
            "value": {"title": "T", "n": 2},
            "reason": "",
        }

    @pytest.mark.parametrize("kind", ["close", "timeout", "vote", "undo", "changes "])
    def test_a_decision_that_is_not_offered_is_none(self, as_, thread, kind):
        question = ask(thread, {"title": "T", "n": 1})

        form = decision_form(question, kind, **{"v/n": "1"})
        answer = as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert answer.status_code == 400
        assert not Decision.objects.exists()

    def test_a_call_takes_only_what_its_review_allows(self, as_, thread):
        question = ask(
            thread,
            {
                "action_requests": [{"name": "drop", "args": {"table": "a"}}],
                "review_configs": [
                    {"action_name": "drop", "allowed_decisions": ["reject"]}
                ],
            },
        )

        form = decision_form(question, "approve", c0_kind="approve")
        answer = as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert answer.status_code == 400
        assert not Decision.objects.exists()


class TestStaysOnSite:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Referer": "https://evil.example/queue/"},
            {"Daphne-Root-Path": "https://evil.example"},
            {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        ],
    )
    def test_after_a_decision(self, as_, thread, headers):
        question = ask(thread, {"title": "T", "n": 1})
        form = decision_form(question, "approve", **{"v/n": "1"}) | {
            "next": "https://evil.example",
            "back": "//evil.example",
            "workflow": "//evil.example",
        }

        answer = as_("reviewer").post(
            f"/review/{question.pk}/decision", form, headers=headers
        )

        assert answer.status_code == 303
        assert answer["Location"].startswith(("/queue/", "/review/"))

    def test_a_link_away_tells_nothing_of_where_it_was(self, as_, thread):
        question = ask(
            thread,
            {
                "title": "T",
                "question": "[a](https://e.example)",
                "u": "https://e.example/x",
            },
        )

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        away = [e for e in page.all("a") if "e.example" in e.attributes.get("href", "")]
        assert len(away) == 2
        assert all("noopener" in e.attributes["rel"].split() for e in away)
        assert all("noreferrer" in e.attributes["rel"].split() for e in away)


class TestCaches:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", "/review/{}/"),
            ("post", "/review/{}/diff"),
            ("post", "/review/{}/decision"),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
    def test_a_fragment_is_never_taken_for_a_page_nor_mine_for_yours(
        self, as_, thread, method, path, headers
    ):
        question = ask(thread, {"title": "T", "n": 1})
        form = decision_form(question, "edit", **{"v/n": "x"})

        send = getattr(as_("reviewer"), method)
        answer = send(path.format(question.pk), form, headers=headers)

        vary = {word.strip() for word in answer["Vary"].split(",")}
        assert {"HX-Request", "Cookie"} <= vary
        assert "private" in answer["Cache-Control"]
        assert "public" not in answer["Cache-Control"]
