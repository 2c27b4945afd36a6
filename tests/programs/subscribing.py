"""Nodes that subscribe to channels: a cycle, two beside each other, a question, a graph below."""

from durableweb.channels import (
    BinaryOperatorAggregate,
    EphemeralValue,
    LastValue,
    Topic,
)
from durableweb.graph import START
from durableweb.pregel import ChannelWriteEntry, NodeBuilder, Pregel
from durableweb.types import interrupt
from tests.programs.flows import build
from tests.programs.sample import sample


@sample(0)
def a_cycle_of_subscriptions(life, saver):
    """Counts to three by a channel it writes itself, and says at each turn that it was there."""

    def count(n):
        return {"did": life.did(f"n{n}"), "next": n + 1}

    def next_of(found):
        return found["next"] if found.get("next", 3) < 3 else None

    again = ChannelWriteEntry("n", skip_none=True, mapper=next_of)
    counts = NodeBuilder().subscribe_only("n").do(count)
    return Pregel(
        nodes={"count": counts.write_to(again, log=lambda found: found.get("did"))},
        channels={"n": EphemeralValue(int), "log": Topic(str, accumulate=True)},
        input_channels="n",
        output_channels="log",
        checkpointer=saver,
    )


@sample("go", answers={"sure?": "yes"})
def a_question_among_subscriptions(life, saver):
    """One asks beside one that works; what both write calls a third, which is a graph."""

    def ask(go):
        before = life.did("ask")
        return [before, interrupt("sure?")]

    below = build(life, "below", (START, "below")).compile()
    collect = (
        NodeBuilder()
        .subscribe_to("said", "made")
        .do(lambda found: life.did(f"collect{len(found)}"))
    )
    return Pregel(
        nodes={
            "ask": NodeBuilder().subscribe_only("go").do(ask).write_to("said"),
            "make": NodeBuilder()
            .subscribe_only("go")
            .do(lambda go: life.did("make"))
            .write_to("made"),
            "collect": collect.write_to("log", below=lambda found: {"log": []}),
            "below": NodeBuilder().subscribe_only("below").do(below).write_to("end"),
        },
        channels={
            "go": LastValue(str),
            "said": LastValue(list),
            "made": LastValue(str),
            "below": LastValue(dict),
            "log": BinaryOperatorAggregate(str, lambda left, right: left + right),
            "end": LastValue(dict),
        },
        input_channels="go",
        output_channels=["log", "end", "said"],
        checkpointer=saver,
    )
