"""Who may edit the state of a thread, which channels, and that an edit says why."""

from __future__ import annotations

import pytest

from tests.services.payments import (
    ask,
    asked,
    edit,
    everything,
    noted,
    pay,
    resume,
    run_all,
)
from tests.support.deciding import decided
from workflows.models import Interrupt
from workflows.services.action import InvalidAnswer, NotAllowed, NotVisible
from workflows.services.desk.claim_question import ClaimQuestion
from workflows.services.desk.deciding import ClaimedByOther
from workflows.services.preview_edit import PreviewEdit
from workflows.services.start_run import StartRun
from workflows.services.state_to_edit import state_to_edit

__all__ = ["ask", "asked", "noted", "pay"]

pytestmark = pytest.mark.django_db(transaction=True)


class TestWhoMay:
    def test_reviewers_while_they_are_asked(self, people, asked):
        edit(people.reviewer, asked).check()
        decided(resume(people.admin, asked))
        run_all()

        with pytest.raises(NotAllowed, match="waits for an answer"):
            edit(people.reviewer, asked).check()
        edit(people.operator, asked).check()

    def test_not_viewers_and_not_strangers(self, people, asked):
        with pytest.raises(NotAllowed):
            edit(people.viewer, asked).check()
        with pytest.raises(NotAllowed):
            PreviewEdit(people.viewer, asked.thread_id, {"amount": 1}).check()
        for action in (edit, resume):
            with pytest.raises(NotVisible):
                action(people.stranger, asked).check()
        with pytest.raises(NotVisible):
            state_to_edit(people.stranger, asked.thread_id)

    def test_not_beside_the_claim_of_somebody_else(self, people, asked):
        ClaimQuestion(people.admin, asked.pk).execute()

        with pytest.raises(ClaimedByOther, match="Take it over"):
            edit(people.reviewer, asked).check()
        with pytest.raises(ClaimedByOther):
            resume(people.reviewer, asked).execute()
        edit(people.operator, asked).check()

    @pytest.mark.parametrize(
        "name",
        ["internal", "__resume__", "__pregel_tasks", "__start__", "owner", "as_node"],
    )
    def test_no_channel_that_is_not_editable(self, people, asked, name):
        before = everything()

        for action in (edit, resume):
            with pytest.raises(NotAllowed, match=name):
                action(people.admin, asked, {name: 1}).execute()
        with pytest.raises(NotAllowed, match=name):
            edit(people.admin, asked, updates={name: [1]}).execute()
        with pytest.raises(NotAllowed, match=name):
            PreviewEdit(people.admin, asked.thread_id, {name: 1}).execute()
        assert everything() == before

    def test_a_secret_is_not_written_by_who_may_not_read_it(self, people, asked):
        shown = state_to_edit(people.reviewer, asked.thread_id, asked.pk)

        [key] = [each for each in shown.channels if each.name == "key"]
        assert (key.is_masked, key.is_editable, key.tree) == (True, False, None)
        for action in (edit, resume):
            with pytest.raises(NotAllowed, match="key"):
                action(people.reviewer, asked, {"key": "mine"}).execute()
        edit(people.admin, asked, {"key": "new"}).execute()

    def test_a_question_of_another_thread_opens_no_editor(self, people, asked):
        StartRun(people.operator, "pay", {"amount": 500}).execute()
        run_all()
        other = Interrupt.objects.latest("pk")

        with pytest.raises(NotVisible):
            state_to_edit(people.admin, asked.thread_id, other.pk)

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 10_001])
    def test_an_edit_says_why(self, people, asked, reason):
        for action in (edit, resume):
            with pytest.raises(InvalidAnswer) as refused:
                action(people.admin, asked, reason=reason).execute()
            assert list(refused.value.errors) == ["reason"]
