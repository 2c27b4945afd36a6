"""The editor of a thread's state: form, JSON, preview, both ways of saving, and what is late."""

import json
import operator
from typing import Annotated, Any, TypedDict

import pytest
from django.test import Client

from tests.web.conftest import Html
from workflows.engine.constants import END, START
from workflows.engine.graph.message import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    add_messages,
)
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Checkpoint, Decision, Event, Interrupt, Run
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.services.thread_history import thread_detail

BIG = 2**63 + 1


class Input(TypedDict):
    to: str


class State(TypedDict, total=False):
    to: str
    text: str
    count: int
    tags: Annotated[list[str], operator.add]
    said: Annotated[list[AnyMessage], add_messages]
    key: str
    memo: str


def draft(state):
    return {
        "text": f"Dear {state['to']}",
        "count": BIG,
        "tags": ["new"],
        "said": [HumanMessage("Write to Ada", id="1"), AIMessage("Done", id="2")],
        "key": "s3cret",
    }


def review(state):
    answer = interrupt({"title": "Send the letter?", "text": state["text"]})
    return {"tags": [f"{answer['decision']}: {state['text']}"]}


@pytest.fixture
def post(own_registry):
    """Registers the workflow; `editable` may be other channels."""

    def build(editable=("text", "count", "tags", "said", "key", "memo"), **more):
        builder = StateGraph(State, input_schema=Input)
        builder.add_node("draft", draft)
        builder.add_node("review", review)
        builder.add_edge(START, "draft")
        builder.add_edge("draft", "review")
        builder.add_edge("review", END)
        registry.register(
            builder.compile(name="post"),
            name="post",
            title="Post",
            editable=editable,
            secret=["key"],
            **more,
        )

    return build


def run_all():
    while due := Run.objects.filter(status="pending").order_by("id").first():
        execute_run(due.pk)


@pytest.fixture
def asked(as_, post):
    """The question, in front of which the thread stands."""
    post()
    as_("operator").post("/start/post/", {"input/to": "Ada"})
    run_all()
    return Interrupt.objects.get()


def form_of(page: Html, **typed: str) -> dict[str, Any]:
    """What the editor's form posts of its own accord, with what is typed into it."""
    [form] = page.all("form", id="edit-state")
    sent: dict[str, Any] = {}
    for element in page.elements:
        name = element.attributes.get("name")
        if form not in element.parents or not name:
            continue
        if element.tag == "textarea":
            sent[name] = element.text.removeprefix("\n")
        elif name == "on":
            sent.setdefault(name, []).append(element.attributes["value"])
        elif element.tag == "input" and element.attributes.get("type") != "checkbox":
            sent[name] = element.attributes.get("value", "")
        elif element.tag == "option" or element.tag == "select":
            continue
    for select in page.all("select"):
        chosen = [
            option.attributes["value"]
            for option in page.all("option")
            if select in option.parents and "selected" in option.attributes
        ]
        sent[select.attributes["name"]] = chosen[0] if chosen else ""
    return {**sent, "reason": "a typo", **typed}


def values(thread_id: str, people) -> dict:
    state = thread_detail(people["admin"], thread_id).state
    return {each.name: each.tree for each in state.fields}


class Desk:
    """One person at the editor of a question."""

    def __init__(self, client: Client, question: Interrupt) -> None:
        self.client = client
        self.path = f"/review/{question.pk}/state"

    def open(self) -> Html:
        response = self.client.get(self.path)
        assert response.status_code == 200, response
        return Html(response)

    def post(self, page: Html, at: str = "", /, **typed: str):
        return self.client.post(self.path + at, form_of(page, **typed))


@pytest.fixture
def desk(as_, asked):
    return Desk(as_("reviewer"), asked)


class TestThePage:
    def test_review_and_thread_lead_to_it(self, as_, asked):
        page = Html(as_("reviewer").get(f"/review/{asked.pk}/"))
        assert page.one("a", href=f"/review/{asked.pk}/state")
        page = Html(as_("operator").get(f"/threads/{asked.thread_id}/"))
        assert page.one("a", href=f"/threads/{asked.thread_id}/state")
        for path in (f"/review/{asked.pk}/", f"/threads/{asked.thread_id}/"):
            assert not Html(as_("viewer").get(path)).all("a", href=f"{path}state")

    def test_fields_are_drawn_by_their_schema(self, desk):
        page = desk.open()

        assert page.one("input", name="s/text").attributes["value"] == "Dear Ada"
        count = page.one("input", name="s/count")
        assert count.attributes["value"] == str(BIG)
        assert page.one("input", name="s/tags/0").attributes["value"] == "new"
        assert not page.all(name="s/to")
        assert not page.has_text("s3cret")
        assert page.has_text("lack the right to read")

    def test_who_may_not_is_refused(self, as_, asked):
        paths = (f"/review/{asked.pk}/state", f"/threads/{asked.thread_id}/state")
        for path in paths:
            for at in ("", "/preview"):
                for name, status in (("viewer", 403), ("stranger", 404)):
                    assert as_(name).post(path + at, {}).status_code == status
            assert as_("viewer").get(path).status_code == 403
            assert as_("stranger").get(path).status_code == 404
            assert as_(None).get(path).status_code == 302
            assert as_("admin", enforce_csrf_checks=True).post(path).status_code == 403
        assert as_("admin").get("/threads/none/state").status_code == 404
        assert as_("admin").get("/review/999999/state").status_code == 404

    def test_a_workflow_that_opens_nothing_says_so(self, as_, post):
        post(editable=())
        as_("operator").post("/start/post/", {"input/to": "Ada"})
        run_all()
        asked = Interrupt.objects.get()

        page = Html(as_("operator").get(f"/review/{asked.pk}/state"))

        assert page.has_text("opens no field of its state for editing")

    def test_values_are_never_markup(self, desk, asked):
        page = desk.open()
        bad = "<script>alert(1)</script>\u202eevil"

        shown = desk.post(page, "/preview", **{"s/text": bad})

        assert "<script>alert" not in shown.content.decode()
        assert "\u202e" not in Html(shown).one("div", id="preview").text


class TestPreview:
    def preview(self, desk, **typed):
        fragment = form_of(desk.open(), **typed)
        response = desk.client.post(
            desk.path + "/preview", fragment, headers={"HX-Request": "true"}
        )
        assert response.status_code == 200
        return Html(response)

    def text(self, page):
        return " ".join("".join(e.text for e in page.all("section")).split())

    def test_it_tells_changes_and_effect(self, desk, asked):
        before = [m.objects.count() for m in (Run, Event, Checkpoint, Decision)]

        text = self.text(self.preview(desk, **{"s/text": "Dear Grace"}))

        assert "Dear Ada" in text
        assert "Dear Grace" in text
        assert f"Question #{asked.pk} is asked again" in text
        assert "Runs again from its first line: review" in text
        assert f"Question #{asked.pk} is answered" in text
        after = [m.objects.count() for m in (Run, Event, Checkpoint, Decision)]
        assert before == after

    def test_a_fault_of_a_reducer_stands_at_its_update(self, desk):
        page = self.preview(desk, **{"u/tags": "5"})

        assert any("tags: The reducer refuses" in e.text for e in page.all("p"))

    def test_what_cannot_be_read_is_told(self, desk):
        text = self.text(self.preview(desk, **{"s/count": "many"}))

        assert "cannot be read yet" in text

    def test_without_htmx_it_is_the_page(self, desk):
        response = desk.post(desk.open(), "/preview", **{"s/text": "Dear Grace"})

        page = Html(response)
        assert page.one("input", name="s/text").attributes["value"] == "Dear Grace"
        assert "Dear Grace" in page.one("div", id="preview").text

    def test_a_get_does_not_preview(self, desk):
        assert desk.client.get(desk.path + "/preview").status_code == 405


class TestSaving:
    def test_edit_only_asks_again_under_the_same_number(self, desk, asked, as_):
        response = desk.post(desk.open(), save="alone", **{"s/text": "Dear Grace"})

        assert response.status_code == 303
        assert response["Location"] == f"/review/{asked.pk}/"
        run_all()
        assert list(Interrupt.objects.values_list("pk", "status")) == [
            (asked.pk, "pending")
        ]
        page = Html(as_("reviewer").get(f"/review/{asked.pk}/"))
        assert page.has_text("Dear Grace")
        timeline = Html(as_("viewer").get(f"/threads/{asked.thread_id}/"))
        assert f"Question #{asked.pk} is asked again because of it" in " ".join(
            timeline.one("ol", id="timeline").text.split()
        )

    def test_save_and_resume_is_one_step(self, desk, asked, people):
        page = desk.open()
        kind = next(e.attributes["value"] for e in page.all("button", name="kind"))

        response = desk.post(page, kind=kind, **{"s/text": "Dear Grace"})

        assert response.status_code == 303, Html(response).text()
        run_all()
        assert values(asked.thread_id, people)["tags"] == ["new", "approve: Dear Grace"]
        assert Decision.objects.get().reason == "a typo"

    def test_the_answer_may_be_changed_with_it(self, desk, asked):
        page = desk.open()

        desk.post(page, kind="edit", **{"s/text": "a", "v/text": "b"})

        answer = json.loads(Decision.objects.get().answer)
        assert answer["value"]["text"] == "b"

    def test_whole_numbers_keep_their_digits(self, desk, asked, people):
        desk.post(desk.open(), save="alone", **{"s/count": str(BIG + 2)})

        assert values(asked.thread_id, people)["count"] == BIG + 2

    def test_lists_are_replaced_and_updates_are_added(self, desk, asked, people):
        typed = {"s/tags/0": "old", "u/said": '[{"role": "user", "content": "More"}]'}
        desk.post(desk.open(), save="alone", **typed)

        found = values(asked.thread_id, people)
        assert found["tags"] == ["old"]
        assert [each["v"]["content"] for each in found["said"]] == [
            "Write to Ada",
            "Done",
            "More",
        ]

    def test_value_and_update_of_one_channel_exclude_each_other(self, desk):
        typed = {"s/tags/0": "old", "u/tags": '["x"]'}

        response = desk.post(desk.open(), save="alone", **typed)

        assert response.status_code == 400
        assert Html(response).has_text("not both")

    def test_a_conversation_is_edited_message_by_message(self, desk, asked, people):
        page = desk.open()
        assert page.one("textarea", name="s/said/1/text").text.strip() == "Done"

        desk.post(page, save="alone", **{"s/said/1/text": "Not yet"})

        said = values(asked.thread_id, people)["said"]
        assert [each["$t"] for each in said] == ["HumanMessage", "AIMessage"]
        assert said[1]["v"]["content"] == "Not yet"
        assert said[1]["v"]["id"] == "2"

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"reason": ""}, "Say why"),
            ({"reason": "a\x00b"}, "NUL"),
            ({"s/text": "Dear Ada"}, "Nothing was changed"),
            ({"s/count": "1.5"}, "whole number"),
            ({"u/tags": "5"}, "The reducer refuses"),
            ({"u/tags": "[NaN]"}, "NaN is not JSON"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_lost(self, desk, asked, typed, words):
        given = {"s/text": "Dear Grace", **typed}

        response = desk.post(desk.open(), save="alone", **given)

        page = Html(response)
        assert response.status_code == 400
        # Said in the list at the top, which takes the focus.
        assert words in page.one("section", id="error-summary").text
        assert page.one("input", name="s/text").attributes["value"] == given["s/text"]
        assert not Event.objects.filter(kind="edit").exists()

    def test_no_secret_and_no_other_channel(self, desk):
        for name in ("key", "to", "__resume__", "__pregel_tasks", "as_node", "status"):
            for typed in (
                {"mode": "json", "values": json.dumps({name: "x"})},
                {f"u/{name}": '["x"]'},
            ):
                response = desk.post(desk.open(), save="alone", **typed)
                assert response.status_code == 403
                assert Html(response).has_text(f"You may not edit {name}")
        # A field that the form does not have is not read at all.
        response = desk.post(desk.open(), save="alone", **{"s/key": "x"})
        assert Html(response).has_text("Nothing was changed")
        assert not Event.objects.filter(kind="edit").exists()

    @pytest.mark.parametrize("said", [[{"foo": 1}], [5], [None]])
    def test_what_is_no_message_is_refused(self, desk, said):
        for at, button in (("", {"save": "alone"}), ("/preview", {})):
            typed = {"mode": "json", "values": json.dumps({"said": said}), **button}
            response = desk.post(desk.open(), at, **typed)
            assert response.status_code == (400 if button else 200)
            assert Html(response).has_text("no value of this field")
        assert not Event.objects.filter(kind="edit").exists()

    def test_messages_are_added_and_taken_out(self, desk, asked, people):
        page = desk.open()
        more = Html(desk.post(page, _add="s/said"))
        typed = {"s/said/2/role": "0", "s/said/2/text": "Thanks"}
        fewer = Html(desk.post(more, _remove="s/said/0", **typed))

        response = desk.client.post(desk.path, form_of(fewer, save="alone"))

        assert response.status_code == 303
        said = values(asked.thread_id, people)["said"]
        assert [(each["$t"], each["v"]["content"]) for each in said] == [
            ("AIMessage", "Done"),
            ("HumanMessage", "Thanks"),
        ]

    def test_nobody_makes_a_type_by_writing_its_tag(self, desk, asked, people):
        sent = {"text": {"$t": "Decimal", "v": "1.5"}}
        desk.post(
            desk.open(),
            save="alone",
            mode="json",
            values=json.dumps(sent),
            base=json.dumps(sent | {"x": 1}),
        )

        found = Checkpoint.objects.filter(thread=asked.thread).count()
        assert found  # it was read as plain data or refused, never as a Decimal
        text = values(asked.thread_id, people)["text"]
        assert not (isinstance(text, dict) and text.get("$t") == "Decimal")


class TestJson:
    def test_the_words_go_over_and_come_back(self, desk):
        page = desk.open()

        as_json = Html(desk.post(page, _mode="json", **{"s/text": "Dear Grace"}))

        box = as_json.one("textarea", name="values")
        shown = json.loads(box.text)
        assert (shown["text"], shown["count"]) == ("Dear Grace", BIG)
        shown["text"] = "Dear Alan"
        sent = form_of(as_json, _mode="form", values=json.dumps(shown))
        again = Html(desk.client.post(desk.path, sent))
        assert again.one("input", name="s/text").attributes["value"] == "Dear Alan"
        assert not again.all("textarea", name="values")

    def test_the_policy_lets_its_styles_in_by_a_word(self, desk):
        page = desk.open()
        plain = desk.client.get(desk.path)["Content-Security-Policy"]

        response = desk.post(page, _mode="json")

        word = (
            Html(response)
            .one("div", **{"data-own-keys": ""})
            .attributes["data-style-nonce"]
        )
        policy = response["Content-Security-Policy"]
        assert f"style-src 'self' 'nonce-{word}';" in policy
        assert "unsafe" not in policy
        assert "nonce" not in plain
        assert word not in desk.post(page, _mode="json")["Content-Security-Policy"]

    def test_it_is_saved(self, desk, asked, people):
        sent = json.dumps({"text": "Dear Grace", "count": BIG + 4})

        response = desk.post(desk.open(), save="alone", mode="json", values=sent)

        assert response.status_code == 303
        found = values(asked.thread_id, people)
        assert (found["text"], found["count"]) == ("Dear Grace", BIG + 4)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "Not valid JSON"),
            ('{"text": 1, "text": 2}', "occurs twice"),
            ('{"count": NaN}', "NaN is not JSON"),
            ('{"count": 1e999}', "too large"),
            ("[]", "one key per field"),
            ('{"count": "many"}', "count: a whole number"),
            ('{"text": "a\\u0000"}', "NUL"),
            ("[" * 200, "nested more than"),
        ],
    )
    def test_what_is_no_such_json_is_refused_with_its_place(self, desk, text, words):
        page = desk.open()

        for at, button in (("", {"save": "alone"}), ("", {"_mode": "form"})):
            response = desk.post(page, at, mode="json", values=text, **button)
            assert response.status_code == 400
            assert Html(response).has_text(words)
            box = Html(response).one("textarea", name="values")
            assert box.text.removeprefix("\n").strip() == text
        assert not Event.objects.filter(kind="edit").exists()


class TestLate:
    @pytest.fixture
    def other(self, as_, asked):
        return Desk(as_("operator"), asked)

    def test_both_sides_are_shown_and_merged(self, desk, other, asked, people):
        mine, theirs = desk.open(), other.open()
        other.post(theirs, save="alone", **{"s/count": "7", "s/text": "Dear Alan"})
        run_all()

        response = desk.post(mine, save="alone", **{"s/text": "Dear Grace"})

        page = Html(response)
        assert response.status_code == 409
        conflict = " ".join(page.one("section", id="conflict").text.split())
        for words in (
            "review the changes",
            "Dear Alan",
            "Dear Grace",
            "Changed on both",
        ):
            assert words in conflict
        assert page.one("input", name="s/text").attributes["value"] == "Dear Grace"
        assert page.one("input", name="s/count").attributes["value"] == "7"
        assert page.one("textarea", name="reason").text.strip() == "a typo"
        # The page stands on the newest checkpoint now: saving it again holds.
        again = desk.client.post(desk.path, form_of(page, save="alone"))
        assert again.status_code == 303
        found = values(asked.thread_id, people)
        assert (found["text"], found["count"]) == ("Dear Grace", 7)

    def test_a_field_that_was_empty_is_merged_too(self, desk, other, asked, people):
        mine, theirs = desk.open(), other.open()
        other.post(theirs, save="alone", **{"s/memo": "theirs"})
        run_all()

        response = desk.post(mine, save="alone", **{"s/memo": "mine"})

        page = Html(response)
        assert response.status_code == 409
        conflict = page.one("section", id="conflict").text
        assert "theirs" in conflict
        assert "mine" in conflict
        assert page.one("input", name="s/memo").attributes["value"] == "mine"

    def test_so_it_is_with_a_decision(self, desk, other, asked):
        mine, theirs = desk.open(), other.open()
        other.post(theirs, save="alone", **{"s/text": "Dear Alan"})
        run_all()

        response = desk.post(mine, kind="edit", **{"s/text": "Dear Grace"})

        assert response.status_code == 409
        assert not Decision.objects.exists()
        page = Html(response)
        assert (
            desk.client.post(desk.path, form_of(page, kind="edit")).status_code == 303
        )

    def test_a_thread_at_work_is_a_conflict_that_loses_nothing(
        self, desk, other, asked
    ):
        mine = other.open()
        other.post(other.open(), save="alone", **{"s/text": "Dear Alan"})

        response = other.post(mine, save="alone", **{"s/text": "Dear Grace"})

        page = Html(response)
        assert response.status_code == 409
        assert page.one("input", name="s/text").attributes["value"] == "Dear Grace"

    def test_what_cannot_be_read_stays_on_the_old_state(self, desk, other, asked):
        mine, theirs = desk.open(), other.open()
        other.post(theirs, save="alone", **{"s/text": "Dear Alan"})
        run_all()

        response = desk.post(mine, save="alone", **{"s/count": "many"})

        page = Html(response)
        assert response.status_code == 409
        assert page.one("input", name="s/count").attributes["value"] == "many"
        before = mine.one("input", name="checkpoint").attributes["value"]
        assert page.one("input", name="checkpoint").attributes["value"] == before

    def test_whoever_may_not_any_more_gets_the_words_back(self, desk, as_, asked):
        page = desk.open()
        theirs = Desk(as_("admin"), asked)
        theirs.post(theirs.open(), kind="edit", **{"s/text": "x"})

        response = desk.post(page, save="alone", **{"s/text": "Dear Grace"})

        assert response.status_code == 409
        assert Html(response).has_text("Dear Grace")
        assert Html(response).has_text("a typo")

    def test_the_preview_tells_that_it_stands_on_the_past(self, desk, other):
        mine, theirs = desk.open(), other.open()
        other.post(theirs, save="alone", **{"s/text": "Dear Alan"})
        run_all()

        page = Html(desk.post(mine, "/preview", **{"s/text": "Dear Grace"}))

        assert page.has_text("Based on the checkpoint of step 1, the newest is of")
        assert (
            page.one("input", name="checkpoint").attributes["value"]
            == mine.one("input", name="checkpoint").attributes["value"]
        )

    def test_what_moved_can_be_read_before_one_saves(self, desk, other):
        mine, theirs = desk.open(), other.open()
        other.post(theirs, save="alone", **{"s/text": "Dear Alan"})
        run_all()

        response = desk.post(mine, _review="1", **{"s/count": "7"})

        page = Html(response)
        assert response.status_code == 200
        assert page.one("section", id="conflict").text.count("Dear Alan") == 1
        assert page.one("input", name="s/text").attributes["value"] == "Dear Alan"
        assert page.one("input", name="s/count").attributes["value"] == "7"
        assert page.one("textarea", name="reason").text.strip() == "a typo"


class TestLargeValues:
    @pytest.fixture
    def long(self, desk, asked, people):
        desk.post(
            desk.open(),
            save="alone",
            mode="json",
            values=json.dumps({"text": "line\n" * 10_000}),
        )
        run_all()
        return desk

    def test_they_are_loaded_on_demand(self, long, asked, people):
        page = long.open()
        assert not page.all(name="s/text")
        assert page.one("button", name="_load").attributes["value"] == "text"

        loaded = Html(long.post(page, _load="text", **{"s/count": "3"}))

        box = loaded.one("textarea", name="s/text")
        assert box.text.count("line") == 10_000
        assert loaded.one("input", name="s/count").attributes["value"] == "3"
        sent = form_of(loaded, save="alone", **{"s/text": "short"})
        assert long.client.post(long.path, sent).status_code == 303
        found = values(asked.thread_id, people)
        assert (found["text"], found["count"]) == ("short", 3)


def test_four_eyes_leave_the_answer_to_others(as_, post):
    post(policy={"four_eyes": True})
    as_("operator").post("/start/post/", {"input/to": "Ada"})
    run_all()
    asked = Interrupt.objects.get()
    desk = Desk(as_("reviewer"), asked)

    response = desk.post(desk.open(), kind="edit", **{"s/text": "Dear Grace"})

    assert response.status_code == 403
    assert Html(response).has_text("second pair of eyes")
    assert not Html(desk.client.get(desk.path)).buttons()
    assert desk.post(Html(response), save="alone").status_code == 303
    run_all()
    page = Html(desk.client.get(f"/review/{asked.pk}/"))
    assert not page.buttons()
