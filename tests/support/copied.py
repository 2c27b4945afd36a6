"""The test database of pytest as a copy of the one that `make test` has migrated."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from tests.support.databases import copy_file, given_model
from workflows.storage.append_only import drop_triggers


def begin_with_a_copy(patched: pytest.MonkeyPatch) -> None:
    """Let Django's runner copy the model that is given; what it lacks is still migrated."""
    connection = connections[DEFAULT_DB_ALIAS]
    model = given_model(connection.vendor)
    if model is None:
        return
    creation: Any = connection.creation
    create = creation.create_test_db
    if connection.vendor == "postgresql":
        name = urlsplit(model).path.lstrip("/")
        patched.setitem(connection.settings_dict["TEST"], "TEMPLATE", name)
    else:
        make_file = creation._create_test_db

        def copy(*args: Any, **options: Any) -> str:
            made: str = make_file(*args, **options)
            copy_file(model, Path(made))
            return made

        patched.setattr(creation, "_create_test_db", copy)

    def create_without_triggers(*args: Any, **options: Any) -> str:
        made: str = create(*args, **options)
        drop_triggers()
        return made

    patched.setattr(creation, "create_test_db", create_without_triggers)
