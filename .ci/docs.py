"""Check that every relative link and picture in the pages leads to a file.

README.md, CHANGELOG.md and everything under docs/ are read; links to other sites are
left alone, because a test that needs the network fails for the wrong reason.
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|<img[^>]+src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names under which the page's headings can be linked."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text())):
        words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(words.replace(" ", "-"))
    return found


def broken_links(page: Path) -> list[str]:
    """What the page links to and is not there."""
    broken = []
    for markdown, html in LINK.findall(FENCE.sub("", page.read_text())):
        target = markdown or html
        if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / unquote(path)).resolve() if path else page
        lost_anchor = anchor and file.suffix == ".md" and file.exists()
        if not file.exists() or (lost_anchor and anchor not in anchors(file)):
            broken.append(f"{page.relative_to(ROOT)}: {target} leads nowhere")
    return broken


def main() -> int:
    """Look through all pages."""
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]
    broken = [line for page in pages if page.exists() for line in broken_links(page)]
    print("\n".join(broken) or f"{len(pages)} pages, every link leads somewhere")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
