"""Saving an edited state: alone or with the answer, what is refused, and whoever comes late."""

import json
from importlib import import_module
from importlib.util import find_spec

import pytest

from tests.conftest import cannot_run
from tests.web import state_editing
from tests.web.conftest import Html
from tests.web.state_editing import (
    BIG,
    Desk,
    asked,
    desk,
    form_of,
    post,
    run_all,
    values,
)
from workflows.models import Checkpoint, Decision, Event, Interrupt

__all__ = ["asked", "desk", "post"]


@pytest.fixture
def of_langchain(monkeypatch):
    """The conversation of the workflow is of langchain-core's messages."""
    if find_spec("langchain_core") is None:
        cannot_run("the package langchain-core is not installed")
    messages = import_module("langchain_core.messages")
    for name in ("HumanMessage", "AIMessage"):
        monkeypatch.setattr(state_editing, name, getattr(messages, name))


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

    def test_a_conversation_of_langchain_is_edited_as_one_of_ours(
        self, of_langchain, desk, asked, as_, people
    ):
        page = Html(as_("reviewer").get(f"/review/{asked.pk}/"))
        assert page.has_text("human: Write to Ada")
        more = Html(desk.post(desk.open(), _add="s/said"))
        typed = {"s/said/1/text": "Not yet", "s/said/2/role": "0"}

        desk.post(more, save="alone", **typed, **{"s/said/2/text": "Thanks"})

        said = values(asked.thread_id, people)["said"]
        assert [(each["$t"], each["v"]["content"]) for each in said] == [
            ("langchain_core:HumanMessage", "Write to Ada"),
            ("langchain_core:AIMessage", "Not yet"),
            ("langchain_core:HumanMessage", "Thanks"),
        ]
        assert [each["v"]["id"] for each in said[:2]] == ["1", "2"]
        assert not any(each["v"]["additional_kwargs"] for each in said)

    def test_who_said_it_may_be_changed(self, of_langchain, desk, asked, people):
        desk.post(desk.open(), save="alone", **{"s/said/1/role": "0"})

        said = values(asked.thread_id, people)["said"]
        assert [each["$t"] for each in said] == ["langchain_core:HumanMessage"] * 2

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
