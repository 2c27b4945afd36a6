"""release_notes: a real history becomes a draft, a person edits it, a file is written."""

from pathlib import Path

import pytest

from durableweb.demo import release_notes
from durableweb.demo.git_history import HistoryError


def test_the_draft_groups_the_commits_by_kind(repository: Path, drive) -> None:
    run = drive(release_notes.builder)

    run.start(repository=str(repository), range="v1..HEAD")

    question = run.question()
    assert question["title"] == "Release notes of clock: 4 commits in v1..HEAD"
    lines = [line.rpartition(" (")[0] or line for line in question["notes"].split("\n")]
    assert lines == [
        "# clock, v1..HEAD",
        "",
        "## Added",
        "",
        "- Add an alarm",
        "",
        "## Fixed",
        "",
        "- Move the minute hand",
        "",
        "## Removed",
        "",
        "- Remove the cuckoo",
        "",
        "## Changed",
        "",
        "- Wind it slower",
        "",
    ]


def test_the_file_holds_what_the_person_approved(repository: Path, drive) -> None:
    run = drive(release_notes.builder)
    run.start(repository=str(repository), range="HEAD")

    result = run.answer(True, notes="It rings now.\n")

    file = Path(result["file"])
    assert file.read_text() == "It rings now.\n"
    assert file.parent == repository.parent / "var" / "release-notes"
    assert file.name.startswith("clock-HEAD-")


def test_a_draft_that_was_edited_is_asked_about(repository: Path, drive) -> None:
    run = drive(release_notes.builder)
    run.start(repository=str(repository), range="HEAD")

    run.graph.update_state(run.config, {"draft": "# Mine\n"})
    run.go_on()

    assert run.question()["notes"] == "# Mine\n"


async def test_it_runs_under_the_async_api(repository: Path, drive) -> None:
    run = drive(release_notes.builder)

    await run.astart(repository=str(repository), range="HEAD")
    result = await run.aanswer(True)

    assert (repository.parent / "var" / "release-notes").is_dir()
    assert result["file"].startswith(str(repository.parent))


def test_without_approval_nothing_is_written(repository: Path, drive) -> None:
    run = drive(release_notes.builder)
    run.start(repository=str(repository), range="HEAD")

    result = run.answer(False, reason="not yet")

    assert result["approved"] is False
    assert not (repository.parent / "var").exists()


def test_empty_notes_are_refused_and_the_question_stays(
    repository: Path, drive
) -> None:
    run = drive(release_notes.builder)
    run.start(repository=str(repository), range="HEAD")

    with pytest.raises(Exception, match="notes"):
        run.answer(True, notes="")

    assert len(run.questions()) == 1


def test_a_write_that_is_repeated_finds_its_file_by_the_key(
    repository: Path, drive, monkeypatch
) -> None:
    # The process dies after the file is in place and before the task's result is saved.
    run = drive(release_notes.builder)
    run.start(repository=str(repository), range="HEAD")
    real = release_notes.Path.replace

    def replace_and_die(self: Path, target: Path) -> None:
        real(self, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(release_notes.Path, "replace", replace_and_die)
        with pytest.raises(KeyboardInterrupt):
            run.answer(True, notes="Once.\n")
    files = list((repository.parent / "var" / "release-notes").iterdir())
    written_at = files[0].stat().st_mtime_ns

    result = run.go_on()

    assert [Path(result["file"])] == files
    assert list((repository.parent / "var" / "release-notes").iterdir()) == files
    assert files[0].stat().st_mtime_ns == written_at


def test_two_threads_with_the_same_notes_write_two_files(
    repository: Path, drive
) -> None:
    runs = [drive(release_notes.builder), drive(release_notes.builder)]

    for run in runs:
        run.start(repository=str(repository), range="HEAD")
    files = {run.answer(True)["file"] for run in runs}

    assert len(files) == 2


def test_a_history_that_cannot_be_read_fails_the_run_clearly(
    repository: Path, drive
) -> None:
    run = drive(release_notes.builder)

    with pytest.raises(HistoryError, match="repositories that may be read"):
        run.start(repository=str(repository.parent), range="HEAD")


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Add a door", "Added"),
        ("feat(ui)!: add a door", "Added"),
        ("Fix the door", "Fixed"),
        ("docs: tell about the door", "Documentation"),
        ("Address the door", "Changed"),
        ("  42", "Changed"),
        ("", "Changed"),
    ],
)
def test_the_first_word_tells_the_kind(subject: str, kind: str) -> None:
    assert release_notes.kind_of(subject) == kind
