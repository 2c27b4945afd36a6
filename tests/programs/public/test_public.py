"""Each program gives under durableweb what it gave under LangGraph, on both savers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.savers import SAVERS
from tests.programs.public.recording import RECORD, names, told

RECORDED = json.loads(RECORD.read_text(encoding="utf-8"))


@pytest.mark.parametrize("new_saver", SAVERS)
@pytest.mark.parametrize("name", names())
def test_it_tells_the_same_story(name: str, new_saver: Callable[[], Any]) -> None:
    assert told("durableweb", name, new_saver()) == RECORDED[name]
