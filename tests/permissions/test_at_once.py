"""What changes about a person counts from the next request; secrets are noted when read."""

import pytest
from django.contrib.auth.models import Group

from tests.permissions.matrix import DOORS
from tests.permissions.test_pages import request
from workflows.models import AuditEntry, Decision, Run
from workflows.services.access import SECRETS
from workflows.services.desk.secrets_seen import SEEN


def test_whoever_is_deactivated_is_refused_everything(world, browsers):
    person = world.people["admin"]
    names = world.place("admin", "own")
    person.is_active = False
    person.save()

    for name, doors in DOORS.items():
        for door in doors:
            if door.act != "open":
                answer = request(browsers["admin"], door, names)
                assert answer.status_code == door.unasked, name
                if door.unasked == 302:
                    assert answer["Location"].startswith("/login/"), name
    assert browsers["admin"].get("/admin/workflows/run/").status_code == 302
    assert Decision.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "door"),
    [("reviewer", DOORS["decision"][0]), ("operator", DOORS["run_cancel"][1])],
)
def test_a_role_that_is_taken_or_given_counts_at_once(world, browsers, name, door):
    person, names = world.people[name], world.place(name, "own")
    viewer, role = Group.objects.get(name="viewer"), Group.objects.get(name=name)

    person.groups.set([])
    assert request(browsers[name], door, names).status_code == 404
    person.groups.set([viewer])
    assert request(browsers[name], door, names).status_code == 403
    person.groups.set([role])
    assert request(browsers[name], door, names).status_code == 303


class TestSecrets:
    @pytest.fixture
    def run(self, world):
        """A run whose input holds a secret."""
        names = world.place("viewer", "own")
        run = Run.objects.get(pk=names["run"])
        run.payload = '{"salary":"47110815-4711","text":"hello"}'
        run.save()
        return run

    @pytest.mark.parametrize(
        ("name", "granted", "sees"),
        [
            ("viewer", False, False),
            ("viewer", True, False),
            ("reviewer", False, False),
            ("reviewer", True, True),
            ("operator", False, False),
            ("operator", True, True),
            ("admin", False, True),
        ],
    )
    def test_they_are_shown_to_whoever_was_granted_them(
        self, world, browsers, run, name, granted, sees
    ):
        if granted:
            world.people[name].groups.add(Group.objects.get(name=SECRETS))

        page = browsers[name].get(f"/runs/{run.pk}/").content.decode()

        assert ("47110815-4711" in page, "•••" in page) == (sees, not sees)
        assert "hello" in page
        assert AuditEntry.objects.filter(action=SEEN).count() == int(sees)

    def test_a_view_is_noted_once_a_visit_with_who_and_what(self, world, browsers, run):
        names = world.place("admin", "own")
        for path in ("/runs/{run}/", "/review/{question}/", "/threads/{thread}/"):
            assert browsers["admin"].get(path.format(**names)).status_code == 200

        entry = AuditEntry.objects.get(action=SEEN)
        assert (entry.person_name, entry.thread) == ("admin", names["thread"])
        assert "salary" in entry.data
