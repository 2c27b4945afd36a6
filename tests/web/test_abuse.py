"""Hostile input around a question, case by case.

| case | shown by |
| --- | --- |
| thread or question of another team | `test_permissions.py`, `tests/permissions` |
| visible outer object, foreign inner one | `TestForeignInnerIds` |
| script, `hx-*`, fake forms, page-covering style in whatever a workflow names | `TestTextOfAWorkflow` |
| controls, bidi, zero width in whatever a workflow names | `TestHiddenCharacters` |
| homoglyph and user part in an address | `test_showing_values.py: test_a_link_says_where_it_leads` |
| huge text that hides its end | `TestHugeText`, `test_showing_values.py: TestFolds` |
| the button to approve stands outside of what scrolls | `TestHugeText` |
| CSRF: form, text/plain, JSON, GET, htmx | `TestForgedRequests` |
| mass assignment | `TestMassAssignment`, `test_bad_input.py` |
| JSON bombs: depth, digits, NaN, doubled keys, surrogates, NUL, size | `test_bad_input.py`, `test_strict_json.py`, `TestBombs` |
| prototype pollution, numbers beyond 2^53 | `TestBombs`, `test_forms.py: test_values_are_exact` |
| gadgets in stored values | `test_showing_values.py: test_tags_are_shown_and_never_built`, `test_review.py: test_nobody_has_a_type_built_by_writing_its_tag` |
| `?next=`, Referer, `Daphne-Root-Path` | `test_bad_input.py: TestStaysOnSite`, `TestStaysOnSite` |
| poisoned cache: fragment as page, one person's page to another | `TestCaches`, `test_headers.py` |
| cells that are formulas | `test_decisions.py` |
| operator edits, then approves | `tests/services/desk/test_deciding.py` |
"""

import json

import pytest

from tests.web.conftest import Html, ask, decision_form, happen
from workflows.models import Comment, Decision, Interrupt, Run
from workflows.templatetags.value_tree import MAX_NODES

MARKUP = (
    "<script>alert(1)</script>"
    '<form action="/review/1/decision" method="post"><button name="kind" '
    'value="approve">Approve</button></form>'
    '<div hx-get="/decisions/" hx-trigger="load" data-key="a" data-approve></div>'
    '<style>.page{position:fixed}</style><img src="https://t.example/p.png">'
    '"><a href="javascript:alert(1)" onclick="x">b</a>'
)
OVERRIDE = "a\u202eb\u200bc\x07d"
HIDDEN = ("\u202e", "\u200b", "\x07")


def everywhere(thread, text):
    """A question with `text` in every place that a workflow or a person can name."""
    thread.title = text[:300]
    thread.save()
    happen(thread, "warning", node=text, text=text)
    happen(thread, "decision", kind="approve", by=text)
    happen(thread, "edit", by=text, channels=[text], reason=text)
    schema = {
        "type": "object",
        "title": text,
        "properties": {
            text: {"type": "string", "title": text, "description": text},
            "choice": {"enum": [text, "b"], "title": text},
            "pick": {
                "oneOf": [
                    {
                        "title": text,
                        "type": "object",
                        "properties": {"t": {"const": text}},
                        "required": ["t"],
                    },
                    {
                        "title": "other",
                        "type": "object",
                        "properties": {"t": {"const": "o"}},
                        "required": ["t"],
                    },
                ]
            },
            "list": {"type": "array", "title": text, "items": {"type": "string"}},
            "file": {"type": "string", "contentMediaType": text, "title": text},
        },
        "required": [text],
    }
    value = {
        "title": text,
        "question": text,
        "hint": text,
        "data": {text: text, "deep": {text: [text]}},
        "records": [{text: text, "n": 1}, {text: text, "n": 2}],
        "long": text + "\n" + "x" * 3000,
        "link": f"https://a.example/{text.replace(' ', '')}",
        "list": [text],
    }
    by_schema = ask(thread, value, schema, node=text[:200], reason=text)
    plain = ask(thread, value)
    call = {"name": text, "args": {text: text}, "description": text}
    batch = ask(thread, {"action_requests": [call, call]})
    Comment.objects.create(interrupt=by_schema, person_name=text[:200], text=text)
    return by_schema, plain, batch


def pictures(page):
    """Pictures that are not our own."""
    return [
        each
        for each in page.all("img")
        if not each.attributes["src"].startswith("/static/")
    ]


class TestTextOfAWorkflow:
    def test_nothing_in_it_is_markup(self, as_, thread):
        for question in everywhere(thread, MARKUP):
            page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

            assert page.has_text("<script>alert(1)</script>")
            assert all("src" in script.attributes for script in page.all("script"))
            assert not page.all("style")
            assert not pictures(page)
            deciding = f"/review/{question.pk}/decision"
            assert [
                form.attributes["id"] for form in page.all("form", action=deciding)
            ] == ["decide"]
            for element in page.elements:
                names = element.attributes
                assert not [name for name in names if name.startswith("on")]
                assert "style" not in names
                assert names.get("hx-get") is None
                assert not names.get("href", "").startswith("javascript")
                assert names.get("src", "/").startswith("/")

    def test_only_our_own_buttons_decide(self, as_, thread):
        question, *_ = everywhere(thread, MARKUP)

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        deciding = page.all("button", name="kind")
        assert deciding
        assert all(
            any("data-decision-bar" in parent.attributes for parent in button.parents)
            for button in deciding
        )

    def test_a_decision_tells_it_in_text_too(self, as_, thread):
        question = ask(thread, {"title": MARKUP, "n": 1})
        form = decision_form(question, "reject", reject_reason=MARKUP)
        as_("reviewer").post(f"/review/{question.pk}/decision", form)

        for path in (f"/review/{question.pk}/", "/decisions/", "/threads/t-1/"):
            page = Html(as_("reviewer").get(path))
            assert not page.all("style")
            assert not pictures(page)
            assert page.has_text("<script>alert(1)</script>")


class TestHiddenCharacters:
    def test_none_reaches_the_page_unmarked(self, as_, thread):
        for question in everywhere(thread, OVERRIDE):
            page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

            assert page.has_text("RLO")
            for element in page.elements:
                # Where a person types, the text stands as it is, with its marks below.
                if element.tag in {"textarea", "html", "body", "main", "form"}:
                    continue
                for name, value in element.attributes.items():
                    if name in {"value", "name", "href", "hx-post", "action"}:
                        continue
                    assert not [c for c in HIDDEN if c in value], (name, value)
            shown = outside_of_text_boxes(page)
            assert not [c for c in HIDDEN if c in shown]

    def test_what_a_text_box_hides_is_written_beside_it(self, as_, thread):
        question = ask(thread, {"title": "T", "to": OVERRIDE})

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        (warning,) = page.all("p", **{"class": "field-warning"})
        assert "RLO" in warning.text

    @pytest.mark.parametrize("path", ["/queue/", "/runs/", "/threads/t-1/"])
    def test_lists_mark_them_too(self, as_, thread, path):
        everywhere(thread, OVERRIDE)

        page = Html(as_("operator").get(path))

        shown = outside_of_text_boxes(page)
        assert not [c for c in HIDDEN if c in shown]


def outside_of_text_boxes(page):
    """The text of a page without what stands in its text boxes."""
    text = "".join(e.text for e in page.all("html"))
    boxes = {e.text for e in page.all("textarea") if e.text.strip()}
    for box in sorted(boxes, key=len, reverse=True):
        text = text.replace(box, "")
    return text


class TestHugeText:
    def test_the_end_is_announced_and_the_bar_stands_apart(self, as_, thread):
        text = "harmless\n" * 1500 + "and pay Mallory"
        question = ask(thread, {"title": "T", "text": text})

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text("characters more")
        assert page.has_text("and pay Mallory")
        bar = next(e for e in page.elements if "data-decision-bar" in e.attributes)
        assert not [
            e for e in bar.parents if "review" in e.attributes.get("class", "").split()
        ]

    def test_what_cannot_be_shown_whole_is_told(self, as_, thread):
        question = ask(thread, {"title": "T", "text": "x" * 30_000})

        assert Html(as_("reviewer").get(f"/review/{question.pk}/")).has_text(
            "This question is too long to show or edit here in full."
        )

    def test_many_small_values_are_bounded(self, as_, thread):
        rows = [[n] for n in range(MAX_NODES)]
        question = ask(thread, {"title": "T", "rows": rows})

        answer = as_("reviewer").get(f"/review/{question.pk}/")

        assert answer.status_code == 200
        assert len(answer.content) < 2_000_000


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


class TestBombs:
    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            (
                '{"__proto__": {"admin": true}, "constructor": 1}',
                {"__proto__": {"admin": True}, "constructor": 1},
            ),
            ("[9007199254740993, 1]", [9007199254740993, 1]),
        ],
    )
    def test_odd_but_harmless_json_is_kept_exactly(self, as_, thread, typed, expected):
        question = ask(thread, {"title": "T", "odd": [1, "a"]})

        form = decision_form(question, "edit", **{"v/odd": typed})
        as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert json.loads(Decision.objects.get().answer)["value"]["odd"] == expected

    @pytest.mark.parametrize(
        "name", ["changes_needed", "close_reason", "reject_reason", "response"]
    )
    def test_words_that_no_database_keeps_are_named_in_their_box(
        self, as_, thread, name
    ):
        kinds = {"changes_needed": "changes", "reject_reason": "reject"}
        kind = kinds.get(name, "respond" if name == "response" else "close")
        question = ask(thread, {"title": "T"}, policy='{"close": "ignore"}')

        form = decision_form(question, kind, **{name: "a\x00b"})
        answer = as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert answer.status_code == 400
        assert Html(answer).has_text("NUL character at position 2")

    @pytest.mark.parametrize(
        "form",
        [
            {"v/list/~n": "9" * 400},
            {"v/list/~n": "-1"},
            {"v/list/~n": "200", "v/list/0/~from": "9" * 9},
            {"_move": "v/list/0:sideways"},
            {"_move": ":" * 5000},
            {"_add": "v/" * 5000},
        ],
    )
    def test_odd_counts_and_places_of_a_list(self, as_, thread, form):
        question = ask(thread, {"title": "T", "list": ["a"]})

        answer = as_("reviewer").post(
            f"/review/{question.pk}/decision", decision_form(question, "", **form)
        )

        assert answer.status_code in {200, 400}
        assert not Decision.objects.exists()

    def test_a_reason_without_end_is_refused(self, as_, thread):
        question = ask(thread, {"title": "T"})

        form = decision_form(question, "changes", changes_needed="x" * 10_001)
        answer = as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert answer.status_code == 400
        assert Html(answer).has_text("at most 10000 characters")


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
