"""Reading the history of a git repository that the settings list.

The path and the range come from a form, so neither may become an option of git.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import TypedDict

MAX_COMMITS = 500
TIMEOUT_SECONDS = 20
_RANGE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_./~^@{}+-]*")
_FIELD, _RECORD = "\x1f", "\x1e"
_FORMAT = "%H%x1f%an%x1f%as%x1f%s%x1e"


class HistoryError(ValueError):
    """The history cannot be read; the text says what to do."""


class Commit(TypedDict):
    """One commit: full hash, author's name, date as YYYY-MM-DD, first line."""

    hash: str
    author: str
    date: str
    subject: str


def read_history(repository: str, span: str, *, allowed: list[Path]) -> list[Commit]:
    """Return the commits of `span` (a range or a revision), newest first, without merges.

    Raises HistoryError for what is not allowed or cannot be read.
    """
    path = _checked_path(repository, allowed)
    _check_range(span)
    records = _git_log(path, span).split(_RECORD)
    commits = [_commit(record) for record in records if record.strip()]
    if not commits:
        raise HistoryError(f"there are no commits in {span} of {path}")
    if len(commits) > MAX_COMMITS:
        raise HistoryError(
            f"{span} has more than {MAX_COMMITS} commits; name a shorter range, "
            "for example v1.0..HEAD"
        )
    return commits


def _checked_path(repository: str, allowed: list[Path]) -> Path:
    if "\0" in repository:
        raise HistoryError("the path of a repository cannot contain NUL")
    path = Path(repository).expanduser().resolve()
    if path not in allowed:
        listed = ", ".join(str(entry) for entry in allowed) or "none"
        raise HistoryError(
            f"{path} is not one of the repositories that may be read ({listed}); "
            "the setting DEMO_GIT_REPOSITORIES lists them"
        )
    # A worktree or a submodule has a file of that name.
    if not (path / ".git").exists():
        raise HistoryError(
            f"{path} is no git repository: it has no .git "
            "(an unpacked archive has none; a clone has)"
        )
    return path


def _check_range(span: str) -> None:
    if span.startswith("-"):
        raise HistoryError(f"a range cannot begin with '-': {span!r}")
    if not _RANGE.fullmatch(span):
        raise HistoryError(
            f"{span!r} is not a range; write it like v1.0..v1.1, v1.0..HEAD or HEAD"
        )


def _git_log(path: Path, span: str) -> str:
    command = [
        "git",
        # What a repository's own configuration could start is switched off.
        *("-c", "log.showSignature=false", "-c", "core.fsmonitor=false"),
        *("-C", str(path), "log", "--no-merges", "--no-color"),
        *(f"--format={_FORMAT}", f"--max-count={MAX_COMMITS + 1}"),
        *("--end-of-options", span, "--"),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell; both inputs are checked
            command,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env=_environment(),
        )
    except FileNotFoundError as error:
        raise HistoryError(
            "git is not installed on this machine; install it to read a history"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise HistoryError(
            f"git took longer than {TIMEOUT_SECONDS} s for {span} of {path}"
        ) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", errors="replace").strip()
        raise HistoryError(f"git cannot read {span} of {path}: {said}")
    return done.stdout.decode("utf-8", errors="replace")


def _environment() -> dict[str, str]:
    # GIT_DIR and its like, set by a hook for instance, would lead to another repository.
    kept = {key: value for key, value in os.environ.items() if key[:4] != "GIT_"}
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


def _commit(record: str) -> Commit:
    hash_, author, date, subject = record.strip("\n").split(_FIELD)
    return Commit(hash=hash_, author=author, date=date, subject=subject)
