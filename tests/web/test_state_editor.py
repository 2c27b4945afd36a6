"""The editor of a thread's state: its form, its JSON, its preview, and values too long to draw."""

import json

import pytest

from tests.web.conftest import Html
from tests.web.state_editing import BIG, asked, desk, form_of, post, run_all, values
from workflows.models import Checkpoint, Decision, Event, Interrupt, Run

__all__ = ["asked", "desk", "post"]


class TestThePage:
    def test_review_and_thread_lead_to_it(self, as_, asked):
        page = Html(as_("reviewer").get(f"/review/{asked.pk}/"))
        assert page.one("a", href=f"/review/{asked.pk}/state")
        page = Html(as_("operator").get(f"/threads/{asked.thread_id}/"))
        assert page.one("a", href=f"/threads/{asked.thread_id}/state")
        for path in (f"/review/{asked.pk}/", f"/threads/{asked.thread_id}/"):
            assert not Html(as_("viewer").get(path)).all("a", href=f"{path}state")

    def test_it_belongs_to_where_one_comes_from(self, as_, asked):
        for path, section in (
            (f"/review/{asked.pk}/state", "/queue/"),
            (f"/threads/{asked.thread_id}/state", "/threads/"),
        ):
            page = Html(as_("admin").get(path))
            [lit] = page.all("a", **{"aria-current": "page"})
            assert lit.attributes["href"] == section

    def test_it_can_tell_that_ones_claim_ends(self, as_, asked):
        address = f"/review/{asked.pk}/state"
        client = as_("reviewer")
        assert not Html(client.get(address)).all("time", **{"data-claim-until": ""})

        client.post(f"/review/{asked.pk}/claim")

        assert Html(client.get(address)).one("time", **{"data-claim-until": ""})

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

        page = Html(as_("operator").get(f"/threads/{asked.thread_id}/state"))

        assert page.has_text("opens no field of its state for editing")
        assert not page.all("button", name="save")
        assert not page.all("textarea", name="reason")

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
