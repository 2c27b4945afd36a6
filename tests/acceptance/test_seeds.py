"""The two programs of the LangGraph documentation run with nothing but the import changed."""

import uuid
from collections.abc import Iterator

import pytest

from tests.local_server import LocalServer, Reply, serve_locally
from tests.programs import seed_call_api, seed_call_api_tasks


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with serve_locally() as server:
        server.pages["/"] = Reply(b"a" * 150)
        server.pages["/b"] = Reply(b"b")
        yield server


def fresh_thread() -> dict[str, dict[str, uuid.UUID]]:
    return {"configurable": {"thread_id": uuid.uuid4()}}


@pytest.mark.rule("D.1", "R1.43")
def test_one_node_calls_the_api_and_its_result_is_saved(server: LocalServer) -> None:
    config = fresh_thread()
    url = server.url + "/"

    result = seed_call_api.graph.invoke({"url": url}, config)

    assert result == {"url": url, "result": "a" * 100}
    assert seed_call_api.graph.get_state(config).values == result
    assert server.asked == ["/"]


@pytest.mark.rule("D.1", "R3.3")
def test_the_history_is_input_step_zero_and_the_node(server: LocalServer) -> None:
    config = fresh_thread()

    seed_call_api.graph.invoke({"url": server.url + "/"}, config)

    history = list(seed_call_api.graph.get_state_history(config))
    steps = [(s.metadata["step"], s.next) for s in history if s.metadata]
    assert steps == [
        (1, ()),
        (0, ("call_api",)),
        (-1, ("__start__",)),
    ]


def test_continuing_a_finished_thread_calls_nothing_again(server: LocalServer) -> None:
    config = fresh_thread()
    seed_call_api.graph.invoke({"url": server.url + "/"}, config)

    again = seed_call_api.graph.invoke(None, config)

    assert again["result"] == "a" * 100
    assert server.asked == ["/"]


@pytest.mark.rule("D.2", "R1.11")
def test_a_task_per_address_and_the_dropped_key(server: LocalServer) -> None:
    urls = [server.url + "/", server.url + "/b"]

    result = seed_call_api_tasks.graph.invoke({"urls": urls}, fresh_thread())

    assert result == {"urls": urls}
    assert sorted(server.asked) == ["/", "/b"]


@pytest.mark.rule("D.2", "R8.17")
def test_the_updates_stream_tells_every_task(server: LocalServer) -> None:
    urls = [server.url + "/b"]

    chunks = list(
        seed_call_api_tasks.graph.stream(
            {"urls": urls}, fresh_thread(), stream_mode="updates"
        )
    )

    assert chunks == [{"_make_request": "b"}, {"call_api": None}]


@pytest.mark.rule("D.3", "R4.12")
def test_a_finished_task_is_not_called_again_after_a_failure(
    server: LocalServer,
) -> None:
    config = fresh_thread()
    broken = Reply(b"not compressed", headers={"Content-Encoding": "gzip"})
    replies = iter([broken, Reply(b"late")])
    server.pages["/late"] = lambda: next(replies)
    urls = [server.url + "/b", server.url + "/late"]

    with pytest.raises(Exception, match="gzip"):
        seed_call_api_tasks.graph.invoke({"urls": urls}, config)
    seed_call_api_tasks.graph.invoke(None, config)

    assert sorted(server.asked) == ["/b", "/late", "/late"]
