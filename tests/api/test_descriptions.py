"""What is told of each operation to whoever reads the description."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ninja import Schema

from workflows.api.urls import api


def shapes(kind: Any = Schema) -> Iterator[type]:
    """Those of the API: ninja puts together more of them by itself."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("workflows.api."):
            yield each
        yield from shapes(each)


def test_no_two_shapes_have_one_name():
    """The description would tell of one of them in both places."""
    names = Counter(each.__name__ for each in {*shapes()})

    assert [name for name, count in names.items() if count > 1] == []


def test_each_shape_says_what_it_is():
    assert [each for each in shapes() if not each.__doc__] == []


def test_each_operation_says_what_it_does():
    paths = api.get_openapi_schema()["paths"]

    for path, methods in paths.items():
        for method, told in methods.items():
            words = told["summary"].split()
            assert 2 <= len(words) <= 7, (method, path, told["summary"])
            assert told["description"], (method, path)
            assert told["tags"], (method, path)


def test_a_stream_is_told_of_as_one():
    path = "/api/v1/threads/{thread_id}/events/stream"
    told = api.get_openapi_schema()["paths"][path]["get"]

    assert [*told["responses"][200]["content"]] == ["text/event-stream"]
    assert {each["name"] for each in told["parameters"]} == {
        "thread_id",
        "after",
        "Last-Event-ID",
    }
