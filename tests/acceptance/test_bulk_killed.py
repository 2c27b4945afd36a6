"""A bulk order whose worker is killed in the middle decides each question once."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.acceptance.conftest import KINDS, Site, Visitor

WANTED = 6
PAUSE = {"PAUSE": "0.4", "UNDO_SECONDS": "600"}
START = """
from durableweb.durable import start
for at in range({count}):
    start("wishes", {{"name": f"wish {{at}}", "age": at, "more": {{}}}})
"""


def give_order(ada: Visitor) -> str:
    """Approve all open wishes; returns the address of the order."""
    sheet = "/bulk/?all=1&workflow=wishes"
    answer = ada.post("/bulk/order", sheet, kind="approve")
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def counts(ada: Visitor, order: str) -> str:
    return " ".join(ada.page(order).one("p", **{"class": "bulk-counts"}).text.split())


def is_over(ada: Visitor, order: str) -> bool:
    try:
        return f"{WANTED} decided" in counts(ada, order)
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("kind", KINDS)
def test_each_question_is_decided_once(
    new_site: Callable[[str], Site], kind: str
) -> None:
    site = new_site(kind)
    ada = site.enter({"ada": ["reviewer", "operator"]})["ada"]
    site.manage("shell", "-c", START.format(count=WANTED))
    server = site.serve(**PAUSE)
    worker = site.work(**PAUSE) if kind == "postgresql" else server
    waiting = f"{WANTED} can be decided"
    site.wait(
        lambda: ada.page("/bulk/?all=1&workflow=wishes").has_text(waiting), "questions"
    )

    order = give_order(ada)
    site.wait(lambda: "deciding 2" in site.noted(), "second question")
    worker.kill9()
    assert site.noted()[-1] != f"deciding {WANTED}"
    if kind == "postgresql":
        site.work(**PAUSE)
    else:
        site.serve(**PAUSE)
    site.wait(lambda: is_over(ada, order), "end of the order")

    begun = [line for line in site.noted() if line.startswith("deciding")]
    assert sorted(set(begun)) == [f"deciding {n}" for n in range(1, WANTED + 1)]
    # What was in flight is taken up once more, and finds its question decided.
    assert len(begun) <= WANTED + 1
    listed = ada.page("/decisions/")
    decided = re.findall(r"/review/(\d+)/", " ".join(hrefs(listed)))
    assert len(decided) == len(set(decided)) == WANTED
    assert "none changed, none missing" in site.manage("verify_audit")
    site.assert_quiet()


def hrefs(page) -> list[str]:
    return [link.attributes.get("href", "") for link in page.all("a")]
