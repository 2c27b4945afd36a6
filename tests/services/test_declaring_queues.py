"""Queues are declared in the code, and a start says in which it waits (RB.9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.services.lining import post, started, told
from tests.services.napping import boss
from workflows.models import Thread
from workflows.services import registry
from workflows.services.action import InvalidAnswer
from workflows.services.queues import Queue, UnknownQueueError
from workflows.storage.claims import claim_run

assert boss
assert post
assert told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.9")]
HOUR = timedelta(hours=1)


class TestDeclaring:
    def test_a_queue_is_known_by_its_name(self, post):
        mail = Queue("mail", concurrency=2, rate=(5, timedelta(minutes=1)))

        by_name = started("a")
        by_itself = started("b", queue=mail)

        assert {by_name.queue, by_itself.queue} == {"mail"}
        assert mail.rate == (5, 60.0)

    def test_the_same_twice_is_one_and_another_of_the_name_is_refused(self):
        Queue("mail", concurrency=2)
        Queue("mail", concurrency=2)

        with pytest.raises(ValueError, match=r"'mail' is taken by .*concurrency=2"):
            Queue("mail", concurrency=3)

    @pytest.mark.parametrize(
        ("given", "error", "said"),
        [
            ({"name": ""}, ValueError, "name is ''; give a text of 1 to 100"),
            ({"name": "a\n"}, ValueError, "printable"),
            ({"name": 7}, TypeError, "name is 7"),
            ({"concurrency": 0}, ValueError, "whole number >= 1"),
            ({"worker_concurrency": 1.5}, TypeError, "whole number >= 1"),
            ({"rate": 5}, TypeError, "a pair"),
            ({"rate": (1, 2, 3)}, TypeError, "a pair"),
            ({"rate": (0, 60)}, ValueError, "the number in rate"),
            ({"rate": (1, 0)}, ValueError, "the seconds in rate"),
            ({"rate": (1, 1e9)}, ValueError, "a year"),
            ({"partition_by": 3}, TypeError, "a key of the input"),
        ],
    )
    def test_what_makes_no_sense_is_refused_where_it_is_written(
        self, given, error, said
    ):
        with pytest.raises(error, match=said):
            Queue(**{"name": "odd", **given})

    def test_a_start_in_a_queue_that_nobody_declares_is_refused(self, post):
        with pytest.raises(UnknownQueueError, match="'mial' is declared"):
            started("a", queue="mial")
        with pytest.raises(TypeError, match="a Queue, or the name of one"):
            started("a", queue=7)
        assert not Thread.objects.exists()

    def test_a_workflow_has_a_queue_that_a_start_may_leave(self, post):
        Queue("mail")
        Queue("slow")
        registry.register(registry.get("mail").graph, name="mail", queue="mail")

        assert started("a", queue=None).queue == "mail"
        assert started("b", queue="slow").queue == "slow"
        assert started("c", queue="").queue == ""

    def test_one_whose_queue_is_missing_starts_nothing(self, post):
        registry.register(registry.get("mail").graph, name="mail", queue="gone")

        with pytest.raises(InvalidAnswer, match="'gone', which the code does not"):
            started("a", queue=None)


class TestPartitions:
    def test_a_key_of_the_input_or_a_function_of_it_tells_the_partition(self, post):
        Queue("mail", concurrency=1, partition_by="to")
        Queue("fn", concurrency=1, partition_by=lambda given: len(given["to"]))

        assert started("a").partition == "a"
        assert started("bcd", queue="fn").partition == "3"

    @pytest.mark.parametrize(
        ("by", "said"),
        [
            ("customer", "customer: the queue 'mail' is parted by this key"),
            (lambda given: None, "what partition_by returned is None"),
            (lambda given: "", "a text of 1 to 200 printable characters"),
            (lambda given: True, "is True"),
            (lambda given: given["x"], "partition_by of the queue 'mail' raised KeyE"),
        ],
    )
    def test_an_input_without_one_starts_nothing(self, post, by, said):
        Queue("mail", partition_by=by)

        with pytest.raises(InvalidAnswer, match=said):
            started("a")
        assert not Thread.objects.exists()

    def test_the_limits_are_those_of_each(self, post):
        Queue("mail", concurrency=1, partition_by=lambda given: given["to"][0])
        runs = [started(name) for name in ("a1", "a2", "b1")]

        claims = [claim_run(run.pk, "me") for run in runs]

        assert [claim is not None for claim in claims] == [True, False, True]
