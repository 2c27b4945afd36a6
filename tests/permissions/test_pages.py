"""Every cell of the table over HTTP: each door, each person, own, other and unknown things."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from tests.permissions.matrix import DOORS, MATRIX, PEOPLE, Door, letter
from tests.permissions.standing import browsers, made_once, world
from tests.permissions.world import CLOSED, OPEN, TITLES
from workflows.models import Draft, Interrupt, SavedView

__all__ = ["browsers", "made_once", "world"]

CELLS = [
    pytest.param(door, id=f"{name}-{door.method}-{number}")
    for name, doors in DOORS.items()
    for number, door in enumerate(doors)
]
TOKEN = re.compile(rb'value="[A-Za-z0-9]{64}"|"X-CSRFToken": "[^"]*"')


def request(browser: Any, door: Door, names: dict[str, str]) -> Any:
    """The answer of a door, with what is named put in."""
    path = door.path.format(**names)
    if door.form is None:
        return browser.get(path)
    form = {key: text.format(**names) for key, text in door.form.items()}
    return browser.post(path, form)


def stored() -> list[Any]:
    """What the database holds, roughly: how much of everything, and which versions."""
    models = apps.get_app_config("workflows").get_models()
    # What somebody typed is kept for them even where the decision is refused.
    tables = [model._meta.db_table for model in models if model is not Draft]
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}")
        counted = cursor.fetchone()
    rows = Interrupt.objects.order_by("pk")
    return [*counted, *rows.values_list("status", "version", "priority")]


def shown(answer: Any) -> bytes:
    """The page without what differs from one request to the next."""
    return TOKEN.sub(b"", answer.content)


def expected(door: Door, person: str, where: str) -> tuple[int, ...]:
    """The statuses that the table allows in this cell."""
    grant = letter(door.act, person)
    if grant == "*":
        return door.ok
    if person == "anonymous":
        return (door.unasked,)
    if grant == "h":
        return (404,)
    if not door.names_a_thing:
        return (403, 404) if grant == "-" else door.ok
    if where == "unknown":
        return (404,)
    is_seen = letter("see", person)
    if where == "other" and is_seen != "G":
        return (404,)
    if where == "other" and grant != "G":
        return (403,)
    if grant == "-":
        return (404,) if is_seen == "-" else (403,)
    if where == "assigned" and grant == "A":
        return (403,)
    return door.ok


def places(door: Door) -> Iterator[str]:
    """Where to knock: a door that names nothing is the same everywhere."""
    yield "own"
    if door.names_a_thing:
        if "A" in MATRIX[door.act].split():
            yield "assigned"
        yield from ("other", "unknown")


@pytest.mark.parametrize("door", CELLS)
def test_each_cell_is_as_the_table_says(world, browsers, door):
    wrong = []
    for person in PEOPLE:
        hidden = b""
        for where in places(door):
            names = world.place(person, where)
            statuses = expected(door, person, where)
            is_watched = door.form is not None and statuses in {(401,), (403,), (404,)}
            before = stored() if is_watched else []
            with transaction.atomic():
                answer = request(browsers[person], door, names)
                after = stored() if is_watched else []
                transaction.set_rollback(True)
            cell = f"{person}, {where}: {answer.status_code}"
            if answer.status_code not in statuses:
                wrong.append(f"{cell}, the table says {statuses}")
            elif after != before:
                wrong.append(f"{cell}, and yet something was written")
            elif person == "anonymous" and statuses == (302,) != door.ok:
                if not answer["Location"].startswith("/login/"):
                    wrong.append(f"{cell} to {answer['Location']}")
            elif answer.status_code == 401 and b'href="/login/' not in answer.content:
                wrong.append(f"{cell}, and leads to no log-in")
            elif where == "other" and answer.status_code == 404:
                hidden = shown(answer)
            elif where == "unknown" and hidden not in {b"", shown(answer)}:
                wrong.append(f"{cell}: unknown and hidden do not look alike")

    assert not wrong, "\n".join([f"{door.method} {door.path} ({door.act})", *wrong])


@pytest.mark.parametrize(
    "path",
    [
        "/queue/",
        "/queue/?q=a&sort=due",
        "/runs/",
        "/threads/",
        "/decisions/?who=all",
        "/decisions/export.csv?who=all",
        "/decisions/export.json?who=all",
        "/policies/",
        "/start/",
    ],
)
def test_a_list_holds_what_one_may_see_and_nothing_else(world, browsers, path):
    wrong = []
    for person in PEOPLE[1:]:
        answer = browsers[person].get(path)
        text = answer.getvalue().decode() if answer.status_code == 200 else ""
        grant = letter("start" if path == "/start/" else "see", person)
        mine = CLOSED if person == "finance" else OPEN
        for graph in (OPEN, CLOSED):
            may = grant == "G" or (grant == "S" and graph == mine)
            by_name = path in {"/start/", "/policies/"}
            wanted = f">{graph.title()}<" if by_name else TITLES[graph]
            if (wanted in text) != may:
                wrong.append(f"{person}: {wanted!r} {'is missing' if may else 'shows'}")

    assert not wrong, "\n".join([path, *wrong])


@pytest.mark.parametrize("path", ["/queue/", "/queue/views/"])
def test_a_shared_view_is_shown_to_those_who_may_see_its_workflow(
    world, browsers, path
):
    """Its name may tell what goes on there; one without a workflow is for all who work here."""
    author = world.people["somebody"]
    names = {
        OPEN: "Letters to the press",
        CLOSED: "Bonus of the board",
        "": "Rather old",
    }
    for graph, name in names.items():
        query = f"workflow={graph}" if graph else "age=60"
        SavedView.objects.create(person=author, name=name, query=query, is_shared=True)
    SavedView.objects.create(person=author, name="Of my own", query="")
    gone = "workflow=letter_of_last_year"
    SavedView.objects.create(person=author, name="Gone", query=gone, is_shared=True)

    wrong = []
    for person in PEOPLE[1:]:
        answer = browsers[person].get(path)
        text = answer.getvalue().decode() if answer.status_code == 200 else ""
        grant = letter("see", person)
        mine = CLOSED if person == "finance" else OPEN
        may = {
            name: grant == "G" or (grant == "S" and graph in {mine, ""})
            for graph, name in names.items()
        }
        for name, wanted in (may | {"Of my own": False, "Gone": grant == "G"}).items():
            if (name in text) != wanted:
                wrong.append(
                    f"{person}: {name!r} {'is missing' if wanted else 'shows'}"
                )

    assert not wrong, "\n".join([path, *wrong])
