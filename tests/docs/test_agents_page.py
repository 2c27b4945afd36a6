"""The programs of docs/howto/agents.md print what the page says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from tests.conformance.programs.scripted import Scripted, calls
from tests.docs.test_examples import FENCE, ROOT, fits, told
from workflows.services import registry

PAGE = "docs/howto/agents.md"
BLOCKS = FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))


class Spoken(Scripted):
    """Stands for the model of the page: what it says is told by the tools that it has."""

    replies: list[Any] = []
    model: str = ""

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        names = {getattr(each, "name", "") for each in tools}
        self.replies = REFUND if "refund" in names else VOUCHER
        return super().bind_tools(tools, **options)


REFUND = [
    calls(("find_order", {"number": "A-17"}, "c1")),
    calls(("refund", {"number": "A-17", "amount": 120}, "c2")),
    AIMessage("I have paid 60 euros back to you."),
]
VOUCHER = [
    calls(("send_voucher", {"number": "A-17", "amount": 20}, "c1")),
    AIMessage("I am sorry, there is nothing that I can do."),
]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    provider: Any = ModuleType("langchain_anthropic")
    provider.ChatAnthropic = Spoken
    monkeypatch.setitem(sys.modules, "langchain_anthropic", provider)
    made = ModuleType("agents_of_the_page")
    # Annotations are looked up in the module, so it must be one that can be found.
    monkeypatch.setitem(sys.modules, made.__name__, made)
    yield made
    registry.unregister("refunds")


def test_its_programs_print_what_the_page_says(module):
    for number, (language, code) in enumerate(BLOCKS):
        if language == "python":
            following = BLOCKS[number + 1 : number + 2]
            is_told = following and following[0][0] == "text"
            wanted = following[0][1] if is_told else ""
            given = told(code, module, f"{PAGE}, block {number}")
            assert fits(given, wanted), f"{code}\ngives\n{given}\nnot\n{wanted}"


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"type": "approve"}, "A voucher of 20 euros was sent."),
        (
            {"type": "edit", "edited_action": {"args": {"number": "A", "amount": 5}}},
            "A voucher of 5 euros was sent.",
        ),
        ({"type": "respond", "message": "Ask me later."}, "Ask me later."),
    ],
)
def test_its_review_of_calls_takes_every_decision(module, decision, said):
    for language, code in BLOCKS:
        if language == "python":
            told(code, module, PAGE)
    saved = module.careful.with_saver(module.InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}

    saved.invoke({"messages": "hi"}, config)
    out = saved.invoke(module.Command(resume=decision), config)

    assert out["messages"][-2].content == said
