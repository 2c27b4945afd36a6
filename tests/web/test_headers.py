"""What every answer carries: the policy of pages, private caching, cookies."""

from tests.web.conftest import Html, ask
from workflows.services import ports


def test_no_page_allows_inline_code(as_, thread):
    question = ask(thread)
    client = as_("operator")

    for path in (
        "/login/",
        "/queue/",
        f"/review/{question.pk}/",
        "/runs/",
        "/nothing/",
    ):
        response = client.get(path)
        policy = response["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_pages_hold_no_inline_code(as_, thread):
    question = ask(thread)

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

    assert all("src" in script.attributes for script in page.all("script"))
    assert not page.all("style")
    for element in page.elements:
        assert not [a for a in element.attributes if a.startswith("on") or a == "style"]


def test_pages_of_one_person_are_not_shared(as_, thread):
    response = as_("viewer").get("/queue/")

    assert "private" in response["Cache-Control"]
    vary = {word.strip() for word in response["Vary"].split(",")}
    assert {"HX-Request", "Cookie"} <= vary
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


def test_every_control_has_a_name_that_can_be_read(as_, thread):
    question = ask(thread, {"title": "T", "name": "x", "long": "y" * 200, "ok": True})

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

    labels = {e.attributes.get("for") for e in page.all("label")}
    for element in page.elements:
        if element.tag not in {"input", "select", "textarea"}:
            continue
        if element.attributes.get("type") == "hidden":
            continue
        is_inside = any(parent.tag == "label" for parent in element.parents)
        has_name = element.attributes.get("aria-label")
        assert is_inside or has_name or element.attributes.get("id") in labels, element


def test_each_page_has_one_heading_and_a_way_past_the_menu(as_, thread):
    for path in ("/queue/", "/runs/", "/start/", "/threads/t-1/"):
        page = Html(as_("operator").get(path))
        assert len(page.all("h1")) == 1
        assert page.one("a", **{"class": "skip-link"}).attributes["href"] == "#main"
        assert page.one("main", id="main")


def test_a_banner_tells_that_nobody_works(as_, thread):
    class Idle:
        def enqueue(self, run_id, due_at=None, priority=0):
            """Nobody takes it."""

        def has_worker(self):
            return False

    before = ports.run_queue()
    ports.install(run_queue=Idle())
    try:
        page = Html(as_("viewer").get("/queue/"))
    finally:
        ports.install(run_queue=before)

    assert page.has_text("No worker is running")
