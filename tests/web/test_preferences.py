"""One's own keys: chosen, refused where two would be the same, switched off."""

import pytest

from tests.web.conftest import Html
from workflows.models import Preference


def keep(client, **keys):
    """Post the form of keys; `keys` are those that were changed."""
    form = {"part": "keys"} | {f"key-{first}": own for first, own in keys.items()}
    return client.post("/preferences/", form)


def own_keys(person) -> dict:
    return Preference.objects.get(person=person).keys


class TestOwnKeys:
    def test_they_are_kept_and_told_to_every_page(self, as_, people):
        client = as_("reviewer")

        assert keep(client, a="w", r="n").status_code == 303

        assert own_keys(people["reviewer"]) == {"a": "w", "r": "n"}
        page = Html(client.get("/runs/"))
        assert page.one("body").attributes["data-keys"] == '{"a": "w", "r": "n"}'
        helped = {e.text for e in page.all("kbd")}
        assert {"w", "n"} <= helped
        assert "a" not in helped

    def test_they_are_nobody_elses(self, as_, people):
        keep(as_("reviewer"), a="w")

        page = Html(as_("viewer").get("/runs/"))

        assert "data-keys" not in page.one("body").attributes

    def test_two_keys_can_change_places(self, as_, people):
        assert keep(as_("reviewer"), j="k", k="j").status_code == 303

        assert own_keys(people["reviewer"]) == {"j": "k", "k": "j"}

    def test_a_key_can_be_given_up(self, as_, people):
        keep(as_("reviewer"), a="")

        assert own_keys(people["reviewer"]) == {"a": ""}

    def test_one_for_two_things_is_refused_and_stays_in_the_form(self, as_, people):
        answer = keep(as_("reviewer"), a="r")

        assert answer.status_code == 400
        page = Html(answer)
        assert page.one("input", name="key-a").attributes["value"] == "r"
        assert page.one("input", name="key-a").attributes["aria-invalid"] == "true"
        assert page.has_text("“r” is taken: Reject with a reason")
        assert not Preference.objects.filter(keys__has_key="a").exists()

    def test_a_key_cannot_begin_another(self, as_, people):
        answer = keep(as_("reviewer"), a="g")

        assert answer.status_code == 400
        assert Html(answer).has_text("is taken: Go to the queue")

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("abc", "one key, or two"),
            ("a b c", "one key, or two"),
            ("\u200b", "a key that can be seen"),
            ("1", "numbers choose usual reasons"),
        ],
    )
    def test_what_is_no_key_is_refused(self, as_, people, typed, words):
        answer = keep(as_("reviewer"), a=typed)

        assert answer.status_code == 400
        assert Html(answer).has_text(words)

    def test_a_key_that_does_nothing_is_refused(self, as_, people):
        assert keep(as_("reviewer"), q="w").status_code == 400

    def test_the_usual_ones_come_back(self, as_, people):
        client = as_("reviewer")
        keep(client, a="w")

        client.post("/preferences/", {"part": "reset"})

        assert own_keys(people["reviewer"]) == {}


class TestSwitch:
    def test_single_keys_can_be_switched_off_on_every_page(self, as_, people):
        client = as_("reviewer")

        client.post("/preferences/", {"part": "switch"})

        assert Html(client.get("/runs/")).one("html").attributes["class"] == "no-keys"
        client.post("/preferences/", {"part": "switch", "on": "1"})
        assert "class" not in Html(client.get("/runs/")).one("html").attributes

    def test_it_leaves_the_rest_alone(self, as_, people):
        client = as_("reviewer")
        keep(client, a="w")
        client.post("/preferences/", {"undo_seconds": "90"})

        client.post("/preferences/", {"part": "switch"})

        kept = Preference.objects.get(person=people["reviewer"])
        assert (kept.keys, kept.undo_seconds, kept.keys_off) == ({"a": "w"}, 90, True)


def test_a_wrong_time_to_undo_is_said_at_its_field(as_, people):
    answer = as_("reviewer").post("/preferences/", {"undo_seconds": "soon"})

    assert answer.status_code == 400
    field = Html(answer).one("input", id="undo-seconds")
    assert field.attributes["value"] == "soon"
    assert field.attributes["aria-invalid"] == "true"


class TestTimeOfClaims:
    def test_it_is_kept_in_minutes(self, as_, people):
        client = as_("reviewer")

        client.post("/preferences/", {"part": "claim", "claim_minutes": "90"})

        assert Preference.objects.get(person=people["reviewer"]).claim_seconds == 5400
        page = Html(client.get("/preferences/"))
        assert page.one("input", id="claim-minutes").attributes["value"] == "90"

    @pytest.mark.parametrize("typed", ["soon", "1441", "-1"])
    def test_a_wrong_one_is_said_at_its_field(self, as_, people, typed):
        form = {"part": "claim", "claim_minutes": typed}
        answer = as_("reviewer").post("/preferences/", form)

        assert answer.status_code == 400
        field = Html(answer).one("input", id="claim-minutes")
        assert field.attributes["value"] == typed
        assert field.attributes["aria-invalid"] == "true"


def test_views_by_name_are_there_for_the_palette(as_, people):
    client = as_("reviewer")
    client.post("/queue/views/", {"name": "Late", "query": "due=overdue&sort=due"})

    found = client.get("/queue/views/").json()["views"]

    assert {"name": "Late", "query": "due=overdue&sort=due"} in found
    assert found[0] == {"name": "Mine and unassigned", "query": "who=mine&sort=due"}
