"""What is known to be plain JSON is written without a look at its types, and reads the same."""

from __future__ import annotations

from typing import TypedDict

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from durableweb.types import Command, Send, interrupt
from workflows.engine.serde import Serde
from workflows.storage.rows import bundle_of
from workflows.storage.values import ThreadMemory


class Noting(InMemorySaver):
    """Keeps the commits that it was given."""

    def __init__(self):
        super().__init__()
        self.commits = []

    def commit(self, commit):
        self.commits.append(commit)
        super().commit(commit)


class State(TypedDict, total=False):
    n: int
    text: str


def steps_of(metadata) -> list:
    """The commits with a checkpoint of a graph with a step, a `Send` and a question."""

    def ask(state):
        return {"text": interrupt("text?")}

    graph = StateGraph(State)
    graph.add_node("first", lambda s: {"n": 1})
    graph.add_node("each", lambda s: {"text": s["text"]})
    graph.add_node("ask", ask)
    graph.add_edge(START, "first").add_edge("each", "ask")
    graph.add_conditional_edges(
        "first", lambda s: Send("each", {"text": "é"}), ["each"]
    )
    saver = Noting()
    compiled = graph.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "t"}, "metadata": metadata}
    compiled.invoke({"n": 0}, config)
    compiled.invoke(Command(resume="yes"), config)
    compiled.update_state(config, {"n": 7})
    return [each for each in saver.commits if each.checkpoint is not None]


def row_of(commit):
    return bundle_of(Serde(), commit, {}, ThreadMemory()).checkpoint


def test_the_row_is_the_same_as_with_a_look():
    commits = steps_of({"who": "me", "tags": ["a", {"b": 1.5}]})
    plain = [commit for commit in commits if commit.is_plain]
    found = [row_of(commit) for commit in plain]
    for commit in plain:
        commit.is_plain = False

    assert len(plain) >= 3
    assert found == [row_of(commit) for commit in plain]
    assert '"who":"me"' in found[0].metadata


def test_what_a_send_carries_is_looked_at():
    kinds = {
        commit.metadata["source"]: commit.is_plain
        for commit in steps_of({})
        if any("send" in item for item in commit.checkpoint["due"])
    }

    assert kinds == {"input": False, "loop": False}


def test_what_a_person_has_changed_is_looked_at():
    assert [c.is_plain for c in steps_of({}) if c.metadata["source"] == "update"] == [
        False
    ]


def test_what_the_caller_gave_is_looked_at():
    commits = steps_of({"pair": (1, 2)})
    stored = Serde().loads(row_of(commits[-1]).metadata)

    assert not any(commit.is_plain for commit in commits)
    assert stored["pair"] == (1, 2)
