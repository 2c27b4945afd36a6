"""What is said of changed code, what a migration saves, what an author may not ask for (RB.12)."""

from __future__ import annotations

import logging
import operator
import re
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import GraphChangedError, NonDeterminismError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt

CONFIG = {"configurable": {"thread_id": "the-thread"}}


class S(TypedDict, total=False):
    a: int
    log: Annotated[list, operator.add]


class T(TypedDict, total=False):
    a: str
    log: Annotated[list, operator.add]


def asks(state: Any) -> Any:
    return {"log": [interrupt("q")]}


def say(state: Any) -> Any:
    return {"log": ["x"]}


def graph(schema: Any = S, edges: Any = ((START, "x"),), **nodes: Any) -> StateGraph:
    built = StateGraph(schema)
    for name, node in (nodes or {"x": say}).items():
        built.add_node(name, node)
    for start, end in edges:
        built.add_edge(start, end)
    return built


# What an author may ask for


@pytest.mark.rule("RB.12")
@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"version": 2}, TypeError, "version must be a text"),
        ({"version": ""}, ValueError, "version ''"),
        ({"version": "2 b"}, ValueError, "'2 b'"),
        ({"on_change": "ignore"}, ValueError, "'ignore'"),
        ({"aliases": {"old": "nowhere"}}, ValueError, "'nowhere', which is no node"),
        ({"aliases": {"x": "x"}}, ValueError, "still is a node"),
    ],
)
def test_nonsense_is_refused_when_compiling(
    options: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        graph().compile(**options)
    if "aliases" not in options:
        with pytest.raises(error, match=text):
            entrypoint(**options)(lambda n: n)


@pytest.mark.rule("RB.12")
def test_a_migrate_function_has_to_return_the_checkpoint() -> None:
    saver = InMemorySaver()
    graph(x=asks).compile(checkpointer=saver, version="1").invoke({"log": []}, CONFIG)
    new = graph(x=asks).compile(
        checkpointer=saver,
        version="2",
        on_change=lambda version, checkpoint: None,  # type: ignore[arg-type,return-value]
    )

    with pytest.raises(TypeError, match="has to return the checkpoint"):
        new.invoke(Command(resume=1), CONFIG)

    assert len([*saver.list(CONFIG)]) == 2


class Listening(InMemorySaver):
    """Keeps the commits it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[Any] = []

    def commit(self, commit: Any) -> None:
        super().commit(commit)
        self.commits.append(commit)


@pytest.mark.rule("RB.12", "R6.10")
def test_a_migration_closes_no_question_that_stays() -> None:
    saver = Listening()
    graph(x=asks).compile(checkpointer=saver).invoke({"log": []}, CONFIG)
    new = graph(x=asks).compile(
        checkpointer=saver,
        version="2",
        on_change=lambda version, checkpoint: checkpoint,
    )

    new.update_state(CONFIG, None)

    assert [each.metadata["source"] for each in saver.commits[-2:]] == ["update"] * 2
    assert [list(each.closed) for each in saver.commits[-2:]] == [[], []]
    assert len(new.get_state(CONFIG).interrupts) == 1


@pytest.mark.rule("RB.12")
def test_an_arrival_under_a_new_name_is_saved_as_a_value_that_moved() -> None:
    saver = Listening()
    ends: dict[str, Any] = {name: lambda state: {} for name in "cj"}

    def built(a: str) -> StateGraph:
        edges = [(START, a), (START, "b"), ("b", "c")]
        flow = graph(edges=edges, **{a: say, "b": asks, **ends})
        return flow.add_edge([a, "c"], "j")

    waits = built("old").compile(checkpointer=saver)
    waits.invoke({"log": []}, CONFIG)
    waits.invoke(Command(resume=1), CONFIG, interrupt_before=["c"])
    new = built("new").compile(checkpointer=saver, aliases={"old": "new"})
    new.update_state(CONFIG, None)

    assert "join:new+c:j" in saver.commits[-1].changed


@pytest.mark.rule("RB.12", "R4.21")
def test_a_migration_supersedes_what_it_drops_and_keeps_only_known_keys() -> None:
    class Less(TypedDict, total=False):
        log: Annotated[list, operator.add]

    def ends(version: Any, checkpoint: Any) -> Any:
        return {**checkpoint, "due": []}

    saver = Listening()
    old = graph(x=asks).compile(checkpointer=saver)
    asked = old.invoke({"log": [], "a": 1}, CONFIG)["__interrupt__"][0].id
    before = saver.get_tuple(CONFIG)
    new = graph(Less, x=asks).compile(checkpointer=saver, version="2", on_change=ends)

    assert new.invoke(None, CONFIG) == {"log": []}

    saved = saver.commits[-1]
    assert not saved.appended
    closed = [(each.interrupt_id, each.status) for each in saved.closed]
    assert closed == [(asked, "superseded")]
    after = saver.get_tuple(CONFIG)
    assert after is not None
    assert before is not None
    assert after.checkpoint["channel_values"] == {"log": []}
    assert before.checkpoint["channel_values"] == {"log": [], "a": 1}


# What is said


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@pytest.mark.rule("RB.12")
def test_a_warning_names_the_thread_and_what_changed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    saver = InMemorySaver()
    graph(x=asks).compile(checkpointer=saver, version="1").invoke({"log": []}, CONFIG)
    new = graph(x=asks, y=say).compile(
        checkpointer=saver, version="2", on_change="warn", name="billing"
    )

    new.invoke(Command(resume=1), CONFIG)

    (said,) = warned(caplog)
    for word in ("the-thread", "billing", "version: 1 -> 2", "changed: nodes"):
        assert word in said


@pytest.mark.rule("RB.12")
def test_a_changed_graph_goes_on_without_a_word_by_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    saver = InMemorySaver()
    graph(x=asks).compile(checkpointer=saver).invoke({"log": []}, CONFIG)

    graph(x=asks, y=say).compile(checkpointer=saver).invoke(Command(resume=1), CONFIG)

    assert warned(caplog) == []


def flows(saver: InMemorySaver) -> tuple[Any, Any]:
    """One entrypoint before and after a deploy."""

    @task
    def fetch(n: int) -> int:
        return n

    @entrypoint(checkpointer=saver, version="1")
    def flow(n: int) -> Any:
        fetch(1).result()
        fetch(2).result()
        return interrupt("q")

    old = flow

    @entrypoint(checkpointer=saver, version="2")  # type: ignore[no-redef]
    def flow(n: int) -> Any:
        fetch(n).result()
        return interrupt("q")

    return old, flow


@pytest.mark.rule("RB.12", "R4.14")
def test_an_entrypoint_in_mid_body_warns_and_a_new_input_does_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    old, new = flows(InMemorySaver())
    old.invoke(1, CONFIG)

    with pytest.raises(NonDeterminismError):
        new.invoke(Command(resume=1), CONFIG)

    (said,) = warned(caplog)
    assert "version: 1 -> 2; changed: body" in said
    caplog.clear()
    new.invoke(1, CONFIG)
    assert warned(caplog) == []


@pytest.mark.rule("R4.14", "RA.4")
def test_calls_not_made_are_told_with_whether_the_code_has_changed() -> None:
    saver = InMemorySaver()
    old, new = flows(saver)
    old.invoke(1, CONFIG)
    found = saver.get_tuple(CONFIG)
    assert found is not None
    digests = [v[4] for _, c, v in found.pending_writes or () if c == "__call__"]

    with pytest.raises(NonDeterminismError) as caught:
        new.invoke(Command(resume=1), CONFIG)
    text = str(caught.value)

    assert "the-thread" in text
    assert "'flow' ended without making calls" in text
    assert "fetch#2" in text
    assert digests[1] in text
    assert "changed since: version: 1 -> 2; changed: body" in text


@pytest.mark.rule("R4.14", "RA.4")
def test_other_arguments_tell_both_digests_and_that_the_code_is_the_same() -> None:
    runs: list[int] = []

    @task
    def fetch(n: int) -> int:
        return n

    @entrypoint(checkpointer=InMemorySaver())
    def flow(n: int) -> Any:
        runs.append(1)
        fetch(len(runs)).result()
        fetch(7).result()
        return interrupt("q")

    flow.invoke(1, CONFIG)
    with pytest.raises(NonDeterminismError) as caught:
        flow.invoke(Command(resume=1), CONFIG)
    text = str(caught.value)

    assert "'flow' called task 'fetch' (call number 1 of that name)" in text
    assert "not made so far: fetch#2 " in text
    assert len(set(re.findall("[0-9a-f]{32}", text))) == 3
    assert "fingerprint has not changed since" in text


@pytest.mark.rule("R4.20", "RA.14")
def test_a_refusal_lists_the_difference_and_the_ways_out() -> None:
    saver = InMemorySaver()
    graph(edges=[(START, "old")], old=asks).compile(checkpointer=saver).invoke(
        {"log": []}, CONFIG
    )

    with pytest.raises(GraphChangedError) as caught:
        graph().compile(checkpointer=saver).invoke(Command(resume=1), CONFIG)

    assert caught.value.diff == ("missing node: 'old'",)
    for word in ("the-thread", "'old'", "aliases=", "migrate", "Nothing was written"):
        assert word in str(caught.value)


@pytest.mark.rule("R4.21")
def test_data_that_is_left_out_is_logged_when_the_code_changes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Less(TypedDict, total=False):
        log: Annotated[list, operator.add]

    saver = InMemorySaver()
    graph(x=asks).compile(checkpointer=saver).invoke({"log": [], "a": 1}, CONFIG)
    paused = saver.head("the-thread") or "?"
    new = graph(Less, x=asks).compile(checkpointer=saver)

    new.invoke(Command(resume=1), CONFIG)

    (said,) = warned(caplog)
    for word in ("the-thread", ": a.", paused):
        assert word in said
    caplog.clear()
    new.invoke({"log": []}, CONFIG)
    assert warned(caplog) == []


@pytest.mark.rule("R3.4", "RB.12")
def test_the_stamp_is_in_the_checkpoint_and_not_in_the_snapshot() -> None:
    flow = graph().compile(checkpointer=InMemorySaver(), version="1", name="a graph")

    flow.invoke({"log": []}, CONFIG)

    saved = [each.metadata["code"] for each in flow.checkpointer.list(CONFIG)]
    assert len(set(saved)) == 1
    assert saved[0].endswith(" 1 a graph")
    assert "code" not in (flow.get_state(CONFIG).metadata or {})
