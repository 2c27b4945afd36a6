"""Only this site's own pages open sockets."""

import pytest

from workflows.live.origins import is_allowed

HOST = "127.0.0.1:8000"


@pytest.fixture(autouse=True)
def site(settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = []


def test_the_site_itself_may():
    assert is_allowed("http://127.0.0.1:8000", HOST)


def test_another_port_that_was_addressed_may():
    assert is_allowed("http://localhost:9123", "localhost:9123")
    assert is_allowed("http://[::1]:9123", "[::1]:9123")


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:9000",
        "http://127.0.0.1",
        "https://127.0.0.1:8000",
        "ftp://127.0.0.1:8000",
        "http://evil@127.0.0.1:8000",
        "http://127.0.0.1:8000@evil.example",
        "http://127.0.0.1:8000.evil.example",
        "http://evil.example",
        "http://127.0.0.1:8000/path",
        "null",
        "",
        "http://",
    ],
)
def test_other_origins_may_not(origin):
    assert not is_allowed(origin, HOST)


def test_a_host_that_is_not_ours_may_not_even_when_it_matches():
    assert not is_allowed("http://evil.example:8000", "evil.example:8000")


def test_behind_a_proxy_the_public_address_may_and_plain_http_may_not(settings):
    settings.PUBLIC_URL = "https://flows.example"
    settings.ALLOWED_HOSTS = ["flows.example"]

    assert is_allowed("https://flows.example", "127.0.0.1:8000")
    assert not is_allowed("http://flows.example", "flows.example")


def test_origins_that_may_post_may_also_watch(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://other.example"]

    assert is_allowed("https://other.example", HOST)
    assert not is_allowed("https://another.example", HOST)
