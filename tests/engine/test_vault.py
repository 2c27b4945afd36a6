"""Encrypted texts open under the right key, at the place they were written for, and nowhere else."""

from __future__ import annotations

import base64
import importlib.util
import os
from typing import Any

import pytest

from durableweb.checkpoint.encryption import AesGcmCipher
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import DecryptionError, SerdeError
from tests.conftest import cannot_run
from tests.storage.ciphers import BindingCipher, TinyCipher
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.serde.vault import Vault, is_sealed

pytestmark = pytest.mark.rule("R10.9", "C.DecryptionError")

TEXT = '{"secret":"Rosebud"}'


def aes(*names: str) -> AesGcmCipher:
    if importlib.util.find_spec("cryptography") is None:
        cannot_run("AES-GCM needs the package cryptography")
    return AesGcmCipher({name: name.encode().ljust(32, b".") for name in names})


@pytest.fixture(params=["tiny", "binding", "aes"])
def make(request: pytest.FixtureRequest) -> Any:
    """Makes a cipher that knows keys of these names, the present one first."""
    return {"tiny": TinyCipher, "binding": BindingCipher, "aes": aes}[request.param]


def test_what_is_sealed_opens_again_and_shows_nothing(make):
    vault = Vault(make("k1"))

    sealed = vault.seal(TEXT, "t", "channel a")

    assert vault.open(sealed, "t", "channel a") == TEXT
    assert is_sealed(sealed)
    assert "Rosebud" not in sealed
    assert sealed.isascii()
    assert vault.seal(TEXT, "t", "channel a") != sealed


@pytest.mark.parametrize(
    ("thread", "place"), [("other", "channel a"), ("t", "channel b"), ("t", "question")]
)
def test_a_row_that_is_moved_does_not_open(make, thread, place):
    vault = Vault(make("k1"))
    sealed = vault.seal(TEXT, "t", "channel a")

    with pytest.raises(DecryptionError) as refused:
        vault.open(sealed, thread, place)

    assert f"{place} of thread {thread!r}" in str(refused.value)
    assert "moved" in str(refused.value)
    assert isinstance(refused.value, SerdeError)


def test_a_thread_id_cannot_pass_for_a_place(make):
    vault = Vault(make("k1"))
    sealed = vault.seal(TEXT, 't", "channel a', "b")

    with pytest.raises(DecryptionError):
        vault.open(sealed, "t", 'channel a", "b')


def test_a_changed_text_does_not_open(make):
    vault = Vault(make("k1"))
    sealed = vault.seal(TEXT, "t", "channel a")
    head, payload = sealed.rsplit(":", 1)
    data = bytearray(base64.b64decode(payload))
    data[-1] ^= 1

    for text in (
        f"{head}:{base64.b64encode(data).decode()}",
        f"{head}:{payload[:-8]}",
        f"{head}:%%%",
        "$sealed:k1",
    ):
        with pytest.raises(DecryptionError):
            vault.open(text, "t", "channel a")


def test_a_new_key_reads_what_the_old_one_wrote(make):
    old = Vault(make("k1")).seal(TEXT, "t", "channel a")
    rotated = Vault(make("k2", "k1"))

    assert rotated.open(old, "t", "channel a") == TEXT
    assert rotated.seal(TEXT, "t", "channel a").startswith("$sealed:k2:")
    with pytest.raises(DecryptionError, match="'k1'"):
        Vault(make("k2")).open(old, "t", "channel a")


def test_a_planted_plain_text_is_refused_unless_a_migration_asks_for_it():
    assert Vault(TinyCipher(), accepts_plain=True).open(TEXT, "t", "question") == TEXT
    with pytest.raises(
        DecryptionError, match="question of thread 't' is not encrypted"
    ):
        Vault(TinyCipher()).open(TEXT, "t", "question")


def test_what_is_no_cipher_is_refused_at_once():
    with pytest.raises(TypeError, match="no encrypt"):
        InMemorySaver(cipher=object())  # type: ignore[arg-type]


def test_a_key_name_that_could_not_be_read_back_is_refused():
    with pytest.raises(SerdeError, match="'a:b'"):
        Vault(TinyCipher("a:b")).seal(TEXT, "t", "question")


def test_keys_are_read_from_one_line():
    one, two = (base64.b64encode(os.urandom(32)).decode() for _ in "ab")
    aes("any")

    cipher = AesGcmCipher.from_text(f"new:{one}, old:{two}")

    assert cipher.encrypt(b"x")[0] == "new"
    with pytest.raises(ValueError, match="part 2 is not"):
        AesGcmCipher.from_text(f"new:{one},{two}")
    with pytest.raises(ValueError, match="name:base64"):
        AesGcmCipher.from_text("")


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(
        __import__("sys").modules, "cryptography.hazmat.primitives.ciphers.aead", None
    )

    with pytest.raises(ImportError, match="extra 'encryption'"):
        AesGcmCipher({"k": bytes(32)})


def test_the_memory_saver_keeps_nothing_in_the_clear():
    saver = InMemorySaver(cipher=TinyCipher())
    saved: Any = {
        "id": "1",
        "channel_values": {"a": "Rosebud", "b": ["Rosebud"]},
        "channel_versions": {"a": 1, "b": 1},
        "due": [{"node": "n", "by": [], "send": "Rosebud"}],
    }

    metadata: Any = {"who": "Rosebud"}
    config = saver.put(checkpoint_config("t"), saved, metadata, {"a": 1, "b": 1})
    saver.put_writes(config, [("a", "Rosebud")], "task")

    space = saver._threads["t"][""]
    kept = [space.saved["1"].body]
    kept += [node.payload for node in space.saved["1"].values.values()]
    slots = space.tasks_of("1")["task"].slots
    kept += [text for text in slots.values() if isinstance(text, bytes)]
    assert len(kept) == 4
    assert all(is_sealed(text.decode()) for text in kept)


def test_a_reader_without_the_key_is_told_thread_and_channel():
    saver = InMemorySaver(cipher=TinyCipher("k1"))
    config = saver.put(
        checkpoint_config("t"),
        {"id": "1", "channel_values": {"a": "x"}, "channel_versions": {"a": 1}},
        {},
        {"a": 1},
    )
    saver._forms.keeper.vault.cipher.names = ("k2",)  # type: ignore[attr-defined]

    with pytest.raises(DecryptionError, match=r"thread 't'.*'k1'"):
        saver.get_tuple(config)
