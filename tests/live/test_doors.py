"""Before Django: no root path from strangers, no body above the limit."""

import pytest
from asgiref.testing import ApplicationCommunicator

from tests.live.conftest import DEADLINE_SECONDS
from workflows.live.doors import BodyLimit, NoForeignRootPath


async def echo(scope, receive, send):
    """Reads all, then tells what root path it was given."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["root_path"].encode()})


def request(headers=(), root_path=""):
    return {
        "type": "http",
        "method": "POST",
        "path": "/",
        "root_path": root_path,
        "headers": list(headers),
    }


async def answer(application, scope, *chunks):
    talk = ApplicationCommunicator(application, scope)
    for number, chunk in enumerate(chunks):
        more = number + 1 < len(chunks)
        await talk.send_input(
            {"type": "http.request", "body": chunk, "more_body": more}
        )
    start = await talk.receive_output(DEADLINE_SECONDS)
    body = await talk.receive_output(DEADLINE_SECONDS)
    await talk.wait(DEADLINE_SECONDS)
    return start["status"], body["body"]


async def test_a_root_path_of_a_stranger_does_not_arrive():
    scope = request([(b"daphne-root-path", b"http://evil")], "http://evil.example")

    assert await answer(NoForeignRootPath(echo), scope, b"") == (200, b"")


async def test_the_root_path_of_the_settings_does(settings):
    settings.FORCE_SCRIPT_NAME = "/flows"

    assert await answer(NoForeignRootPath(echo), request(), b"") == (200, b"/flows")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_large_body_is_refused(announced):
    headers = [(b"content-length", b"11")] if announced else []

    status, body = await answer(
        BodyLimit(echo, 10), request(headers), b"12345", b"678901"
    )

    assert status == 413
    assert b"larger than" in body


async def test_a_body_at_the_limit_is_let_in():
    headers = [(b"content-length", b"10")]

    assert (await answer(BodyLimit(echo, 10), request(headers), b"1234567890"))[
        0
    ] == 200
