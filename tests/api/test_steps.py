"""The state of a thread and its history, as a program reads them."""

import pytest

from tests.api.conftest import problem_in
from tests.api.reading import as_, asked, asks, leave_through, post
from tests.web.state_editing import BIG, run_all
from workflows.models import AuditEntry, CheckpointLabel, Thread
from workflows.services.edit_state import EditState

__all__ = ["as_", "asked", "asks", "post"]


@pytest.fixture
def path(asked) -> str:
    return f"/threads/{asked.thread_id}"


def fields(answer) -> dict:
    assert answer.status_code == 200, answer.content
    return {each["name"]: each for each in answer.json()["fields"]}


class TestState:
    def test_it_is_told_field_by_field(self, program, path, asked):
        answer = program("viewer").get(f"{path}/state")

        found = fields(answer)
        assert found["text"]["value"] == "Dear Ada"
        assert found["text"]["is_editable"] is True
        assert found["count"]["value"] == BIG
        assert found["said"]["value"][0]["$t"]
        assert answer.json()["next"] == ["review"]
        assert answer.json()["checkpoint"] == asked.thread.head

    @pytest.mark.parametrize(
        ("who", "scopes", "sees"),
        [
            ("viewer", ["read"], False),
            ("operator", ["read"], False),
            ("admin", ["read"], False),
            ("admin", ["read", "secrets"], True),
        ],
    )
    def test_secrets_are_seen_with_their_scope_only(
        self, program, path, who, scopes, sees
    ):
        key = fields(program(who, *scopes).get(f"{path}/state"))["key"]

        assert (key["value"], key["is_masked"]) == (
            ("s3cret", False) if sees else (None, True)
        )
        entries = AuditEntry.objects.filter(action="secret.seen")
        assert entries.count() == int(sees)
        if sees:
            assert entries.get().channel == "api"
            assert "a program" in entries.get().data

    def test_each_program_that_sees_secrets_is_noted(self, program, path, as_):
        assert as_("admin").get(f"{path}/").status_code == 200
        for one in (program("admin", "read", "secrets") for _ in range(2)):
            one.get(f"{path}/state")
            one.get(f"{path}/state")

        entries = AuditEntry.objects.filter(action="secret.seen").order_by("id")
        assert [each.channel for each in entries] == ["web", "api", "api"]

    def test_it_was_another_one_before(self, program, path):
        one = program("viewer")
        oldest = leave_through(one, f"{path}/steps", 2)[-1]

        answer = one.get(f"{path}/state?checkpoint={oldest['checkpoint']}")

        assert "text" not in fields(answer)
        assert answer.json()["checkpoint"] == oldest["checkpoint"]

    def test_long_values_come_whole_where_they_are_named(self, program, asked, people):
        long = "x" * 50_000
        _edit(people["operator"], asked.thread_id, {"text": long, "memo": long})
        one = program("viewer")
        path = f"/threads/{asked.thread_id}/state"

        cut = fields(one.get(path))
        whole = fields(one.get(f"{path}?whole=text&whole=nothing&whole=key"))

        assert cut["text"]["is_cut"] is True
        assert len(cut["text"]["value"]) < 21_000
        assert (whole["text"]["value"], whole["text"]["is_cut"]) == (long, False)
        assert whole["memo"]["is_cut"] is True
        assert whole["key"]["value"] is None

    def test_a_thread_that_has_not_begun_has_none(self, program, thread):
        body = program("viewer").get("/threads/t-1/state").json()

        assert (body["checkpoint"], body["fields"], body["step"]) == ("", [], None)

    def test_a_step_of_another_thread_is_none_of_this(self, program, path, thread):
        checkpoint = program("viewer").get(path).json()["checkpoint"]

        for other in ("t-1", "nobody"):
            answer = program("viewer").get(
                f"/threads/{other}/state?checkpoint={checkpoint}"
            )
            problem_in(answer, 404, "not_found")

    def test_what_is_hidden_is_not_there(self, program, other_thread):
        for part in ("state", "steps", "steps/x"):
            answer = program("operator").get(f"/threads/t-secret/{part}")
            problem_in(answer, 404, "not_found")

    def test_the_scope_to_read_is_asked_for(self, program, path):
        for part in ("state", "steps", "steps/x"):
            answer = program("admin", "run").get(f"{path}/{part}")
            problem_in(answer, 403, "not_allowed")


class TestSteps:
    def test_the_newest_comes_first(self, program, path, asked):
        CheckpointLabel.objects.create(
            thread=asked.thread, checkpoint=asked.thread.head, text="drafted", by="Ada"
        )

        items = program("viewer").get(f"{path}/steps").json()["items"]

        assert [each["step"] for each in items] == [1, 0, -1]
        assert [each["source"] for each in items] == ["loop", "loop", "input"]
        assert items[0]["labels"] == ["drafted"]
        assert [each["is_head"] for each in items] == [True, False, False]
        assert items[1]["checkpoint"] == items[0]["parent"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 200])
    def test_its_pages_leave_none_out(self, program, path, limit):
        found = leave_through(program("viewer"), f"{path}/steps", limit)

        assert [each["step"] for each in found] == [1, 0, -1]

    def test_one_has_the_state_after_it(self, program, path, asked):
        CheckpointLabel.objects.create(
            thread=asked.thread, checkpoint=asked.thread.head, text="drafted", by="Ada"
        )

        body = (
            program("operator", "read", "run")
            .get(f"{path}/steps/{asked.thread.head}")
            .json()
        )

        assert body["is_head"] is True
        assert (body["may_label"], body["may_fork"]) == (True, True)
        assert [(each["text"], each["who"]) for each in body["labels"]] == [
            ("drafted", "Ada")
        ]
        value = {each["name"]: each["value"] for each in body["state"]["fields"]}
        assert (value["text"], value["key"]) == ("Dear Ada", None)

    def test_an_unknown_one_is_not_there(self, program, path):
        for text in ("x", "%2500", "x" * 300):
            problem_in(program("admin").get(f"{path}/steps/{text}"), 404, "not_found")

    def test_more_rows_ask_no_more(self, program, path, asks, asked, people):
        one = program("viewer")
        first = asks(one, f"{path}/steps")
        for number in range(20):
            _edit(people["operator"], asked.thread_id, {"text": f"draft {number}"})

        assert len(one.get(f"{path}/steps").json()["items"]) == 23
        assert asks(one, f"{path}/steps") == first


def _edit(person, thread_id: str, values: dict) -> None:
    head = Thread.objects.get(pk=thread_id).head
    EditState(person, thread_id, values, head, "a test").execute()
    run_all()
