"""The page on which a policy is edited, and people enough for its rules."""

import pytest
from django.contrib.auth.models import Group, User

from tests.web.conftest import Html


def sent(page, **more):
    """What the form of a page posts, with changes."""
    found = {}
    for element in page.elements:
        name = element.attributes.get("name", "")
        if not name or not any(
            e.attributes.get("id") == "policy-form" for e in element.parents
        ):
            continue
        kind = element.attributes.get("type", "")
        if element.tag == "textarea":
            found[name] = [element.text.removeprefix("\n")]
        elif element.tag == "select":
            found[name] = [
                each.attributes["value"]
                for each in page.all("option")
                if element in each.parents and "selected" in each.attributes
            ] or [""]
        elif element.tag == "input" and kind == "checkbox":
            if "checked" in element.attributes:
                found.setdefault(name, []).append(element.attributes["value"])
        elif element.tag == "input":
            found[name] = [element.attributes.get("value", "")]
    return found | {name: [text] for name, text in more.items()}


def opened(client, query="workflow=letter"):
    return Html(client.get(f"/policies/edit?{query}"))


def post(client, form):
    return client.post("/policies/edit", form)


@pytest.fixture(autouse=True)
def crew(people):
    reviewers = Group.objects.get(name="reviewer")
    for name in ("eve", "fay"):
        User.objects.create_user(name, first_name=name).groups.add(reviewers)
