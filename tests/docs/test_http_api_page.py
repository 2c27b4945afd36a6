"""The reference of the HTTP API names every word that a refusal can have."""

import re
from pathlib import Path

from tests.docs.test_examples import ROOT

PAGE = ROOT / "docs/reference/http-api.md"
CODE = re.compile(r'problem\(\s*[\w.]+,\s*"([a-z_]+)"')
WORD = re.compile(r'^    \(\w+, "([a-z_]+)"\),$', re.MULTILINE)
OF_UPDATES = re.compile(r'"(update_[a-z]+)"')


def codes() -> set[str]:
    """The words in the code: where a problem is made, and in the table of refusals."""
    files = [*Path(ROOT / "workflows").rglob("*.py")]
    texts = [file.read_text(encoding="utf-8") for file in files]
    table = (ROOT / "workflows/api/refusals.py").read_text(encoding="utf-8")
    updates = (ROOT / "workflows/api/updating.py").read_text(encoding="utf-8")
    found = {code for text in texts for code in CODE.findall(text)}
    return found | {*WORD.findall(table)} | {*OF_UPDATES.findall(updates)}


def test_every_word_of_a_refusal_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = codes()

    assert {
        "too_large",
        "already_decided",
        "update_refused",
        "too_many_streams",
    } <= found
    assert {each for each in found if f"`{each}`" not in page} == set()
