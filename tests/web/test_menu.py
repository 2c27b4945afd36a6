"""The menu is each person's own, though parts of it are drawn once for all."""

import pytest

from tests.web.conftest import Html
from workflows.models import Notice, Preference

PAGE = "/preferences/"


def menu(browser) -> Html:
    return Html(browser.get(PAGE))


def tokens(page: Html) -> list[str]:
    return [
        each.attributes["value"]
        for each in page.all("input", name="csrfmiddlewaretoken")
    ]


@pytest.mark.parametrize("order", [("viewer", "admin"), ("admin", "viewer")])
def test_only_who_looks_after_the_site_finds_the_webhooks(as_, order):
    links = {
        name: {each.attributes.get("href") for each in menu(as_(name)).all("a")}
        for name in order
    }

    assert "/webhooks/" in links["admin"]
    assert "/webhooks/" not in links["viewer"]


def test_names_roles_and_tokens_are_never_somebody_elses(as_):
    seen = {name: menu(as_(name)) for name in ("viewer", "operator")}

    for name, other in (("viewer", "operator"), ("operator", "viewer")):
        told = seen[name].one("p", **{"class": "menu-who"}).text.split()
        assert told == [name, name]
        assert not set(tokens(seen[name])) & set(tokens(seen[other]))
    assert len(tokens(seen["viewer"])) > 2


def test_the_switch_and_the_keys_are_as_the_person_has_set_them(as_, people):
    kept = {"person": people["viewer"], "keys": {"next": "n"}, "keys_off": True}
    before = menu(as_("operator"))
    Preference.objects.create(**kept)
    page, after = menu(as_("viewer")), menu(as_("operator"))

    def checked(each: Html) -> bool:
        switch = each.one("input", **{"data-keys-switch": ""})
        return "checked" in switch.attributes

    assert [checked(each) for each in (before, page, after)] == [True, False, True]
    own = [
        each.one("body").attributes.get("data-keys") for each in (before, page, after)
    ]
    assert own == [None, '{"next": "n"}', None]


def test_notices_are_counted_anew(as_, people):
    browser = as_("viewer")
    assert "new notices" not in menu(browser).one("summary").text

    for text in ("One", "Two"):
        Notice.objects.create(person=people["viewer"], kind="asked", text=text)

    page = menu(browser)
    counts = [each.text.split() for each in page.all("span", **{"class": "count"})]
    assert counts[:2] == [["2", "new", "notices"], ["2", "new"]]
