"""The programs printed in README, tutorial and how-to pages run as they are printed."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from durableweb.cache.memory import InMemoryCache
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.store.memory import InMemoryStore
from durableweb.types import Command
from workflows.services import registry

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONFIG = {"configurable": {"thread_id": "docs"}}


@pytest.fixture(autouse=True)
def _registry_as_before() -> Iterator[None]:
    before = {item.name for item in registry.all()}
    yield
    for item in registry.all():
        if item.name not in before:
            registry.unregister(item.name)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    def load(page: str, *blocks: int) -> ModuleType:
        programs = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
        module = ModuleType("program_of_the_docs")
        # Annotations are looked up in the module, so it must be one that can be found.
        monkeypatch.setitem(sys.modules, module.__name__, module)
        for block in blocks:
            exec(programs[block], module.__dict__)
        return module

    return load


def test_the_readme_program_asks_and_keeps_the_edited_text(load) -> None:
    program = load("README.md", 0)
    graph = program.builder.compile(checkpointer=InMemorySaver())

    graph.invoke({"topic": "bells"}, CONFIG)
    answer = {"decision": "approve", "value": {"text": "Bells."}, "reason": ""}
    result = graph.invoke(Command(resume=answer), CONFIG)

    assert result == {"topic": "bells", "text": "Bells."}
    assert registry.get("article").title == "Article"


def test_the_readme_script_asks_and_is_answered(load, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    load("README.md", 0, 1)

    assert capsys.readouterr().out.splitlines() == [
        "Publish “bells”?",
        "{'topic': 'bells', 'text': 'Bells ring.'}",
    ]


def test_the_tutorial_asks_about_large_claims_only(load) -> None:
    program = load("docs/tutorial/first-workflow.md", 0)
    graph = program.builder.compile(checkpointer=InMemorySaver())
    small, large = ({"configurable": {"thread_id": name}} for name in ("s", "l"))

    assert graph.invoke({"purpose": "pens", "amount": 20}, small)["paid"] == 20
    asked = graph.invoke({"purpose": "a chair", "amount": 400}, large)
    result = graph.invoke(Command(resume={"approved": True, "amount": 300}), large)

    (question,) = asked["__interrupt__"]
    assert question.value["title"] == "400 euros for a chair"
    assert result["paid"] == 300


def test_the_tutorial_s_second_program_pays_in_a_task(load) -> None:
    program = load("docs/tutorial/first-workflow.md", 0, 1)
    graph = (
        program.StateGraph(program.State)
        .add_node("pay", program.pay)
        .add_edge(program.START, "pay")
        .compile(checkpointer=InMemorySaver())
    )

    assert graph.invoke({"purpose": "pens", "amount": 20}, CONFIG)["paid"] == 20


CACHE_AND_STORE = "docs/howto/cache-and-store.md"


def test_the_page_on_caches_and_stores_asks_a_customer_once(load):
    module = load(CACHE_AND_STORE, 1)
    graph = module.builder.compile(
        checkpointer=InMemorySaver(), store=InMemoryStore(), cache=InMemoryCache()
    )
    first, second = ({"configurable": {"thread_id": name}} for name in "ab")
    order = {"customer": "Anna", "country": "CH"}

    asked = graph.invoke(order, first)
    graph.invoke(Command(resume="at the door"), first)

    assert [each.value for each in asked["__interrupt__"]] == [
        "Where does Anna want the parcel?"
    ]
    assert graph.invoke(order, second)["note"] == "at the door"
    chunks = [*graph.stream(order, second, stream_mode="updates")]
    assert chunks[0] == {"look_up_rate": 0.081, "__metadata__": {"cached": True}}


def test_the_page_on_caches_and_stores_compiles_with_both(load):
    module = load(CACHE_AND_STORE, 1, 0)

    assert isinstance(module.graph.cache, InMemoryCache)
    assert isinstance(module.graph.store, InMemoryStore)


def test_the_page_on_porting_keeps_a_thread_in_a_file(load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = "docs/howto/port-from-langgraph.md"

    load(page, 0)
    program = load(page, 0)  # as the next process would

    with program.SqliteSaver.from_conn_string("checkpoints.sqlite") as saver:
        graph = program.builder.compile(checkpointer=saver)
        said = graph.get_state(program.config).values["messages"]
    assert [each.content for each in said] == ["hello"] * 4
