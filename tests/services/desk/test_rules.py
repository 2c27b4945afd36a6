"""What a policy may say, and which of several speaks last."""

import json

import pytest

from workflows.models import Interrupt, Policy, Thread
from workflows.services import registry
from workflows.services.desk.policies import rules_for
from workflows.services.desk.rules import (
    DEFAULT,
    Escalation,
    InvalidPolicy,
    as_mapping,
    read_part,
)


def test_a_part_is_read_and_can_be_written_down_again():
    part = {
        "quorum": 2,
        "four_eyes": True,
        "remind": [60, 3600],
        "escalate": [{"after": 60, "group": "leads", "priority": 5}],
        "reasons": ["wrong price"],
    }

    rules = DEFAULT.with_part(part, "test")

    assert rules.escalate == (Escalation(60, "leads", 5),)
    assert rules.remind == (3600, 60)
    assert DEFAULT.with_part(as_mapping(rules), "again") == rules


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ({"quorums": 2}, "quorums"),
        ({"quorum": 0}, "quorum"),
        ({"quorum": True}, "quorum"),
        ({"four_eyes": "yes"}, "four_eyes"),
        ({"reasons": "one"}, "reasons"),
        ({"timeout_action": "explode"}, "timeout_action"),
        ({"escalate": [{"when": 3}]}, "escalate"),
        ({"due": -1}, "due"),
    ],
)
def test_what_cannot_be_is_refused_by_name(part, key):
    with pytest.raises(InvalidPolicy) as refused:
        read_part(part)

    assert list(refused.value.errors) == [key]


@pytest.mark.django_db
def test_the_later_place_speaks_over_the_earlier():
    registry.register(object(), name="letters", policy={"quorum": 2, "undo": 3})
    try:
        thread = Thread.objects.create(id="t", graph="letters")
        row = Interrupt.objects.create(
            thread=thread,
            graph="letters",
            node="send",
            checkpoint="c",
            interrupt_id="i",
            task="k",
            value="{}",
            policy=json.dumps({"undo": 4, "due": 60}),
        )
        Policy.objects.create(graph="", body=json.dumps({"claim": 99}))
        Policy.objects.create(graph="letters", node="send", body='{"due": 10}')
        Policy.objects.create(
            graph="letters", node="send", version=2, body='{"due": 5}'
        )
        Policy.objects.create(graph="other", body='{"quorum": 9}')

        rules = rules_for(row)
    finally:
        registry.unregister("letters")

    assert (rules.quorum, rules.undo, rules.due, rules.claim) == (2, 4, 5, 99)
    assert rules.sources[-1] == "letters/send v2"


def test_a_workflow_is_not_registered_with_rules_that_cannot_be():
    with pytest.raises(InvalidPolicy, match="quorum"):
        registry.register(object(), name="letters", policy={"quorum": -1})

    assert registry.find("letters") is None
