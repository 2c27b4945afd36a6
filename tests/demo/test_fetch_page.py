"""fetch_page: one node calls the server, then a person decides about the text."""

import pytest

from durableweb.demo import fetch_page, fetching
from tests.local_server import LocalServer, Reply

HTML = Reply(
    b"<html><head><title>Bells</title></head><body><h1>Bells</h1><p>They ring.</p></body>",
    content_type="text/html",
)


def test_it_asks_before_the_text_is_kept(server: LocalServer, drive) -> None:
    server.pages["/bells"] = HTML
    run = drive(fetch_page.builder)

    result = run.start(url=server.url + "/bells")

    assert run.question()["title"] == "Keep the text of “Bells”?"
    assert run.question()["text"] == "Bells\nThey ring."
    assert "text" not in result


def test_the_text_is_kept_as_the_person_left_it(server: LocalServer, drive) -> None:
    server.pages["/bells"] = HTML
    run = drive(fetch_page.builder)
    run.start(url=server.url + "/bells")

    result = run.answer(True, text="Ring.")

    assert (result["kept"], result["text"]) == (True, "Ring.")
    assert server.asked == ["/bells"]


async def test_it_runs_under_the_async_api(server: LocalServer, drive) -> None:
    server.pages["/bells"] = HTML
    run = drive(fetch_page.builder)

    await run.astart(url=server.url + "/bells")
    result = await run.aanswer(True)

    assert result["text"] == "Bells\nThey ring."


def test_a_rejected_text_is_not_kept(server: LocalServer, drive) -> None:
    server.pages["/bells"] = HTML
    run = drive(fetch_page.builder)
    run.start(url=server.url + "/bells")

    result = run.answer(False, reason="too loud")

    assert (result["kept"], result["reason"]) == (False, "too loud")
    assert "text" not in result


def test_an_answer_that_the_form_could_not_give_is_refused(
    server: LocalServer, drive
) -> None:
    server.pages["/bells"] = HTML
    run = drive(fetch_page.builder)
    run.start(url=server.url + "/bells")

    with pytest.raises(Exception, match="text"):
        run.answer(True, text=5)

    assert run.answer(True)["kept"] is True


def test_an_overloaded_server_is_asked_again(server: LocalServer, drive) -> None:
    replies = iter([Reply(b"", status=503), HTML])
    server.pages["/bells"] = lambda: next(replies)
    run = drive(fetch_page.builder)

    run.start(url=server.url + "/bells")

    assert server.asked == ["/bells"] * 2
    assert run.questions()


def test_a_missing_page_fails_at_once_and_can_be_continued(
    server: LocalServer, drive
) -> None:
    run = drive(fetch_page.builder)

    with pytest.raises(fetching.PageRefused, match="/bells: the server answered 404"):
        run.start(url=server.url + "/bells")
    server.pages["/bells"] = HTML
    run.go_on()

    assert server.asked == ["/bells"] * 2
    assert run.questions()
