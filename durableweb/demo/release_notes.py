"""Draft release notes from a git history; a person edits and approves, a file is written."""

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from durableweb.config import get_config
from durableweb.demo import conf
from durableweb.demo.git_history import Commit, read_history
from durableweb.func import task
from durableweb.graph import END, START, StateGraph
from durableweb.types import interrupt

KINDS = {
    "Added": ("add", "feat", "introduce", "create", "allow", "support", "ship", "lay"),
    "Fixed": ("fix", "correct", "repair", "mend"),
    "Removed": ("remove", "drop", "delete"),
    "Documentation": ("docs", "document", "explain", "describe"),
    "Tests": ("test", "prove"),
}
OTHER = "Changed"
_FIRST_WORD = re.compile(r"[A-Za-z]+")
_PREFIX = re.compile(r"^[a-z]+(\([^)]*\))?!?:\s*")


class Input(TypedDict):
    repository: Annotated[
        str,
        Meta(
            title="Repository",
            description=(
                "Path of a checkout, with a dot for this one; DEMO_GIT_REPOSITORIES lists "
                "those allowed."
            ),
            min_length=1,
            max_length=300,
            extra_json_schema={"default": "."},
        ),
    ]
    range: Annotated[
        str,
        Meta(
            title="Range",
            description="For example v1.0..v1.1, v1.0..HEAD, or HEAD for everything.",
            min_length=1,
            max_length=200,
            extra_json_schema={"default": "HEAD"},
        ),
    ]


# The answer of a person; the form of the question is drawn from it.
class NotesReview(TypedDict):
    approved: bool
    notes: Annotated[
        str,
        Meta(title="Notes", min_length=1, extra_json_schema={"format": "markdown"}),
    ]
    reason: NotRequired[str]


class State(Input, total=False):
    commits: list[Commit]
    draft: Annotated[
        str,
        Meta(
            title="Draft",
            description="The notes as the question proposes them.",
            min_length=1,
            extra_json_schema={"format": "markdown"},
        ),
    ]
    approved: bool
    notes: str
    reason: str
    file: str


def read(state: State) -> dict[str, object]:
    """Read the commits once; what follows works on this saved list, whatever is pushed."""
    commits = read_history(
        state["repository"], state["range"], allowed=conf.git_repositories()
    )
    return {"commits": commits}


def draft(state: State) -> dict[str, object]:
    """Group the commits by kind."""
    groups: dict[str, list[str]] = {}
    for commit in state["commits"]:
        subject = _PREFIX.sub("", commit["subject"])
        line = f"- {subject[:1].upper()}{subject[1:]} ({commit['hash'][:7]})"
        groups.setdefault(kind_of(commit["subject"]), []).append(line)

    name = Path(state["repository"]).resolve().name
    parts = [f"# {name}, {state['range']}"]
    for kind in (*KINDS, OTHER):
        if kind in groups:
            parts.append(f"## {kind}\n\n" + "\n".join(groups[kind]))
    return {"draft": "\n\n".join(parts) + "\n"}


def review(state: State) -> dict[str, object]:
    """Ask a person to edit and approve the draft."""
    count = len(state["commits"])
    name = Path(state["repository"]).resolve().name
    answer: NotesReview = interrupt(
        {
            "title": f"Release notes of {name}: {count} commits in {state['range']}",
            "question": "Edit the notes as readers should see them, then approve.",
            "notes": state["draft"],
        },
        response_schema=NotesReview,
    )
    reason = answer.get("reason", "")
    if not answer["approved"]:
        return {"approved": False, "reason": reason}
    return {"approved": True, "notes": answer["notes"], "reason": reason}


def write(state: State) -> dict[str, object]:
    """Write the approved notes.

    The key is the same whenever this node runs again, in any process: it is made of the
    thread and of the text. The task looks for it before it writes.
    """
    thread_id = str(get_config()["configurable"]["thread_id"])
    key = hashlib.sha256(f"{thread_id}\n{state['notes']}".encode()).hexdigest()[:12]
    name = Path(state["repository"]).resolve().name
    return {
        "file": write_once(
            key, f"{name}-{_slug(state['range'])}", state["notes"]
        ).result()
    }


@task
def write_once(key: str, name: str, text: str) -> str:
    """Write the file unless this key has been written; return its path.

    When this task has returned, its result is saved and it never runs again. If the
    process dies after the file is in place but before the result is saved, it does run
    again, and finds the file by its key.
    """
    folder = conf.output_dir() / "release-notes"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{key}.md"
    if not target.exists():
        # Under its final name the file is complete or not there at all.
        unfinished = target.with_suffix(f".{os.getpid()}.part")
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    return str(target)


def kind_of(subject: str) -> str:
    """Return the heading under which a commit with this subject belongs."""
    found = _FIRST_WORD.match(subject)
    word = found.group().lower() if found else ""
    for kind, words in KINDS.items():
        if word in words:
            return kind
    return OTHER


def route(state: State) -> str:
    """Write only what was approved."""
    return "write" if state["approved"] else END


def _slug(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", "-", text).strip("-")[:60] or "all"


builder = StateGraph(State, input_schema=Input)
builder.add_node("read", read)
builder.add_node("draft", draft)
builder.add_node("review", review)
builder.add_node("write", write)
builder.add_edge(START, "read")
builder.add_edge("read", "draft")
builder.add_edge("draft", "review")
builder.add_conditional_edges("review", route, ["write", END])
builder.add_edge("write", END)
graph = builder.compile(name="release_notes")
