"""With a cipher the tables hold no value in the clear, and rows open at their own place alone."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from tests.storage.ciphers import BindingCipher, TinyCipher
from tests.storage.commits import History, asking, task
from tests.storage.meaning_contract import index
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.errors import DamagedValueError, DecryptionError
from workflows.engine.store import meaning
from workflows.models import ChannelValue, Checkpoint, Interrupt, Item, PendingWrite
from workflows.storage import sealing
from workflows.storage.cache import DjangoCache
from workflows.storage.saver import DjangoSaver
from workflows.storage.store import DjangoStore

pytestmark = [pytest.mark.rule("R10.9"), pytest.mark.django_db]

SECRET = "Rosebud"


@pytest.fixture
def saver() -> DjangoSaver:
    return DjangoSaver(graph="g", cipher=BindingCipher())


def filled(saver: DjangoSaver, thread: str = "t") -> History:
    """Values full and as deltas, what is due, writes, a question: all of them secrets."""
    history = History(saver, thread)
    log: list[str] = []
    for number in range(4):
        log = [*log, f"{SECRET} {number} " + "x" * 200]
        due = [{"node": "n", "by": [], "send": {"to": SECRET}}]
        history.commit({"log": log, "a": {"x": SECRET}}, due=due)
    ending, history.question = asking({"title": SECRET, "text": SECRET})
    history.commit(writes=[task(log=[SECRET]), ending])
    return history


def dump() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            if table.startswith("workflows_"):
                cursor.execute(f"SELECT * FROM {table}")
                rows.append((table, cursor.fetchall()))
    return json.dumps(rows, default=str)


def test_no_value_stands_in_the_tables(saver):
    history = filled(saver)

    assert SECRET not in dump()
    found = history.read()
    assert found.checkpoint["channel_values"]["a"] == {"x": SECRET}
    assert found.checkpoint["due"][0]["send"] == {"to": SECRET}
    assert found.metadata["step"] == 2
    row = Checkpoint.objects.get(id=history.head)
    assert json.loads(row.channels).keys() == {"log", "a"}
    assert (row.step, row.source) == (2, "loop")
    question = Interrupt.objects.get()
    assert (question.title, question.node, question.status) == (
        "node",
        "node",
        "pending",
    )


def test_a_list_that_grows_is_still_saved_as_what_was_added(saver):
    history = filled(saver)

    kinds = ChannelValue.objects.filter(channel="log").order_by("checkpoint")

    assert "delta" in kinds.values_list("kind", flat=True)
    fresh = DjangoSaver(cipher=BindingCipher())
    read = history.read(saver=fresh).checkpoint["channel_values"]["log"]
    assert read == [f"{SECRET} {number} " + "x" * 200 for number in range(4)]


@pytest.mark.parametrize("model", [ChannelValue, PendingWrite])
def test_a_row_moved_to_another_thread_does_not_open(saver, model):
    filled(saver)
    other = filled(saver, "other")
    for row in model.objects.filter(thread_id="t"):
        key = {
            name: getattr(row, name)
            for name in ("namespace", "channel", "task", "slot")
            if hasattr(row, name)
        }
        model.objects.filter(thread_id="other", **key).update(
            payload=row.payload, digest=row.digest
        )

    with pytest.raises(DecryptionError, match="thread 'other'"):
        other.read(saver=DjangoSaver(cipher=BindingCipher()))


def test_a_value_moved_to_another_channel_does_not_open(saver):
    history = filled(saver)
    log = ChannelValue.objects.filter(channel="log", kind="full").earliest("checkpoint")
    ChannelValue.objects.filter(channel="a").update(
        payload=log.payload, digest=log.digest
    )

    with pytest.raises(DecryptionError, match="channel a of thread 't'"):
        history.read(saver=DjangoSaver(cipher=BindingCipher()))


def test_a_damaged_row_is_found_by_its_digest_first(saver):
    history = filled(saver)
    ChannelValue.objects.filter(channel="a").update(payload="$sealed:k1:AAAA")

    with pytest.raises(DamagedValueError, match="'a'"):
        history.read(saver=DjangoSaver(cipher=BindingCipher()))


@pytest.mark.parametrize("field", ["digest", "payload"])
@pytest.mark.rule("R10.7")
def test_an_emptied_column_is_an_error_not_a_value(field):
    history = History(DjangoSaver())
    history.commit({"a": "x" * 100})
    ChannelValue.objects.update(**{field: ""})

    with pytest.raises(DamagedValueError, match="channel 'a'"):
        history.read(saver=DjangoSaver())


@pytest.mark.rule("R10.7")
def test_a_row_of_a_newer_format_is_refused():
    history = History(DjangoSaver())
    history.commit({"a": 1})
    Checkpoint.objects.update(format=3)

    with pytest.raises(Exception, match=r"format 3.*deploy the newer code"):
        history.read(saver=DjangoSaver())


def test_keys_are_rotated_by_name(saver):
    history = filled(saver)
    rotated = DjangoSaver(cipher=BindingCipher("k2", "k1"))
    history.saver = rotated

    history.commit({"a": "new"})

    names = {
        payload.split(":")[1]
        for payload in ChannelValue.objects.values_list("payload", flat=True)
    }
    assert names == {"k1", "k2"}
    assert history.read().checkpoint["channel_values"]["a"] == "new"


def test_plain_rows_are_read_only_where_that_is_allowed(settings):
    history = History(DjangoSaver())
    history.commit({"a": 1}, due=[{"node": "n"}])
    settings.VALUE_CIPHER = "tests.storage.ciphers.tiny"

    with pytest.raises(DecryptionError, match="VALUE_CIPHER_ACCEPTS_PLAIN"):
        history.read(saver=DjangoSaver())

    settings.VALUE_CIPHER_ACCEPTS_PLAIN = True
    history.saver = DjangoSaver()
    history.commit({"b": SECRET})
    assert history.read().checkpoint["channel_values"] == {"a": 1, "b": SECRET}
    assert SECRET not in dump()


def test_a_copied_thread_opens_under_its_own_name(saver):
    history = filled(saver)

    saver.copy_thread("t", "copy")
    saver.delete_thread("t")

    fresh = DjangoSaver(cipher=BindingCipher())
    found = fresh.get_tuple(checkpoint_config("copy", "", history.head))
    assert found.checkpoint["channel_values"]["a"] == {"x": SECRET}
    assert len(list(fresh.list(checkpoint_config("copy")))) == 4
    question = Interrupt.objects.get()
    vault = fresh._vault
    assert vault is not None
    assert SECRET in vault.open(question.value, "copy", sealing.QUESTION)


def test_a_question_asked_again_is_the_same_question(saver):
    history = filled(saver)
    before = Interrupt.objects.values().get()

    ending, _ = asking({"title": SECRET, "text": SECRET})
    history.commit(writes=[ending])
    same = Interrupt.objects.values().get()
    other, _ = asking({"title": SECRET, "text": "another text"})
    history.commit(writes=[other])

    assert same["version"] == before["version"]
    assert Interrupt.objects.get().version == before["version"] + 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tests.nothing.here", "tests.nothing"),
        ("tests.storage.ciphers.SECRET", "SECRET"),
        ("django.db.models.Q", "no encrypt"),
        ("aes-gcm", "name:base64"),
    ],
)
def test_a_cipher_that_cannot_be_had_is_told_by_name(settings, name, text):
    settings.VALUE_CIPHER = name

    with pytest.raises(ImproperlyConfigured, match=text) as refused:
        DjangoSaver()

    assert f"VALUE_CIPHER={name}" in str(refused.value)


def test_without_the_cipher_encrypted_columns_are_told_as_such(settings):
    settings.VALUE_CIPHER = ""
    sealed = sealing.Vault(TinyCipher()).seal("1", "t", sealing.ANSWER)

    with pytest.raises(DecryptionError, match="set VALUE_CIPHER"):
        sealing.unseal(sealed, "t", sealing.ANSWER)
    assert sealing.unseal("1", "t", sealing.ANSWER) == "1"


def test_vectors_of_items_are_encrypted_and_open_at_their_own_place(settings):
    settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
    store = DjangoStore(index=index())
    store.put(("u",), "cats", {"text": "cat"})
    store.put(("u",), "dogs", {"text": "dog"})

    kept = {item.key: item.vectors for item in Item.objects.all()}
    assert not {meaning.to_text([(1.0, 0.0, 0.0)])} & {*kept.values()}
    assert store.search(("u",), query="cat")[0].key == "cats"

    Item.objects.filter(key="dogs").update(vectors=kept["cats"])
    with pytest.raises(DecryptionError, match="vectors of item dogs"):
        store.search(("u",), query="cat")


def test_items_of_the_store_and_cached_results_are_encrypted_too(settings):
    settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
    store, cache = DjangoStore(), DjangoCache()
    store.put(("users", "ada"), "wish", {"for": SECRET})
    store.put(("users", "bob"), "wish", {"for": "nothing"})
    cache.set({(("f",), "k"): ((SECRET,), None)})

    assert SECRET not in dump()
    assert store.get(("users", "ada"), "wish").value == {"for": SECRET}
    assert [item.key for item in store.search(("users",), filter={"for": SECRET})] == [
        "wish"
    ]
    assert cache.get([(("f",), "k")]) == {(("f",), "k"): (SECRET,)}

    adas = Item.objects.get(namespace="users.ada")
    Item.objects.filter(namespace="users.bob").update(
        value=adas.value, digest=adas.digest
    )
    with pytest.raises(DecryptionError, match="item wish"):
        store.get(("users", "bob"), "wish")
