"""What a node that checks calls of tools says (E.tools)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("langchain_core")

import pydantic
from langchain_core.messages import AIMessage
from langchain_core.tools import Tool

from durableweb.prebuilt import ValidationNode

pytestmark = pytest.mark.rule("E.tools")


class Person(pydantic.BaseModel):
    """Somebody."""

    age: int


def asking(name: str, **args: Any) -> list[Any]:
    call = {"name": name, "args": args, "id": "c", "type": "tool_call"}
    return [AIMessage("", tool_calls=[call])]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ValidationNode([5]), "5 says nothing of its arguments"),  # type: ignore[list-item]
        (lambda: ValidationNode([int]), "<class 'int'> says nothing"),
        (lambda: ValidationNode([Tool("t", len, "Plain.")]), "name='t'.* says nothing"),
        (lambda: ValidationNode([Person], name=5), "name is 5; give the node's name"),  # type: ignore[arg-type]
        (
            lambda: ValidationNode([Person], format_error="no"),  # type: ignore[arg-type]
            "format_error is 'no'; give a function",
        ),
    ],
)
def test_what_it_cannot_be_made_of_is_named(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        make()


def test_an_error_tells_the_model_what_to_call_again() -> None:
    (answer,) = ValidationNode([Person]).invoke(asking("Person", age="old"))

    assert "valid integer" in answer.content
    assert answer.content.endswith("Correct this and call Person again.")


def test_a_call_of_something_else_says_which_schemas_there_are() -> None:
    with pytest.raises(KeyError, match=r"no schema 'Nobody'.*there are Person"):
        ValidationNode([Person]).invoke(asking("Nobody"))


def test_a_state_may_be_a_model() -> None:
    class State(pydantic.BaseModel):
        messages: list[Any]

    state = State(messages=asking("Person", age=3))

    told = asyncio.run(ValidationNode([Person]).ainvoke(state))

    assert [m.content for m in told["messages"]] == ['{"age":3}']


def test_what_has_no_message_of_a_model_is_refused() -> None:
    with pytest.raises(ValueError, match="node 'validation' checks what a model"):
        ValidationNode([Person]).invoke({})
