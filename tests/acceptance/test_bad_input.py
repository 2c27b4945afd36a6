"""What does not belong into a request, over HTTP: a 4xx, the same on either database.

Every case goes to a server on SQLite and to one on PostgreSQL and expects the same answer;
the question it is aimed at stays open.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.acceptance.conftest import Standing, Visitor
from tests.web.conftest import Html

DEEP = "[" * 101 + "]" * 101
BODY_LIMIT = 12 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"
WISH = {"input/name": "Ada", "input/age": "36", "input/more": "{}"}
ANSWER = {"kind": "edit", "v/name": "Ada", "v/odd": '[1, "a"]'}


class Asked:
    """A question that is open, and somebody who may answer it."""

    def __init__(self, standing: Standing) -> None:
        self.person: Visitor = standing.people["ada"]
        self.run = self.person.start("wishes", **WISH)
        standing.site.wait(self.is_open, "question")
        self.page = f"/review/{self.person.question(self.run)}/"
        self.path = f"{self.page}decision"
        self.thread = self.person.thread(self.run)
        self.events = self.person.timeline(self.thread)
        # Nothing changes the question, so its page says the same to each test.
        self.drawn = self.person.form(self.page, self.path)

    def is_open(self) -> bool:
        return "Waits for a person" in self.person.status(self.run)

    def form(self) -> dict[str, str]:
        return self.drawn | ANSWER

    def post(self, **values: Any) -> httpx.Response:
        return self.person.http.post(self.path, data=self.form() | values)

    def send(self, body: bytes, content_type: str) -> httpx.Response:
        headers = {
            "Content-Type": content_type,
            "X-CSRFToken": self.drawn["csrfmiddlewaretoken"],
        }
        return self.person.http.post(self.path, content=body, headers=headers)


open_questions: dict[str, Asked] = {}


@pytest.fixture
def asked(standing: Standing) -> Iterator[Asked]:
    """One question for all these tests of one database: none of them closes it."""
    one = open_questions.get(standing.site.kind) or Asked(standing)
    open_questions[standing.site.kind] = one
    yield one
    # It is open, and nothing has happened to its thread.
    assert one.is_open()
    assert one.person.timeline(one.thread) == one.events


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1,", "line 1, column 4"),
        ('["\\u0000"]', "$[0]: holds a NUL"),
        ('["\\ud800"]', "$[0]: holds half a character"),
        ("[NaN]", "$[0]: NaN is not JSON"),
        ('[{"a":1,"a":2}]', "$[0]: the key 'a' occurs twice"),
        (DEEP, "nested more than 100 levels"),
    ],
)
def test_json_that_cannot_be_kept(asked: Asked, text: str, words: str) -> None:
    answer = asked.post(**{"v/odd": text})
    assert answer.status_code == 400
    assert words in Html(answer).one("section", id="error-summary").text

    start = asked.person.post("/start/wishes/", **WISH | {"input/more": text})
    assert start.status_code == 400

    typed = {"mode": "json", "values": f'{{"more": {text}}}', "reason": "why"}
    edit = asked.person.post(f"{asked.thread}state", save="alone", **typed)
    assert edit.status_code == 400


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "explode"}, 400),
        ({"kind": ""}, 400),
        ({"version": "x"}, 400),
        ({"version": "-1"}, 400),
        ({"version": "9" * 30}, 400),
        ({"version": "99"}, 409),
        ({"round": "99"}, 409),
        ({"v/name": "a\x00b"}, 400),
        ({"key": "a\x00b"}, 400),
        ({"checkpoint": "a\x00b"}, 400),
        ({"kind": "reject", "reject_reason": "a\x00b"}, 400),
        ({"csrfmiddlewaretoken": "a\x00b"}, 403),
        ({f"x{number}": "" for number in range(20_001)}, 400),
        ({"v/name": "x" * (BODY_LIMIT + 1)}, 413),
    ],
    ids=lambda value: str(value)[:40].replace("\x00", "NUL"),
)
def test_a_damaged_decision(asked: Asked, change: dict[str, str], status: int) -> None:
    assert asked.post(**change).status_code == status


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"kind=reject&reject_reason=a%ED%A0%80b", FORM),
        (b"kind=reject&reject_reason=a\xffb", FORM),
        (b"kind=reject", f"{FORM}; charset=utf-16"),
        (b'{"kind": "reject"', "application/json"),
        (b"kind=reject", "multipart/form-data"),
        (
            b'--x\r\nContent-Disposition: form-data; name="kind"',
            "multipart/form-data; boundary=x",
        ),
    ],
    ids=["half a character", "latin-1", "utf-16", "json", "no boundary", "cut short"],
)
def test_a_body_that_is_no_form(asked: Asked, body: bytes, kind: str) -> None:
    if kind == FORM:
        rest = {name: asked.drawn[name] for name in ("version", "round", "key")}
        body += b"&" + urlencode(rest).encode()

    answer = asked.send(body, kind)

    assert answer.status_code == 400
    if kind == FORM:
        assert "reject_reason" in Html(answer).text()


def test_text_of_a_form_with_files_that_is_not_utf_8(asked: Asked) -> None:
    parts = {**asked.form(), "kind": "reject"}
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts.items()
    )
    body += b'--x\r\nContent-Disposition: form-data; name="reject_reason"\r\n\r\n'
    body += b"a\xed\xa0\x80b\r\n--x--\r\n"

    answer = asked.send(body, "multipart/form-data; boundary=x")

    assert answer.status_code == 400
    assert "reject_reason" in Html(answer).text()


@pytest.mark.parametrize(
    "change",
    [
        {"input/name": ""},
        {"input/name": "x" * 21},
        {"input/name": "a\x00b"},
        {"input/age": "old"},
        {"input/age": "1.5"},
        {"input/age": "151"},
        {"input/age": "9" * 5000},
        {"input/more": "[]"},
        {"title": "a\x00b"},
        {"key": "a\x00b"},
    ],
    ids=lambda value: str(value)[:40].replace("\x00", "NUL"),
)
def test_a_start_with_wrong_values(asked: Asked, change: dict[str, str]) -> None:
    answer = asked.person.post("/start/wishes/", **WISH | change)

    assert answer.status_code == 400
    [name] = change
    if name.startswith("input/"):
        page = Html(answer)
        field = (page.all("input", name=name) or page.all("textarea", name=name))[0]
        assert field.attributes.get("aria-invalid") == "true"
        other = "input/age" if name == "input/name" else "input/name"
        assert page.one("input", name=other).attributes["value"] == WISH[other]


@pytest.mark.parametrize(
    "path",
    [
        "/start/nothing/",
        "/start/%00/",
        "/review/999999/",
        "/review/99999999999999999999/",
        "/runs/999999/",
        "/runs/99999999999999999999/",
        "/threads/nothing/",
        "/threads/%00/",
        "/threads/%ED%A0%80/",
        "/admin/workflows/thread/%00/change/",
    ],
)
def test_what_is_not_there(standing: Standing, path: str) -> None:
    assert standing.people["admin"].http.get(path).status_code == 404


def test_what_is_hidden_looks_like_what_is_missing(standing: Standing) -> None:
    payer, ada = standing.people["payer"], standing.people["ada"]
    run = payer.start("payroll", **WISH)
    standing.site.wait(lambda: "Waits for a person" in payer.status(run), "question")
    hidden = {
        f"/runs/{run}/": "/runs/999999/",
        f"/review/{payer.question(run)}/": "/review/999999/",
        payer.thread(run): "/threads/nothing/",
        "/start/payroll/": "/start/nothing/",
    }

    for path, missing in hidden.items():
        assert payer.http.get(path).status_code == 200
        here, nowhere = ada.http.get(path), ada.http.get(missing)
        assert (here.status_code, nowhere.status_code) == (404, 404)
        assert without_tokens(here) == without_tokens(nowhere)


def without_tokens(answer: httpx.Response) -> tuple[str, set[str]]:
    """The words of a page, and the names of its headers."""
    return Html(answer).text("body"), set(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/queue/?workflow=%00",
        "/queue/?after=%00",
        "/queue/?after=x",
        "/runs/?status=%00",
        "/runs/?before=99999999999999999999",
        "/login/?next=%00",
        "/admin/workflows/thread/?q=%00",
        "/admin/workflows/thread/?status=%00",
        "/admin/workflows/run/?graph=%00",
        "/admin/workflows/run/?id__exact=99999999999999999999",
    ],
)
def test_odd_questions_of_an_address_are_no_fault(
    standing: Standing, path: str
) -> None:
    assert standing.people["admin"].http.get(path).status_code < 500
