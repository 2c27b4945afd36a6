"""A step of a thread has a page; those who take part name it there (RA.10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.storage.chains import Chain
from tests.web.conftest import Html, happen
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.models import AuditEntry, CheckpointLabel, Thread
from workflows.services import registry
from workflows.storage.prune import prune_thread
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.rule("RA.10")


@pytest.fixture
def steps(thread) -> list[str]:
    """The checkpoints of three steps: the input's, one and another."""
    chain = Chain(DjangoSaver(), thread.pk)
    for text in ("first draft", "second draft", "last draft"):
        chain.put({"text": text, "salary": 4711}, ["text", "salary"])
    found = [
        each.checkpoint["id"]
        for each in DjangoSaver().list(checkpoint_config(thread.pk))
    ]
    return found[::-1]


def address(step: str, verb: str = "") -> str:
    return f"/threads/t-1/steps/{step}/{verb}"


def labels() -> list[tuple[str, str, str]]:
    found = CheckpointLabel.objects.order_by("id")
    return list(found.values_list("checkpoint", "text", "by"))


def chips(page: Html) -> list[str]:
    return [
        e.text.removeprefix("label: ")
        for e in page.all("span", **{"class": "tag tag-label"})
    ]


def test_the_timeline_leads_to_each_step_and_shows_its_labels(as_, steps):
    CheckpointLabel.objects.create(
        thread_id="t-1", checkpoint=steps[1], text="before refund", by="Ada"
    )

    page = Html(as_("viewer").get("/threads/t-1/"))

    lines = {
        link.attributes["href"]: link
        for link in page.all("a")
        if "/steps/" in link.attributes.get("href", "")
    }
    assert [*lines] == [address(step) for step in steps]
    assert lines[address(steps[0])].text == "Input"
    assert chips(page) == ["before refund", "before refund"]  # on its step, in the list
    (item,) = [
        e
        for e in page.all("li")
        if e.attributes.get("id") and "before refund" in e.text
    ]
    assert "Step 0 finished" in " ".join(item.text.split())
    card = page.one("div", id="thread-labels").text
    assert "Step 0" in card
    assert "by Ada" in card


def test_a_step_shows_the_state_as_it_was(as_, steps):
    page = Html(as_("viewer").get(address(steps[1])))

    assert page.one("h1").text == "Step 0"
    assert "second draft" in page.text()
    assert "last draft" not in page.text()
    assert Html(as_("viewer").get(address(steps[0]))).one("h1").text == "Input"


def test_secrets_of_an_old_state_are_hidden_too(as_, steps):
    registered = registry.get("letter")
    registry._graphs["letter"] = type(registered)(
        **{**vars(registered), "secret": frozenset({"salary"})}
    )

    assert "4711" not in Html(as_("viewer").get(address(steps[1]))).text()
    assert "4711" in Html(as_("admin").get(address(steps[1]))).text()
    assert AuditEntry.objects.filter(action="secret.seen").exists()


@pytest.mark.parametrize("who", ["reviewer", "operator", "admin"])
def test_whoever_takes_part_sets_a_label(as_, steps, who):
    client = as_(who)
    form = Html(client.get(address(steps[1]))).form(address(steps[1], "label"))
    assert form.attributes["method"] == "post"

    answer = client.post(address(steps[1], "label"), {"text": " before refund "})

    assert (answer.status_code, answer["Location"]) == (303, address(steps[1]))
    assert labels() == [(steps[1], "before refund", who)]
    assert chips(Html(client.get(address(steps[1])))) == ["before refund"]
    entry = AuditEntry.objects.get(action="step.labelled")
    assert (entry.person_name, entry.thread, entry.graph) == (who, "t-1", "letter")
    assert json.loads(entry.data) == {
        "label": "before refund",
        "step": 0,
        "checkpoint": steps[1],
    }
    told = Html(client.get("/threads/t-1/")).one("ol", id="timeline").text
    assert f"Label “before refund” set on Step 0 by {who}" in " ".join(told.split())


def test_the_same_label_again_changes_nothing(as_, steps):
    for who in ("reviewer", "operator"):
        as_(who).post(address(steps[1], "label"), {"text": "checked"})

    assert labels() == [(steps[1], "checked", "reviewer")]
    assert AuditEntry.objects.filter(action="step.labelled").count() == 1


def test_a_label_is_taken_off_and_a_second_time_is_no_harm(as_, steps):
    client = as_("reviewer")
    client.post(address(steps[1], "label"), {"text": "checked"})
    page = Html(client.get(address(steps[1])))
    form = page.form(address(steps[1], "unlabel"))
    (given,) = [
        e.attributes["value"]
        for e in page.all("input", name="text", type="hidden")
        if form in e.parents
    ]

    for words in ("is taken off", "was gone already"):
        answer = client.post(address(steps[1], "unlabel"), {"text": given}, follow=True)
        assert words in Html(answer).text("body")

    assert labels() == []
    entry = AuditEntry.objects.get(action="step.unlabelled")
    assert json.loads(entry.data)["label"] == "checked"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Give it a name."),
        ("   ", "Give it a name."),
        ("x" * 101, "Give at most 100 characters, not 101"),
        ("a\0b", "Give one line without NUL"),
        ("two\nlines", "Give one line without NUL"),
    ],
)
def test_what_is_no_name_is_refused_at_the_field(as_, steps, typed, words):
    answer = as_("reviewer").post(address(steps[1], "label"), {"text": typed})

    page = Html(answer)
    assert answer.status_code == 400
    assert words in page.one("p", id="label-error").text
    field = page.one("input", id="label-text")
    assert field.attributes["aria-invalid"] == "true"
    assert "label-error" in field.attributes["aria-describedby"]
    if "\0" not in typed:
        assert field.attributes["value"] == typed
    assert labels() == []


def test_a_viewer_reads_labels_and_sets_none(as_, steps):
    as_("reviewer").post(address(steps[1], "label"), {"text": "checked"})
    page = Html(as_("viewer").get(address(steps[1])))

    assert chips(page) == ["checked"]
    addresses = [e.attributes.get("action", "") for e in page.all("form")]
    assert not [each for each in addresses if "/steps/" in each]
    for verb in ("label", "unlabel"):
        answer = as_("viewer").post(address(steps[1], verb), {"text": "checked"})
        assert answer.status_code == 403
    assert len(labels()) == 1


def test_a_step_that_was_forgotten_says_so_and_keeps_what_was_typed(as_, steps):
    prune_thread("t-1", keep=1)

    for answer in (
        as_("reviewer").get(address(steps[0])),
        as_("reviewer").post(address(steps[0], "label"), {"text": "too late"}),
        as_("reviewer").post(address("nowhere", "unlabel"), {"text": "too late"}),
    ):
        page = Html(answer)
        assert answer.status_code == 404
        assert "This step is not kept" in page.text()
        assert page.one("a", href="/threads/t-1/")
    assert "You wrote: “too late”" in page.text()


def test_the_steps_of_a_hidden_thread_look_like_no_thread(as_, steps, other_thread):
    Chain(DjangoSaver(), other_thread.pk).put({"text": "x"}, ["text"])
    step = Thread.objects.get(pk=other_thread.pk).head
    client = as_("reviewer")

    hidden = client.get(f"/threads/{other_thread.pk}/steps/{step}/")
    unknown = client.get(f"/threads/nobody/steps/{step}/")
    posted = client.post(
        f"/threads/{other_thread.pk}/steps/{step}/label", {"text": "x"}
    )

    assert hidden.status_code == unknown.status_code == posted.status_code == 404
    assert Html(hidden).text() == Html(unknown).text()
    assert labels() == []


def test_steps_of_graphs_below_carry_labels_and_have_no_page(as_, steps):
    inner = Chain(DjangoSaver(), "t-1", "sub:1")
    config: Any = inner.put({"iban": "DE00"}, ["iban"])
    DjangoSaver().set_label(config, "inside")
    checkpoint = config["configurable"]["checkpoint_id"]

    page = Html(as_("viewer").get("/threads/t-1/"))

    assert chips(page) == ["inside", "inside"]
    assert page.all("a", href=address(checkpoint)) == []
    assert as_("admin").get(address(checkpoint)).status_code == 404


def test_a_label_is_text_and_nothing_else(as_, steps):
    DjangoSaver().set_label(
        checkpoint_config("t-1", "", steps[1]), "<b hx-get=/>\u202e bold"
    )

    for path in (address(steps[1]), "/threads/t-1/"):
        content = as_("reviewer").get(path).content
        assert b"<b hx-get" not in content
        assert b"RLO" in content


def test_a_page_that_is_open_asks_for_its_steps_again(thread):
    from workflows.live.frames import thread_frames
    from workflows.services.thread_history import event_record

    step = happen(thread, "step", namespace="", step=0, checkpoint="c", next=[])
    label = happen(thread, "label", label="x", checkpoint="c", action="set", step=0)

    (plain,) = thread_frames("t-1", [event_record(step)])
    (labelled,) = thread_frames("t-1", [event_record(label)])

    assert "refresh" not in json.loads(plain.text)
    assert json.loads(labelled.text)["refresh"] is True
