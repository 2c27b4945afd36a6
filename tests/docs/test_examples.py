"""The programs on the pages run as they are printed, and print what stands below them.

A page's blocks are run in order, in one module. Where a fenced `text` block is the next one,
it is what the program before it prints, or the error it ends with; `[...]` stands for some
more text, and ids may differ.
"""

import contextlib
import io
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID = re.compile(r"\b[0-9a-f]{32}\b")
PAGES = [
    page.relative_to(ROOT).as_posix()
    for folder in ("explanation", "reference")
    for page in sorted((ROOT / "docs" / folder).glob("*.md"))
    if "```python" in page.read_text(encoding="utf-8")
]


def told(code: str, module: ModuleType, where: str) -> str:
    """What the block prints, with the error it ends with as a last line."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            exec(compile(code, where, "exec"), module.__dict__)
        except Exception as error:  # noqa: BLE001
            print(f"{type(error).__name__}: {error}")  # noqa: T201
    return plain(out.getvalue())


def plain(text: str) -> str:
    """One line, without ids."""
    return ID.sub("<id>", " ".join(text.split()))


def fits(given: str, wanted: str) -> bool:
    parts = [re.escape(part) for part in plain(wanted).split("[...]")]
    return re.fullmatch(".*".join(parts), given) is not None


@pytest.mark.parametrize("page", PAGES)
def test_its_programs_do_what_the_page_says(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))

    for number, (language, code) in enumerate(blocks):
        if language != "python":
            continue
        following = blocks[number + 1 : number + 2]
        wanted = following[0][1] if following and following[0][0] == "text" else ""
        given = told(code, module, f"{page}, block {number}")

        assert fits(given, wanted), f"{code}\ngives\n{given}\nnot\n{wanted}"


def test_a_page_that_says_something_else_would_be_noticed() -> None:
    assert fits(plain("a b\nc"), "a [...]\n")
    assert not fits("a b", "a c")
    assert not fits("a b", "a")
