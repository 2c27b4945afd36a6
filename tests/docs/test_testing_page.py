"""The tests on docs/howto/test-a-workflow.md pass against the workflow of the tutorial."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from workflows.services import registry

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    return FENCE.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def module(name: str, code: str) -> dict[str, Any]:
        made = ModuleType(name)
        # Annotations are looked up in the module, so it must be one that can be found.
        monkeypatch.setitem(sys.modules, name, made)
        exec(compile(code, name, "exec"), made.__dict__)
        return made.__dict__

    module("expenses.workflows", blocks("tutorial/first-workflow.md")[0])
    yield module
    registry.unregister("expense_claim")


def ran(names: dict[str, Any]) -> int:
    tests = [names[name] for name in names if name.startswith("test_")]
    for test in tests:
        test()
    return len(tests)


@pytest.mark.parametrize(("block", "count"), [(0, 2), (1, 1), (2, 1), (3, 1), (4, 1)])
def test_its_tests_in_memory_pass(module, block, count):
    assert (
        ran(module("of_the_page", blocks("howto/test-a-workflow.md")[block])) == count
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("block", [5, 6])
def test_its_tests_with_the_database_pass(module, block):
    names = module("of_the_page", blocks("howto/test-a-workflow.md")[block])

    assert ran(names) == 1
    registry.unregister("reminders")


def test_no_other_is_on_it():
    assert len(blocks("howto/test-a-workflow.md")) == 7
