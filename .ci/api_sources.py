"""Where the names that `durableweb` hands on are defined, found by parsing alone."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = ["graph", "pregel", "types", "func", "config", "runtime", "errors"]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Found:
    """A definition: the module that has it, and its node there."""

    module: str
    name: str
    node: ast.AST


@cache
def tree_of(module: str) -> ast.Module | None:
    """The parsed module, None if it is not one of ours."""
    path = ROOT / module.replace(".", "/")
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return ast.parse(file.read_text(encoding="utf-8"))
    return None


def faces() -> list[str]:
    """The modules that say in `__all__` what they hand on, the most used first."""
    found = []
    for path in sorted((ROOT / "durableweb").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        if handed_on(module):
            found.append(module)
    return sorted(found, key=_place)


def _place(module: str) -> tuple[int, str]:
    room = module.removeprefix("durableweb.").split(".")[0]
    return (FIRST.index(room) if room in FIRST else len(FIRST), module)


def handed_on(module: str) -> list[str]:
    """The names in the module's `__all__`."""
    tree = tree_of(module)
    for node in tree.body if tree else []:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def find(module: str, name: str) -> Found | None:
    """Where `name` of `module` is defined, through all imports of ours."""
    tree = tree_of(module)
    for node in _statements(tree):
        if isinstance(node, ast.ClassDef | Function) and node.name == name:
            return Found(module, name, node)
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in _targets(node):
            return Found(module, name, node)
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return find(node.module, alias.name)
    return None


def _statements(tree: ast.Module | None) -> Iterator[ast.stmt]:
    """The module's statements, with those that only a type checker reads."""
    for node in tree.body if tree else []:
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from node.body


def real(found: Found) -> Found:
    """What an alias such as `Other = Thing` stands for, if that is a definition of ours."""
    value = getattr(found.node, "value", None)
    if isinstance(value, ast.Name):
        return find(found.module, value.id) or found
    return found


def _targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [ast.unparse(target) for target in targets]


def bases(found: Found) -> list[str]:
    """The base classes as they are written, without type parameters."""
    assert isinstance(found.node, ast.ClassDef)
    return [
        ast.unparse(each.value if isinstance(each, ast.Subscript) else each)
        for each in found.node.bases
    ]


def lineage(found: Found) -> Iterator[Found]:
    """The class, then its bases of ours, depth first, each once."""
    seen: set[str] = set()
    rest = [found]
    while rest:
        each = rest.pop(0)
        if each.name in seen:
            continue
        seen.add(each.name)
        yield each
        above = [find(each.module, base) for base in bases(each)]
        rest = [a for a in above if a and isinstance(a.node, ast.ClassDef)] + rest
