"""Files of the pages, as a server hands them out that runs from a checkout."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from whitenoise.middleware import WhiteNoiseMiddleware


def sent(server: WhiteNoiseMiddleware, path: str) -> tuple[str, bytes]:
    """The length that an answer tells of, and its body."""
    with closing(server(RequestFactory().get(path))) as answer:
        return answer["Content-Length"], b"".join(answer)


@pytest.mark.django_db  # the end of an answer looks at the connections that are open
def test_one_that_has_grown_meanwhile_is_sent_whole(
    tmp_path: Path, settings: Any
) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    file = tmp_path / "page.css"
    file.write_text("a {}")
    server = WhiteNoiseMiddleware(lambda request: None)
    assert sent(server, "/static/page.css") == ("4", b"a {}")

    file.write_text("a { color: red }")

    assert sent(server, "/static/page.css") == ("16", b"a { color: red }")


def test_nothing_beside_the_folders_is_sent(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "static").mkdir()
    settings.STATIC_ROOT = str(tmp_path / "static")
    server = WhiteNoiseMiddleware(lambda request: "passed on")

    for path in ("/static/../secret", "/static/%2e%2e/secret", "/static//secret"):
        request = RequestFactory().get("/")
        request.path_info = path
        assert server(request) == "passed on"
