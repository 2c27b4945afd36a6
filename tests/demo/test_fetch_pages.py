"""fetch_pages: a task per address in one node with the question."""

import pytest

from durableweb.demo import fetch_pages, fetching
from tests.local_server import LocalServer, Reply


def texts(*texts: str, urls: list[str]) -> list[dict[str, str]]:
    return [
        {"address": url, "text": text} for url, text in zip(urls, texts, strict=True)
    ]


def test_no_call_is_repeated_when_a_person_answers(server: LocalServer, drive) -> None:
    server.pages.update({"/a": Reply(b"A"), "/b": Reply(b"B")})
    urls = [server.url + "/a", server.url + "/b"]
    run = drive(fetch_pages.builder)

    run.start(urls=urls)
    assert run.question()["title"] == "Keep the text of 2 pages?"
    result = run.answer(True)

    assert result["kept"] == texts("A", "B", urls=urls)
    assert sorted(server.asked) == ["/a", "/b"]


def test_only_the_failed_call_is_repeated(server: LocalServer, drive) -> None:
    server.pages["/a"] = Reply(b"A")
    run = drive(fetch_pages.builder)
    urls = [server.url + "/a", server.url + "/b"]
    with pytest.raises(fetching.PageRefused, match="/b"):
        run.start(urls=urls)

    server.pages["/b"] = Reply(b"B")
    run.go_on()

    assert run.question()["pages"] == texts("A", "B", urls=urls)
    assert sorted(server.asked) == ["/a", "/b", "/b"]


def test_the_person_takes_a_page_out(server: LocalServer, drive) -> None:
    server.pages.update({"/a": Reply(b"A"), "/b": Reply(b"B")})
    run = drive(fetch_pages.builder)
    run.start(urls=[server.url + "/a", server.url + "/b"])

    kept = texts("short", urls=[server.url + "/b"])
    result = run.answer(True, pages=kept)

    assert result["kept"] == kept


def test_after_a_rejection_nothing_is_kept(server: LocalServer, drive) -> None:
    server.pages["/a"] = Reply(b"A")
    run = drive(fetch_pages.builder)
    run.start(urls=[server.url + "/a"])

    assert run.answer(False)["kept"] == []


async def test_it_runs_under_the_async_api(server: LocalServer, drive) -> None:
    server.pages["/a"] = Reply(b"A")
    run = drive(fetch_pages.builder)

    await run.astart(urls=[server.url + "/a"])
    result = await run.aanswer(True)

    assert [page["text"] for page in result["kept"]] == ["A"]
    assert server.asked == ["/a"]
