"""Each shape of question in the browser: what is drawn, what is posted, what the workflow gets."""

import pytest

from tests.web.conftest import Html, ask, decision_form
from tests.web.shape_samples import BATCH, FILLED, INBOX, ORDER, ORDERED, TOOL, VALUE
from workflows.engine import serde
from workflows.models import Decision


@pytest.fixture
def reviewer(as_):
    return as_("reviewer")


def page_of(client, question):
    return Html(client.get(f"/review/{question.pk}/"))


def send(client, question, kind, **typed):
    path = f"/review/{question.pk}/decision"
    return client.post(path, decision_form(question, kind, **typed))


def answer():
    return serde.loads(Decision.objects.get().answer)


class TestAResponseSchema:
    @pytest.fixture
    def order(self, thread):
        return ask(thread, ORDERED, ORDER)

    def test_it_is_drawn_with_a_control_for_each_kind(self, reviewer, order):
        page = page_of(reviewer, order)

        types = {
            e.attributes["name"]: e.attributes.get("type", e.tag)
            for e in page.elements
            if e.tag in {"input", "select", "textarea"} and "name" in e.attributes
        }
        assert {name: types[f"v/{name}"] for name in ("due", "at", "sent")} == {
            "due": "date",
            "at": "time",
            "sent": "datetime-local",
        }
        assert types["v/kind"] == types["v/speed"] == "select"
        assert types["v/pay"] == "radio"
        assert page.one("input", name="v/count").attributes["value"] == "3"
        assert page.one("input", name="v/lines/1/street").attributes["value"] == "B"
        assert page.one("input", name="v/pay/~b1/iban").attributes["value"] == "DE02"
        assert not page.all("select", name="v/verdict")
        assert set(page.buttons()) == {"reject", "changes", "close", "approve"}

    def test_the_workflow_gets_the_form(self, reviewer, order):
        assert send(reviewer, order, "approve", **FILLED).status_code == 303

        assert answer() == VALUE | {"verdict": "accept"}

    @pytest.mark.parametrize(
        ("kind", "box", "verdict"),
        [
            ("reject", "reject_reason", "decline"),
            ("changes", "changes_needed", "needs_changes"),
            ("close", "close_reason", "ignore"),
        ],
    )
    def test_another_decision_is_its_word_in_the_form(
        self, reviewer, order, kind, box, verdict
    ):
        send(reviewer, order, kind, **FILLED, **{box: "too dear"})

        assert answer() == VALUE | {"verdict": verdict, "comment": "too dear"}

    @pytest.mark.parametrize(
        ("button", "streets"),
        [
            ({"_move": "v/lines/1:up"}, ["B", "A"]),
            ({"_remove": "v/lines/0"}, ["B"]),
            ({"_add": "v/lines"}, ["A", "B", ""]),
        ],
    )
    def test_rows_are_moved_removed_and_added_without_deciding(
        self, reviewer, order, button, streets
    ):
        page = Html(send(reviewer, order, "", **FILLED, **button))

        shown = [
            page.one("input", name=f"v/lines/{at}/street").attributes["value"]
            for at in range(len(streets))
        ]
        assert shown == streets
        assert not Decision.objects.exists()

    def test_every_fault_stands_at_its_field_and_at_the_top(self, reviewer, order):
        wrong = {"v/customer": "A", "v/due": "soon", "v/pay/~b0/number": ""}

        page = Html(send(reviewer, order, "approve", **FILLED | wrong))

        summary = page.one("section", id="error-summary")
        assert "data-take-focus" in summary.attributes
        links = {a.attributes["href"] for a in page.all("a") if summary in a.parents}
        fields = [
            *(page.one("input", name=name) for name in ("v/customer", "v/due")),
            page.one("input", name="v/pay/~b0/number"),
        ]
        assert {f"#{each.attributes['id']}" for each in fields} == links
        assert all(each.attributes["aria-invalid"] == "true" for each in fields)

    def test_what_contains_itself_can_be_given(self, reviewer, order):
        inner = {
            "v/whole/~set": "1",
            "v/whole/name": "car",
            "v/whole/parts/~n": "1",
            "v/whole/parts/0/name": "wheel",
            "v/whole/parts/0/parts/~n": "0",
        }
        send(reviewer, order, "approve", **FILLED | inner)

        assert answer()["whole"] == {"name": "car", "parts": [{"name": "wheel"}]}


class TestOneDecisionPerCall:
    """The middleware's schema for one call: a union of decisions, told apart by `type`."""

    schema = {
        "oneOf": [
            {"$ref": "#/$defs/Approve"},
            {"$ref": "#/$defs/Edit"},
            {"$ref": "#/$defs/Reject"},
        ],
        "discriminator": {"propertyName": "type"},
        "$defs": {
            "Approve": {
                "type": "object",
                "properties": {"type": {"const": "approve"}},
                "required": ["type"],
            },
            "Reject": {
                "type": "object",
                "properties": {
                    "type": {"const": "reject"},
                    "message": {"type": "string"},
                },
                "required": ["type"],
            },
            "Edit": {
                "type": "object",
                "properties": {
                    "type": {"const": "edit"},
                    "edited_action": {
                        "type": "object",
                        "properties": {
                            "name": {"const": "pay"},
                            "args": {
                                "type": "object",
                                "properties": {"eur": {"type": "integer"}},
                                "required": ["eur"],
                            },
                        },
                        "required": ["name", "args"],
                    },
                },
                "required": ["type", "edited_action"],
            },
        },
    }

    @pytest.fixture
    def call(self, thread):
        return ask(
            thread, {"title": "T", "name": "pay", "args": {"eur": 5}}, self.schema
        )

    def test_an_edit_begins_with_the_call_as_it_stands(self, reviewer, call):
        page = page_of(reviewer, call)

        name = "v/~b1/edited_action/args/eur"
        assert page.one("input", name=name).attributes["value"] == "5"
        assert set(page.buttons()) == {"approve"}
        assert page.buttons()["approve"].startswith("Send")

    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            ({"v": "0"}, {"type": "approve"}),
            (
                {"v": "1", "v/~b1/edited_action/args/eur": "6"},
                {
                    "type": "edit",
                    "edited_action": {"name": "pay", "args": {"eur": 6}},
                },
            ),
            (
                {"v": "2", "v/~b2/message": "no"},
                {"type": "reject", "message": "no"},
            ),
        ],
    )
    def test_the_chosen_decision_is_the_answer(self, reviewer, call, typed, expected):
        assert send(reviewer, call, "approve", **typed).status_code == 303

        assert answer() == expected


@pytest.mark.parametrize(
    ("kind", "typed", "expected"),
    [
        ("approve", {"v/eur": "5"}, {"type": "approve"}),
        (
            "edit",
            {"v/eur": "6"},
            {"type": "edit", "edited_action": {"name": "pay", "args": {"eur": 6}}},
        ),
        ("reject", {"reject_reason": "no"}, {"type": "reject", "message": "no"}),
        ("respond", {"response": "Ask Ann"}, {"type": "respond", "message": "Ask Ann"}),
        (
            "changes",
            {"changes_needed": "in dollars"},
            {"type": "reject", "message": "Changes needed: in dollars"},
        ),
    ],
)
def test_a_tool_call(reviewer, thread, kind, typed, expected):
    question = ask(thread, TOOL)

    page = page_of(reviewer, question)
    assert page.one("p", **{"class": "call-name"}).text == "pay"
    assert page.one("input", name="v/eur").attributes["value"] == "5"
    assert kind in page.buttons()
    assert send(reviewer, question, kind, **typed).status_code == 303
    assert answer() == expected


class TestABatch:
    @pytest.fixture
    def batch(self, thread):
        return ask(thread, BATCH)

    def test_each_call_offers_what_it_allows(self, reviewer, batch):
        page = page_of(reviewer, batch)

        offered = [
            [
                e.attributes["value"]
                for e in page.all("input", type="radio", name=f"c{at}_kind")
            ]
            for at in range(3)
        ]
        usual = ["approve", "edit", "reject", "respond", "changes"]
        assert offered == [usual, ["approve", "reject", "changes"], usual]

    def test_the_answers_come_in_order(self, reviewer, batch):
        typed = {
            "c0_kind": "edit",
            "c0/to": "Bob",
            "c1_kind": "changes",
            "c1_changes": "keep a copy",
            "c2_kind": "respond",
            "c2_respond": "Not today",
        }
        assert send(reviewer, batch, "approve", **typed).status_code == 303

        assert answer() == {
            "decisions": [
                {
                    "type": "edit",
                    "edited_action": {"name": "send", "args": {"to": "Bob"}},
                },
                {"type": "reject", "message": "Changes needed: keep a copy"},
                {"type": "respond", "message": "Not today"},
            ]
        }

    def test_what_is_missing_is_named_call_by_call(self, reviewer, batch):
        typed = {
            "c0_kind": "changes",
            "c0_changes": " ",
            "c1_kind": "respond",
            "c2_kind": "edit",
            "c2/nr": "x",
        }
        response = send(reviewer, batch, "approve", **typed)

        assert response.status_code == 400
        summary = " ".join(
            Html(response).one("section", id="error-summary").text.split()
        )
        for words in (
            "1. send: Say what should change.",
            "2. delete: Choose one.",
            "3. call: Mend the marked fields.",
            "Nr: Enter a whole number",
        ):
            assert words in summary
        assert not Decision.objects.exists()


@pytest.mark.parametrize("payload", [INBOX, [INBOX]])
@pytest.mark.parametrize(
    ("kind", "typed", "expected"),
    [
        ("approve", {"v/to": "Ann"}, {"type": "accept", "args": None}),
        (
            "edit",
            {"v/to": "Bob"},
            {"type": "edit", "args": {"action": "mail", "args": {"to": "Bob"}}},
        ),
        ("respond", {"response": "Later"}, {"type": "response", "args": "Later"}),
        (
            "changes",
            {"changes_needed": "shorter"},
            {"type": "response", "args": "Changes needed: shorter"},
        ),
        ("close", {"close_reason": "moot"}, {"type": "ignore", "args": None}),
    ],
)
def test_an_inbox_request(reviewer, thread, payload, kind, typed, expected):
    question = ask(thread, payload)

    page = page_of(reviewer, question)
    assert set(page.buttons()) == {"approve", "edit", "respond", "changes", "close"}
    assert page.has_text("The workflow is told that nobody answers")
    assert send(reviewer, question, kind, **typed).status_code == 303
    assert answer() == [expected]


def test_several_inbox_requests(reviewer, thread):
    question = ask(thread, [INBOX, INBOX])

    page = page_of(reviewer, question)
    assert set(page.buttons()) == {"approve"}
    send(reviewer, question, "approve", c0_kind="close", c1_kind="approve")

    assert answer() == [
        {"type": "ignore", "args": None},
        {"type": "accept", "args": None},
    ]


@pytest.mark.parametrize(
    ("kind", "typed", "expected"),
    [
        (
            "approve",
            {"v/n": "1"},
            {"decision": "approve", "value": {"title": "T", "n": 1}, "reason": ""},
        ),
        (
            "edit",
            {"v/n": "2"},
            {"decision": "approve", "value": {"title": "T", "n": 2}, "reason": ""},
        ),
        (
            "reject",
            {"reject_reason": "no"},
            {"decision": "reject", "value": None, "reason": "no"},
        ),
        (
            "respond",
            {"response": "seven"},
            {"decision": "respond", "value": "seven", "reason": ""},
        ),
        (
            "changes",
            {"changes_needed": "more"},
            {"decision": "changes", "value": None, "reason": "more"},
        ),
    ],
)
def test_anything_else(reviewer, thread, kind, typed, expected):
    question = ask(thread, {"title": "T", "n": 1})

    assert send(reviewer, question, kind, **typed).status_code == 303
    assert answer() == expected
