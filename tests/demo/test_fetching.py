"""Fetching: what may be fetched, how far, and what is made of the answer."""

import socket

import pytest

from durableweb.addresses import AddressRefused
from durableweb.demo import fetching
from durableweb.demo.fetching import PageRefused, TemporaryFailure, fetch
from tests.local_server import LocalServer, Reply


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("gopher://example.org/", "only http and https"),
        ("example.org", "only http and https"),
        ("http:///nothing", "names no host"),
        ("http://user:secret@example.org/", "user or password"),
        ("http://exa mple.org:port/", "is not an address"),
        ("http://example.org/\x00", "is not an address"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str, text: str) -> None:
    with pytest.raises(AddressRefused, match=text):
        fetch(url, allow_private=True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "localhost",
        "10.0.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_private_addresses_are_refused_after_resolution(host: str) -> None:
    with pytest.raises((AddressRefused, TemporaryFailure)) as caught:
        fetch(f"http://{host}:9/", allow_private=False)

    # A machine without IPv6 may not resolve some of them; it never connects either.
    assert "not a public address" in str(caught.value) or "resolved" in str(
        caught.value
    )


def test_the_metadata_service_is_refused_even_where_private_is_allowed() -> None:
    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        fetch("http://169.254.169.254/latest", allow_private=True)


def test_a_name_with_one_private_address_is_refused(monkeypatch) -> None:
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    with pytest.raises(AddressRefused, match=r"10\.0\.0\.7"):
        fetch("http://sneaky.example/", allow_private=False)


def test_the_checked_number_is_what_is_connected_to(
    server: LocalServer, monkeypatch
) -> None:
    # The name resolves to the local server once; a second look-up would go elsewhere.
    server.pages["/"] = Reply(b"here")
    port = int(server.url.rpartition(":")[2])
    answers = iter([[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]])
    real = socket.getaddrinfo

    def resolve(host, *args, **kwargs):
        return next(answers) if host == "twice.example" else real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    page = fetch(f"http://twice.example:{port}/", allow_private=True)

    assert (page["text"], page["title"]) == ("here", "twice.example")


def test_a_redirect_is_checked_like_the_first_address(
    server: LocalServer, monkeypatch
) -> None:
    server.pages["/go"] = Reply(status=302, headers={"Location": "file:///etc/passwd"})
    server.pages["/inward"] = Reply(
        status=302, headers={"Location": "http://169.254.169.254/"}
    )

    with pytest.raises(AddressRefused, match="only http and https"):
        fetch(server.url + "/go", allow_private=True)
    with pytest.raises(AddressRefused, match=r"169\.254"):
        fetch(server.url + "/inward", allow_private=True)


def test_a_good_redirect_is_followed_and_an_endless_one_is_not(
    server: LocalServer,
) -> None:
    server.pages["/go"] = Reply(status=301, headers={"Location": "end"})
    server.pages["/end"] = Reply(b"end")
    server.pages["/loop"] = Reply(status=302, headers={"Location": "/loop"})

    assert fetch(server.url + "/go", allow_private=True)["url"] == server.url + "/end"
    with pytest.raises(PageRefused, match="more than 5 redirects"):
        fetch(server.url + "/loop", allow_private=True)
    assert server.asked.count("/loop") == 6


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(b"x", status=404), "answered 404"),
        (Reply(b"x", content_type="image/png"), "image/png is no text"),
        (Reply(b"x" * (fetching.MAX_BYTES + 1)), "larger than"),
        (Reply(b"x", headers={"Content-Encoding": "gzip"}), "compressed"),
    ],
)
def test_an_answer_of_no_use_is_refused(
    server: LocalServer, reply: Reply, text: str
) -> None:
    server.pages["/"] = reply

    with pytest.raises(PageRefused, match=text):
        fetch(server.url + "/", allow_private=True)


def test_a_page_of_exactly_the_limit_is_read(server: LocalServer) -> None:
    server.pages["/"] = Reply(b"x" * fetching.MAX_BYTES)

    page = fetch(server.url + "/", allow_private=True)

    assert len(page["text"]) == fetching.MAX_BYTES


def test_an_unreachable_server_is_a_temporary_failure_with_its_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        with pytest.raises(TemporaryFailure, match=f"127.0.0.1:{port}"):
            fetch(f"http://127.0.0.1:{port}/", allow_private=True)


def test_a_server_that_drips_is_given_up(server: LocalServer, monkeypatch) -> None:
    server.pages["/"] = Reply(b"drip")
    monkeypatch.setattr(fetching, "MAX_SECONDS", -1.0)

    with pytest.raises(TemporaryFailure, match="not finished"):
        fetch(server.url + "/", allow_private=True)


def test_text_is_decoded_by_its_charset_and_never_fails(server: LocalServer) -> None:
    server.pages["/latin"] = Reply(
        b"gr\xfcn", content_type="text/plain; charset=latin-1"
    )
    server.pages["/odd"] = Reply(b"ok", content_type="text/plain; charset=klingon")
    server.pages["/bad"] = Reply(b"\xff", content_type="text/plain; charset=utf-8")

    texts = [
        fetch(server.url + path, allow_private=True)["text"]
        for path in ("/latin", "/odd", "/bad")
    ]

    assert texts == ["grün", "ok", "�"]


def test_markup_and_scripts_are_left_out(server: LocalServer) -> None:
    server.pages["/"] = Reply(
        b"<title> A &amp; B\n</title><style>p{}</style><p>One<b>two</b><p>Three"
        b"<table><tr><td>a<td>b</table>"
        b"<script>alert('<p>no</p>')</script>",
        content_type="text/html; charset=utf-8",
    )

    page = fetch(server.url + "/", allow_private=True)

    assert (page["title"], page["text"]) == ("A & B", "Onetwo\nThree\na b")
