"""Who sees what and who may do what."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User

from tests.services.conftest import People
from workflows.models import Thread
from workflows.services import registry
from workflows.services.access import Rights, find_interrupt, find_run, find_thread
from workflows.services.action import NotVisible

pytestmark = pytest.mark.django_db

MAY = {
    "viewer": {"see"},
    "reviewer": {"see", "decide"},
    "operator": {"see", "start", "operate", "edit"},
    "admin": {"see", "decide", "start", "operate", "edit", "see_secret"},
    "stranger": set(),
}


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_what_the_matrix_says(people, letter, role):
    rights = Rights(getattr(people, role))

    verbs = ("see", "decide", "start", "operate", "edit", "see_secret")
    allowed = {verb for verb in verbs if getattr(rights, f"can_{verb}")("letter")}

    assert allowed == MAY[role]


def test_a_superuser_is_an_admin(db, letter):
    assert Rights(User.objects.create_superuser("root")).can_decide("letter")


@pytest.mark.parametrize("who", ["anonymous", "nobody", "inactive"])
def test_whoever_is_not_logged_in_or_active_may_nothing(people, letter, who):
    people.admin.is_active = False
    person = {"anonymous": AnonymousUser(), "nobody": None, "inactive": people.admin}

    assert not Rights(person[who]).can_see("letter")


def test_a_workflow_with_its_own_groups_is_hidden_from_the_other_roles(people):
    registry.register(object(), name="pay", decide_groups=["finance"])
    finance = Group.objects.create(name="finance")
    people.stranger.groups.add(finance)

    assert Rights(people.stranger).can_decide("pay")
    assert Rights(people.stranger).can_see("pay")
    assert not Rights(people.reviewer).can_decide("pay")
    assert not Rights(people.viewer).can_see("pay")
    assert Rights(people.operator).can_start("pay")


def test_secrets_need_the_secrets_group(people, letter):
    people.reviewer.groups.add(Group.objects.get(name="secrets"))

    assert Rights(people.reviewer).can_see_secret("letter")
    assert not Rights(people.operator).can_see_secret("letter")


def test_threads_of_a_workflow_that_is_gone_are_for_admins(people, thread):
    registry.unregister("letter")

    assert find_thread(people.admin, "t1") == thread
    with pytest.raises(NotVisible):
        find_thread(people.operator, "t1")


def test_hidden_and_missing_look_alike(people: People, thread: Thread, question):
    with pytest.raises(NotVisible) as hidden:
        find_thread(people.stranger, "t1")
    with pytest.raises(NotVisible) as missing:
        find_thread(people.viewer, "t2")

    assert str(hidden.value).replace("t1", "") == str(missing.value).replace("t2", "")


@pytest.mark.parametrize("key", ["nonsense", "", None, 10**30, -1, "a\x00b", "\ud800"])
def test_a_nonsense_key_finds_nothing(people, thread, key):
    for find in (find_thread, find_interrupt, find_run):
        with pytest.raises(NotVisible):
            find(people.admin, key)


def test_rows_are_found_with_their_thread(people, question, django_assert_num_queries):
    found = find_interrupt(people.viewer, question.pk)

    with django_assert_num_queries(0):
        assert found.thread.graph == "letter"
