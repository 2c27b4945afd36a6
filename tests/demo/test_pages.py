"""The pages that the demo serves for its own workflows."""

import pytest
from django.http import Http404
from django.test import RequestFactory

from durableweb.demo import views


def test_every_page_is_served_as_html(rf: RequestFactory) -> None:
    assert views.PAGES == ("opening-hours", "prices", "welcome")
    for name in views.PAGES:
        response = views.page(rf.get("/"), name)

        assert response.status_code == 200
        assert b"<title>Harbour Museum" in response.content


@pytest.mark.parametrize("name", ["nothing", "../models", "welcome.html"])
def test_no_other_file_is_served(rf: RequestFactory, name: str) -> None:
    with pytest.raises(Http404):
        views.page(rf.get("/"), name)


def test_the_busy_page_refuses_every_other_request(rf: RequestFactory) -> None:
    statuses = {views.busy(rf.get("/")).status_code for _ in range(2)}

    assert statuses == {200, 503}


def test_pages_are_only_read(rf: RequestFactory) -> None:
    assert views.page(rf.post("/"), "welcome").status_code == 405
