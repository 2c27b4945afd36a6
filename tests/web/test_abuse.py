"""Hostile input around a question, case by case.

| case | shown by |
| --- | --- |
| thread or question of another team | `test_permissions.py`, `tests/permissions` |
| visible outer object, foreign inner one | `test_abuse_requests.py: TestForeignInnerIds` |
| script, `hx-*`, fake forms, page-covering style in whatever a workflow names | `TestTextOfAWorkflow` |
| controls, bidi, zero width in whatever a workflow names | `TestHiddenCharacters` |
| homoglyph and user part in an address | `test_showing_values.py: test_a_link_says_where_it_leads` |
| huge text that hides its end | `TestHugeText`, `test_showing_values.py: TestFolds` |
| the button to approve stands outside of what scrolls | `TestHugeText` |
| CSRF: form, text/plain, JSON, GET, htmx | `test_abuse_requests.py: TestForgedRequests` |
| mass assignment | `test_abuse_requests.py: TestMassAssignment`, `test_bad_input.py` |
| JSON bombs: depth, digits, NaN, doubled keys, surrogates, NUL, size | `test_bad_input.py`, `test_strict_json.py`, `TestBombs` |
| prototype pollution, numbers beyond 2^53 | `TestBombs`, `test_forms.py: test_values_are_exact` |
| gadgets in stored values | `test_showing_values.py: test_tags_are_shown_and_never_built`, `test_review_answers.py: test_nobody_has_a_type_built_by_writing_its_tag` |
| `?next=`, Referer, `Daphne-Root-Path` | `TestStaysOnSite` of `test_bad_input.py` and `test_abuse_requests.py` |
| poisoned cache: fragment as page, one person's page to another | `test_abuse_requests.py: TestCaches`, `test_headers.py` |
| cells that are formulas | `test_decisions.py` |
| operator edits, then approves | `tests/services/desk/test_deciding.py` |
"""

import json

import pytest

from tests.web.conftest import Html, ask, decision_form, happen
from workflows.models import Comment, Decision
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
