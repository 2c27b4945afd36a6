"""Run inside `manage.py shell`: people without passwords who are logged in already."""

import json
import sys

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client


def enter(wanted: dict[str, list[str]]) -> None:
    """Make these people with their groups; prints name and session of each as JSON."""
    sessions = {}
    for name, groups in wanted.items():
        person = get_user_model()(username=name, is_staff="admin" in groups)
        person.set_unusable_password()
        person.save()
        for group in groups:
            person.groups.add(Group.objects.get_or_create(name=group)[0])
        client = Client()
        client.force_login(person)
        sessions[name] = client.session.session_key
    sys.stdout.write(f"sessions {json.dumps(sessions)}\n")
