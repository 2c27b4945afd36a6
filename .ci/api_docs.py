"""docs/reference/api.md, made of the docstrings of what `durableweb` hands on.

Without an argument the page is written, with `--check` it is compared with what it should
be. The sources are parsed and never imported, so neither Django nor a database is needed
and the same sources give the same page everywhere.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping

from api_sources import (
    ROOT,
    Found,
    Function,
    bases,
    faces,
    find,
    handed_on,
    lineage,
    real,
    tree_of,
)

PAGE = ROOT / "docs/reference/api.md"
WIDTH = 88
INSIDE = "For the engine:"
MADE_BY = "Made by"
UNSAID = {"ABC", "Generic", "Protocol", "NamedTuple", "TypedDict", "object"}
HEAD = """\
# API

What a workflow may import. `make docs` writes this page from the docstrings; change those.
Numbers such as R1.2 are rules of [what the engine promises](engine-rules.md). Annotations
that say nothing (`Any`) are left out of the signatures.
"""


# signatures


def source(node: ast.AST) -> str:
    """The expression as the formatter would write it."""
    text = ast.unparse(node)
    return text if '"' in text else text.replace("'", '"')


def parameter(arg: ast.arg, default: ast.expr | None) -> str:
    """`name: kind = default`, without a kind that says nothing."""
    kind = source(arg.annotation) if arg.annotation else "Any"
    text = arg.arg if kind == "Any" else f"{arg.arg}: {kind}"
    if default is None:
        return text
    return f"{text}{'=' if kind == 'Any' else ' = '}{source(default)}"


def parameters(given: ast.arguments, *, bound: bool) -> list[str]:
    """All parameters as text; `bound` leaves out `self` or `cls`."""
    plain = [*given.posonlyargs, *given.args]
    missing: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults))
    found = [
        parameter(a, d) for a, d in zip(plain, [*missing, *given.defaults], strict=True)
    ]
    if given.posonlyargs:
        found.insert(len(given.posonlyargs), "/")
    if bound and plain:
        found = found[1:]
        if found[:1] == ["/"]:
            found = found[1:]
    if given.vararg:
        found.append("*" + parameter(given.vararg, None))
    elif given.kwonlyargs:
        found.append("*")
    found += [
        parameter(a, d)
        for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if given.kwarg:
        found.append("**" + parameter(given.kwarg, None))
    return found


def laid_out(name: str, given: list[str], returns: str = "") -> str:
    """The call on one line, or one parameter a line if that is too long."""
    tail = f" -> {returns}" if returns else ""
    line = f"{name}({', '.join(given)}){tail}"
    if len(line) <= WIDTH:
        return line
    inner = "".join(f"    {each},\n" for each in given)
    return f"{name}(\n{inner}){tail}"


def signature(node: Function, name: str, *, bound: bool) -> str:
    """A function's head as its callers see it."""
    returns = source(node.returns) if node.returns else ""
    given = parameters(node.args, bound=bound)
    return laid_out(name, given, "" if returns in {"Any", "None", "Self"} else returns)


def is_decorated(node: ast.ClassDef | Function, name: str) -> ast.expr | None:
    """The decorator of that name, if it is there."""
    for each in node.decorator_list:
        called = each.func if isinstance(each, ast.Call) else each
        if ast.unparse(called).rsplit(".", 1)[-1] == name:
            return each
    return None


def shown_bases(found: Found, public: Mapping[Found, str]) -> list[str]:
    """The nearest bases that a reader can look up, here or in Python's own pages."""
    shown: list[str] = []
    for base in bases(found):
        above = find(found.module, base)
        if above is None:
            shown += [base] if base not in UNSAID else []
        else:
            shown += [public[above]] if above in public else shown_bases(above, public)
    return [*dict.fromkeys(shown)]


def fields(found: Found) -> list[str]:
    """The fields of a dataclass, named tuple or typed dict as parameters, bases first."""
    mine: dict[str, str] = {}
    for each in reversed([*lineage(found)]):
        assert isinstance(each.node, ast.ClassDef)
        for line in each.node.body:
            if not isinstance(line, ast.AnnAssign) or "ClassVar" in source(
                line.annotation
            ):
                continue
            default = line.value
            if isinstance(default, ast.Call) and source(default.func) == "field":
                given = {word.arg: word.value for word in default.keywords}
                default = given.get("default") or ast.Constant(...)
            name = source(line.target)
            mine[name] = parameter(ast.arg(name, line.annotation), default)
    return [*mine.values()]


def construction(found: Found) -> str:
    """How an object of the class is made."""
    node = found.node
    assert isinstance(node, ast.ClassDef)
    for each in lineage(found):
        assert isinstance(each.node, ast.ClassDef)
        for method in each.node.body:
            if isinstance(method, Function) and method.name == "__init__":
                return laid_out(found.name, parameters(method.args, bound=True))
        decorator = is_decorated(each.node, "dataclass")
        kinds = set(bases(each))
        if decorator or kinds & {"NamedTuple", "TypedDict"}:
            words = decorator.keywords if isinstance(decorator, ast.Call) else []
            named = any(word.arg == "kw_only" for word in words) or "TypedDict" in kinds
            return laid_out(found.name, [*(["*"] if named else []), *fields(found)])
    return ""


# text


def described(node: ast.AST) -> str:
    """The docstring, as Markdown."""
    assert isinstance(node, ast.ClassDef | Function | ast.Module)
    return inspect.cleandoc(ast.get_docstring(node) or "")


def block(code: str) -> str:
    """A fenced block."""
    return f"```text\n{code}\n```\n"


def of_function(found: Found, name: str) -> Iterator[str]:
    """A function's entry."""
    assert isinstance(found.node, Function)
    yield block(signature(found.node, name, bound=False))
    yield described(found.node) + "\n"


def methods(found: Found, public: Mapping[Found, str]) -> Iterator[Function]:
    """Public methods, with those of bases that no face hands on.

    An override without a docstring is said by what it overrides.
    """
    seen: set[str] = set()
    for each in lineage(found):
        if each != found and each in public:
            continue
        assert isinstance(each.node, ast.ClassDef)
        for method in each.node.body:
            if not isinstance(method, Function) or method.name.startswith("_"):
                continue
            text = described(method)
            if text and method.name not in seen and not text.startswith(INSIDE):
                seen.add(method.name)
                yield method


def of_class(found: Found, name: str, public: Mapping[Found, str]) -> Iterator[str]:
    """A class's entry: how it is made, its docstring, its methods."""
    text = described(found.node)
    made = construction(found)
    if made and MADE_BY not in text:
        yield block(name + made.removeprefix(found.name))
    above = shown_bases(found, public)
    if above:
        yield "Base: " + ", ".join(f"`{base}`" for base in above) + ".\n"
    yield text + "\n"
    twins = []
    for method in methods(found, public):
        text = described(method)
        if text.startswith("Async twin of") and "\n" not in text:
            twins.append(method.name)
            continue
        yield f"#### {name}.{method.name}\n"
        if is_decorated(method, "property"):
            yield f"A property. {text}\n"
        else:
            yield block(signature(method, method.name, bound=True))
            yield text + "\n"
    if twins:
        yield "Async twins: " + ", ".join(f"`{twin}`" for twin in twins) + ".\n"


def bound_method(found: Found) -> Function | None:
    """The method behind `name = instance.method`."""
    node = found.node
    assert isinstance(node, ast.Assign | ast.AnnAssign)
    if not isinstance(node.value, ast.Attribute):
        return None
    owner = find(found.module, ast.unparse(node.value.value))
    made = getattr(owner.node, "value", None) if owner else None
    if owner is None or not isinstance(made, ast.Call):
        return None
    above = find(owner.module, ast.unparse(made.func))
    for each in (
        above.node.body if above and isinstance(above.node, ast.ClassDef) else []
    ):
        if isinstance(each, Function) and each.name == node.value.attr:
            return each
    return None


def of_value(found: Found) -> Iterator[str]:
    """A constant's or an alias's entry."""
    node = found.node
    assert isinstance(node, ast.Assign | ast.AnnAssign)
    value = source(node.value) if node.value else ""
    method = bound_method(found)
    if method is not None:
        yield block(signature(method, found.name, bound=True))
        yield described(method) + "\n"
    elif len(value) <= WIDTH:
        yield block(f"{found.name} = {value}")
    tree = tree_of(found.module)
    assert tree is not None
    after = tree.body[tree.body.index(node) + 1 :][:1]
    for each in after:
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
            yield inspect.cleandoc(str(each.value.value)) + "\n"


def page() -> str:
    """The whole page."""
    modules = faces()
    public = {
        real(found): name
        for module in modules
        for name in handed_on(module)
        if (found := find(module, name))
    }
    shown: dict[Found, tuple[str, str]] = {}
    parts = [HEAD]
    for module in modules:
        tree = tree_of(module)
        assert tree is not None
        parts += [f"## {module}\n", described(tree) + "\n"]
        for name in handed_on(module):
            found = find(module, name)
            if found is None:
                raise SystemExit(f"{module} hands on {name}, which is not found")
            parts.append(f"### {name}\n")
            found = real(found)
            first, known = shown.setdefault(found, (module, name))
            if known != name:
                parts.append(f"Another name of `{known}`.\n")
            elif first != module:
                parts.append(f"The same as in `{first}`.\n")
            elif isinstance(found.node, Function):
                parts += of_function(found, name)
            elif isinstance(found.node, ast.ClassDef):
                parts += of_class(found, name, public)
            else:
                parts += of_value(found)
    return "\n".join(part for part in parts if part.strip())


def main() -> int:
    """Write the page, or compare it."""
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not what the docstrings give: make docs")
    return 1


if __name__ == "__main__":
    sys.exit(main())
