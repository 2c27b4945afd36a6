"""Reading a git history: what is allowed, and what is said when it cannot be read."""

from pathlib import Path

import pytest

from durableweb.demo import git_history
from durableweb.demo.git_history import HistoryError, read_history
from tests.demo.conftest import commit


def test_it_returns_the_commits_newest_first(repository: Path) -> None:
    commits = read_history(str(repository), "v1..HEAD", allowed=[repository])

    assert [entry["subject"] for entry in commits][::3] == [
        "Wind it slower",
        "Add an alarm",
    ]
    assert commits[0]["author"] == "Ada"
    assert len(commits[0]["hash"]) == 40


def test_a_subject_may_hold_any_sign(repository: Path) -> None:
    commit(repository, "Say “grün” | <b>")

    (newest,) = read_history(str(repository), "HEAD~1..HEAD", allowed=[repository])

    assert newest["subject"] == "Say “grün” | <b>"


@pytest.mark.parametrize(
    "span", ["--output=/tmp/x", "-p", "--all", "", "HEAD x", "a;b", "HEAD\n", ":x"]
)
def test_what_is_no_range_is_refused(repository: Path, span: str) -> None:
    with pytest.raises(HistoryError, match="range"):
        read_history(str(repository), span, allowed=[repository])


def test_a_path_that_is_not_listed_is_refused(repository: Path) -> None:
    for path in (repository.parent, repository / "..", Path("/")):
        with pytest.raises(HistoryError, match="DEMO_GIT_REPOSITORIES"):
            read_history(str(path), "HEAD", allowed=[repository])


def test_a_link_that_leads_out_is_refused(repository: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)

    with pytest.raises(HistoryError, match="not one of the repositories"):
        read_history(str(link), "HEAD", allowed=[repository])


def test_a_folder_without_git_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"has no \.git"):
        read_history(str(tmp_path), "HEAD", allowed=[tmp_path])


def test_a_machine_without_git_is_told(repository: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(HistoryError, match="git is not installed"):
        read_history(str(repository), "HEAD", allowed=[repository])


def test_an_unknown_revision_is_told_in_gits_words(repository: Path) -> None:
    with pytest.raises(HistoryError, match="v9"):
        read_history(str(repository), "v9..HEAD", allowed=[repository])


def test_an_empty_range_is_told(repository: Path) -> None:
    with pytest.raises(HistoryError, match="no commits"):
        read_history(str(repository), "HEAD..HEAD", allowed=[repository])


def test_a_very_long_range_is_refused(repository: Path, monkeypatch) -> None:
    monkeypatch.setattr(git_history, "MAX_COMMITS", 3)

    with pytest.raises(HistoryError, match="more than 3 commits"):
        read_history(str(repository), "HEAD", allowed=[repository])


def test_the_callers_git_variables_lead_nowhere(
    repository: Path, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))

    assert read_history(str(repository), "HEAD", allowed=[repository])
