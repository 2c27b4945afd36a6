"""Default deny: an address, a method, a socket or an admin page without a rule is a failure."""

from collections.abc import Iterator

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from tests.permissions.matrix import ADMIN_MODELS, DOORS, SOCKETS
from workflows.live.routing import websocket_urlpatterns

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Views of Django that take PUT for POST, or answer every method alike.
ANY_METHOD = frozenset({"home", "favicon", "login"})
# Django's own, and those that api_matrix.py lists.
OTHERS = frozenset({"admin", "workflows_api", "workflows_live"})
HOW = "tests/permissions/matrix.py: add one line to {where}, such as\n    {example}"


def named(patterns: list, space: str = "") -> Iterator[tuple[str, str]]:
    """The url name and the route of every address outside the admin and the API.

    Names of other apps come with their namespace, ours without.
    """
    for each in patterns:
        if isinstance(each, URLResolver):
            if each.namespace not in OTHERS:
                is_ours = each.namespace in (None, "workflows")
                below = space if is_ours else f"{space}{each.namespace}:"
                yield from named(each.url_patterns, below)
        elif isinstance(each, URLPattern):
            yield f"{space}{each.name}", str(each.pattern)


def test_every_address_has_a_rule():
    found = dict(named(get_resolver().url_patterns))

    missing = sorted(f"{name}  ({found[name]})" for name in found.keys() - DOORS.keys())
    example = '"claim": (Door("decide", "/review/{question}/claim", {}),),'
    how = HOW.format(where="DOORS", example=example)
    assert not missing, f"no rule for {', '.join(missing)}.\n{how}"
    assert not DOORS.keys() - found.keys(), "rules for addresses that are gone"


def test_every_socket_has_a_rule():
    # The last one refuses whatever no other takes.
    found = {str(each.pattern) for each in websocket_urlpatterns[:-1]}

    example = '"ws/queue/": Door("keep view", "/ws/queue/"),'
    how = HOW.format(where="SOCKETS", example=example)
    assert not found - SOCKETS.keys(), f"no rule for {found - SOCKETS.keys()}.\n{how}"
    assert not SOCKETS.keys() - found


def test_every_model_in_the_admin_has_a_rule():
    found = {model._meta.label for model in admin.site._registry}

    how = HOW.format(where="ADMIN_MODELS", example='"workflows.Run": "ours",')
    assert not found - ADMIN_MODELS.keys(), f"{found - ADMIN_MODELS.keys()}\n{how}"
    assert not ADMIN_MODELS.keys() - found


def test_a_method_without_a_rule_is_refused(world, browsers):
    names = world.place("admin", "own")
    wrong = []
    for name in sorted(DOORS.keys() - ANY_METHOD):
        path = DOORS[name][0].path.format(**names)
        for method in METHODS:
            if method not in {door.method for door in DOORS[name]}:
                answer = browsers["admin"].generic(method, path)
                if answer.status_code != 405:
                    wrong.append(f"{method} {path}: {answer.status_code}")

    how = HOW.format(where="DOORS", example='Door("see", "/address/{question}/")')
    assert not wrong, "\n".join([*wrong, "If it is meant:", how])


def test_the_admin_is_for_admins_and_changes_nothing_of_ours(world, browsers):
    staff = world.people["viewer"]
    staff.is_staff = True
    staff.save()
    for label, whose in ADMIN_MODELS.items():
        path = f"/admin/{label.lower().replace('.', '/')}/"

        found = {name: each.get(path).status_code for name, each in browsers.items()}

        assert found.pop("admin") == (200 if whose == "ours" else 403), label
        assert found.pop("viewer") == 403, label
        assert set(found.values()) == {302}, label
        if whose == "ours":
            assert browsers["admin"].post(f"{path}add/").status_code == 403
            # Where there is no such row the admin leads back to its index.
            gone = browsers["admin"].post(f"{path}1/delete/").status_code
            assert gone in {302, 403}
