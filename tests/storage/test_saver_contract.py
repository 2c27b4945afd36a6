"""The Django saver keeps the contract that every saver keeps."""

from __future__ import annotations

import pytest

from tests.storage.conftest import real_transactions
from tests.storage.saver_contract import SaverContract
from workflows.storage.saver import DjangoSaver


@pytest.mark.django_db
class TestInsideATransaction(SaverContract):
    @pytest.fixture
    def saver(self):
        return DjangoSaver()


@real_transactions
class TestOnItsOwn(SaverContract):
    @pytest.fixture
    def saver(self):
        return DjangoSaver()


class ForgetfulSaver(DjangoSaver):
    """Remembers nothing from one call to the next, as a new process would."""

    def _save(self, *args, **options):
        super()._save(*args, **options)
        for place in [*self._memory._threads]:
            self._memory.forget(place)


@pytest.mark.django_db
class TestWithoutMemory(SaverContract):
    @pytest.fixture
    def saver(self):
        return ForgetfulSaver()
