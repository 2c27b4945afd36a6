"""What a preview of an edit tells, and that it changes nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.services.payments import ask, asked, everything, noted, pay
from workflows.services import registry
from workflows.services.preview_edit import PreviewEdit

__all__ = ["ask", "asked", "noted", "pay"]

pytestmark = pytest.mark.django_db(transaction=True)


class TestPreview:
    def preview(self, person, row, values=None, **more):
        given = {"amount": 300} if values is None else values
        return PreviewEdit(person, row.thread_id, given, **more).execute()

    def test_it_tells_both_ways(self, people, asked):
        effect = self.preview(people.reviewer, asked, question=asked.pk)

        assert [(f.name, f.before, f.after) for f in effect.alone.fields] == [
            ("amount", 200, 300)
        ]
        assert [each.node for each in effect.alone.again] == ["ask"]
        assert [each.node for each in effect.alone.finished] == ["log"]
        assert [each.node for each in effect.alone.calls_lost] == ["look_up"]
        assert effect.alone.questions == (asked.pk,)
        assert [each.node for each in effect.resumed.again] == ["ask"]
        assert [each.node for each in effect.resumed.calls_kept] == ["look_up"]
        assert effect.resumed.calls_lost == ()

    def test_it_tells_of_questions_that_end(self, people, asked):
        effect = self.preview(people.reviewer, asked, {"amount": 50})

        assert effect.alone.over == (asked.pk,)
        assert [each.node for each in effect.alone.fresh] == ["small"]
        assert [each.node for each in effect.alone.dropped] == ["ask"]
        assert effect.resumed is None

    def test_values_take_the_place_and_updates_are_folded_in(self, people, asked):
        replaced = self.preview(people.reviewer, asked, {"tags": ["x"]})
        folded = self.preview(people.reviewer, asked, {}, updates={"tags": ["x"]})

        [field] = replaced.alone.fields
        assert (field.before, field.after) == (["begun", "logged"], ["x"])
        [field] = folded.alone.fields
        assert field.after == ["begun", "logged", "x"]

    def test_a_fault_of_a_reducer_is_told_with_its_channel(self, people, asked):
        effect = self.preview(people.reviewer, asked, {}, updates={"tags": 5})

        assert list(effect.faults) == ["tags"]
        assert "TypeError" in effect.faults["tags"]

    def test_a_fault_of_a_branch_is_told(self, people, asked):
        effect = self.preview(people.reviewer, asked, {"amount": "many"})

        assert "TypeError" in effect.alone.problem

    def test_nothing_is_written_and_nobody_is_told(self, people, asked, queue, noted):
        before = everything()
        woken = list(queue.runs)

        self.preview(people.reviewer, asked, question=asked.pk)
        self.preview(people.reviewer, asked, {"amount": 50})

        assert everything() == before
        assert (noted, queue.runs) == ([], woken)

    def test_what_a_branch_writes_is_taken_back(self, people, ask, monkeypatch):
        row = ask()
        graph = registry.get("pay").graph
        [branch] = graph.program.nodes["begin"].branches

        def careless(state):
            User.objects.create_user("careless")
            return ["small"]

        monkeypatch.setattr(branch, "path", careless, raising=False)
        effect = self.preview(people.reviewer, row)

        assert [each.node for each in effect.alone.fresh] == ["small"]
        assert not User.objects.filter(username="careless").exists()

    def test_secrets_stay_masked(self, people, asked):
        shown = self.preview(people.admin, asked, {"key": "new"}).alone.fields
        assert [(f.name, f.after) for f in shown] == [("key", "new")]
        # A branch or a finished task may change what this person may not read.
        found = self.preview(people.reviewer, asked).alone.fields
        assert "s3cret" not in repr(found)
