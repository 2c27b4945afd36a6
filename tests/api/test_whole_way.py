"""One program does all of it: what it reads it sends back, and is understood."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.state_editing import BIG, post, run_all

assert post


@pytest.fixture
def one(post: Any, people: Any, program: Any) -> Any:
    post()
    people["operator"].groups.add(*people["reviewer"].groups.all())
    return program("operator", "read", "run", "edit", "decide")


def read(one: Any, path: str) -> Any:
    answer = one.get(path)
    assert answer.status_code == 200, (path, answer.content)
    return answer.json()


def send(one: Any, path: str, body: Any) -> Any:
    answer = one.post(path, body)
    assert answer.status_code in (200, 201), (path, answer.content)
    return answer.json()


def test_from_the_start_to_the_decision(one):
    schema = read(one, "/workflows/post")["input_schema"]
    assert set(schema["properties"]) == {"to"}
    run = send(one, "/workflows/post/runs", {"input": {"to": "Ada"}})
    run_all()
    assert read(one, f"/runs/{run['id']}")["status"] == "interrupted"

    thread = f"/threads/{run['thread_id']}"
    state = read(one, f"{thread}/state")
    values = {
        each["name"]: each["value"] for each in state["fields"] if each["is_editable"]
    }
    values["said"][1]["v"]["content"] = "Not yet"
    values["text"] = "Dear Ada, soon"
    edit = {"values": values, "checkpoint": state["checkpoint"]}
    effect = send(one, f"{thread}/state/preview", edit)
    assert {each["name"] for each in effect["alone"]["fields"]} == {"text", "said"}
    saved = send(one, f"{thread}/state", edit | {"reason": "she asked"})
    run_all()
    state = read(one, f"{thread}/state")
    kept = {each["name"]: each["value"] for each in state["fields"]}
    assert (kept["text"], kept["count"]) == ("Dear Ada, soon", BIG)
    assert kept["said"] == values["said"]

    [number] = saved["questions"]
    question = read(one, f"/questions/{number}")
    seen = {word: question[word] for word in ("version", "round")}
    assert "approve" in question["kinds"]
    made = send(one, f"/questions/{number}/decision", {"kind": "approve", **seen})
    run_all()
    [line] = read(one, "/decisions?channel=api")["items"]
    assert (line["number"], line["run"]) == (made["number"], made["run"])
    assert read(one, f"/runs/{made['run']}")["status"] == "success"
    events = read(one, f"{thread}/events")["items"]
    said = [each["data"].get("by") for each in events if each["kind"] == "decision"]
    assert said == ["operator (token a program)"]
