"""The table "rule, test": which test shows which rule of docs/reference/engine-rules.md.

A test names its rules with `@pytest.mark.rule("R1.2", ...)` (or a module-level `pytestmark`),
a conformance program with `@program("R1.2", ...)`. `make rules` prints the rules without a
test and fails if there are any; `make rules ALL=1` prints the whole table. A rule that a
test names and the page does not know is an error too.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/engine-rules.md"
RULE = re.compile(r"^- \*\*(R[A-Z]?\d*\.\d+|[CDE]\.\w+)\*\*", re.MULTILINE)
MARKERS = {"program", "rule"}


def rules() -> list[str]:
    """The rule numbers of the page, in its order."""
    return RULE.findall(PAGE.read_text(encoding="utf-8"))


def called_name(call: ast.Call) -> str:
    """`rule` for both `rule(...)` and `pytest.mark.rule(...)`."""
    function = call.func
    return (
        function.attr
        if isinstance(function, ast.Attribute)
        else getattr(function, "id", "")
    )


def named(node: ast.AST) -> list[str]:
    """The rules that the markers in this expression name."""
    found = []
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and called_name(call) in MARKERS:
            found += [
                each.value
                for each in call.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
    return found


def shown_by(tree: ast.Module, where: str) -> Iterator[tuple[str, str]]:
    """Pairs of rule and test of one file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                for rule in named(decorator):
                    yield rule, f"{where}::{node.name}"
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark"
            for target in node.targets
        ):
            for rule in named(node.value):
                yield rule, where


def table() -> dict[str, list[str]]:
    """Rule -> tests, of all files under tests/."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for rule, test in shown_by(tree, str(path.relative_to(ROOT))):
            found[rule].append(test)
    return found


def main() -> int:
    """Print what is missing; returns the exit code."""
    known, tests = rules(), table()
    if "--all" in sys.argv[1:]:
        for rule in known:
            print(rule, *(tests.get(rule) or ["-- no test --"]), sep="\n    ")
    missing = [rule for rule in known if rule not in tests]
    unknown = sorted(set(tests) - set(known))
    for rule in missing:
        print(f"no test names {rule}")
    for rule in unknown:
        print(f"{PAGE.relative_to(ROOT)} does not know {rule}: {tests[rule][0]}")
    print(f"{len(known)} rules, {len(known) - len(missing)} with a test")
    return 1 if missing or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
