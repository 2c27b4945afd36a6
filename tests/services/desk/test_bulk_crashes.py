"""An order whose worker dies, is doubled or loses the database: each question is decided once."""

import pytest
from django.db import OperationalError

from tests.services.desk.bulk import (
    DONE,
    WAITING,
    ask_many,
    bills,
    carry_out,
    no_leases_left,
    order,
    states,
)
from workflows.engine.drivers import faults
from workflows.models import BulkItem, Decision, Run
from workflows.services.desk import bulk_work
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.storage.leases import keeper

__all__ = ["bills", "no_leases_left"]

pytestmark = pytest.mark.django_db(transaction=True)


class TestCrashes:
    def test_killed_before_any_request_it_decides_each_once(
        self, people, letter, monkeypatch
    ):
        # A killed process renews no lease.
        monkeypatch.setattr(keeper, "hold", lambda *_: None)
        monkeypatch.setattr(bulk_work, "CHUNK", 2)
        for k in range(1, 100):
            rows = ask_many(2)
            made = order(people.reviewer, rows).execute()
            died = False
            with faults.kill_before(k):
                try:
                    execute_run(made.run_id)
                except faults.Killed:
                    died = True
            Run.objects.filter(status="running").update(lease_until="2020-01-01T00:00Z")
            recover_runs()
            carry_out(made)

            assert states(made) == [DONE] * 2, k
            found = Decision.objects.filter(interrupt__in=rows)
            assert found.count() == 2, k
            assert Run.objects.get(pk=made.run_id).status == "success", k
            if not died:
                break
        assert k > 10

    def test_a_question_is_decided_once_by_two_workers(self, people, bills):
        made = order(people.reviewer, bills).execute()
        item = BulkItem.objects.filter(order=made).first()

        assert bulk_work.decide_item(item.pk) == "done"
        assert bulk_work.decide_item(item.pk) == "done"

        # The other one has read the row before and comes late.
        late = BulkItem.objects.get(pk=item.pk)
        late.state = "waiting"
        bulk_work._note(late, "waiting", "refused", ValueError("late"))
        assert states(made)[0] == DONE
        assert Decision.objects.count() == 1

    def test_decision_and_result_stand_or_fall_together(
        self, people, bills, monkeypatch
    ):
        made = order(people.reviewer, bills).execute()
        item = BulkItem.objects.filter(order=made).first()

        def fall(*_, **__):
            raise OperationalError("the database is away")

        monkeypatch.setattr(bulk_work, "_settle", fall)
        with pytest.raises(OperationalError):
            bulk_work.decide_item(item.pk)

        assert not Decision.objects.exists()
        assert states(made)[0] == WAITING
