"""The fixture that docs/howto/change-a-running-workflow.md makes of threads can be loaded."""

import re
import shlex
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from tests.storage.chains import Chain
from workflows.models import Thread
from workflows.storage.saver import DjangoSaver

PAGE = Path(__file__).resolve().parents[2] / "docs/howto/change-a-running-workflow.md"


@pytest.mark.django_db
def test_threads_that_people_have_started_are_in_it(tmp_path):
    ada = User.objects.create_user("ada")
    ada.groups.add(Group.objects.get_or_create(name="operator")[0])
    thread = Thread.objects.create(id="order-17", graph="letter", created_by=ada)
    Chain(DjangoSaver(), thread.pk).put({"rows": 2}, ["rows"])
    [command] = re.findall(r"manage\.py (dumpdata .*?)\n```", PAGE.read_text(), re.S)
    kept = str(tmp_path / "threads.json")
    line = command.replace("\\\n", " ").replace("threads.json", kept)
    name, *arguments = shlex.split(line)

    call_command(name, *arguments)
    Thread.objects.all().delete()
    User.objects.all().delete()
    call_command("loaddata", kept, verbosity=0)

    loaded = Thread.objects.get(pk="order-17")
    assert loaded.created_by.username == "ada"
    assert DjangoSaver().get_tuple({"configurable": {"thread_id": "order-17"}})
