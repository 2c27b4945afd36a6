"""What is read of people on every request, by statements that are written once."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.auth.models import Group
from django.db import connections, models, router

from workflows.models import Preference
from workflows.storage.connections import read
from workflows.storage.prepared import Prepared

_PREFERENCE = Prepared(
    "FROM workflows_preference p WHERE p.person_id = %s", p=Preference
)


def group_names(person: Any) -> list[str]:
    """The names of the groups that a stored person is in."""
    wrapper = connections[router.db_for_read(Group)]
    sql = _groups_of(person._meta.concrete_model)
    return [name for (name,) in read(wrapper, sql, (person.pk,))]


def preference_of(person_id: Any) -> Preference | None:
    """What the person has asked for; None for whoever has asked for nothing."""
    found: Preference | None = _PREFERENCE.first(person_id)
    return found


@cache
def _groups_of(people: type[models.Model]) -> str:
    # The model of people is a setting.
    link: Any = people._meta.get_field("groups")
    # All names in it are those of models.
    return (
        f'SELECT g.name FROM auth_group g JOIN "{link.m2m_db_table()}" m '  # noqa: S608
        f'ON m."{link.m2m_reverse_name()}" = g.id WHERE m."{link.m2m_column_name()}" = %s'
    )
