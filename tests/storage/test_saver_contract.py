"""The Django saver keeps the contract that every saver keeps."""

from __future__ import annotations

import pytest

from tests.storage.ciphers import BindingCipher
from tests.storage.conftest import real_transactions
from tests.storage.whole_contract import WholeContract
from workflows.storage.saver import DjangoSaver


@pytest.mark.django_db
class TestInsideATransaction(WholeContract):
    @pytest.fixture
    def saver(self):
        return DjangoSaver()


@real_transactions
class TestOnItsOwn(WholeContract):
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
class TestWithoutMemory(WholeContract):
    @pytest.fixture
    def saver(self):
        return ForgetfulSaver()


@pytest.mark.django_db
class TestEncrypted(WholeContract):
    @pytest.fixture
    def saver(self):
        return DjangoSaver(cipher=BindingCipher())
