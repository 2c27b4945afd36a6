"""What makes a graph the same code as another: a digest each of its nodes, edges, keys and body (RB.12).

The body is the source of an entrypoint. Comments, docstrings, formatting and the bodies of tasks
inside it do not count. Nothing here looks at an address, so any process gives the same digest.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
import tokenize
import typing
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from workflows.engine.ids import digest

if TYPE_CHECKING:
    from workflows.engine.loop.program import Node, Program

PARTS = ("nodes", "edges", "state", "body")
_SHORT = 6  # hex digits of a part: 24 bits that a change would have to meet by chance


def fingerprint(program: Program) -> str:
    """`nodes.edges.state.body`, each a few hex digits; a graph has no body, so "0"."""
    return ".".join(
        (
            _short(_nodes_text(program)),
            _short(_edges_text(program)),
            _short(_state_text(program)),
            _body_digest(program.nodes[program.first].fn)
            if program.functional
            else "0",
        )
    )


def parts_that_differ(one: str, other: str) -> list[str]:
    """The names of the parts in which two fingerprints differ."""
    pairs = zip(PARTS, one.split("."), other.split("."), strict=False)
    return [part for part, mine, theirs in pairs if mine != theirs]


def _short(text: str) -> str:
    return digest(text)[:_SHORT]


def _nodes_text(program: Program) -> str:
    return "\n".join(
        f"{name}{' defer' if node.defer else ''}{' handler' if node.handler else ''}"
        f"{' graph' if node.subgraph is not None else ''}"
        for name, node in sorted(program.nodes.items())
    )


def _edges_text(program: Program) -> str:
    lines = [f"{key} -> {join.target}" for key, join in program.joins.items()]
    for name, node in program.nodes.items():
        lines += [f"{name} -> {target}" for target in node.edges]
        lines += _branch_lines(name, node)
        lines += [f"{channel} calls {name}" for channel in node.triggers]
    return "\n".join(sorted(lines))


def _branch_lines(name: str, node: Node) -> list[str]:
    return [
        f"{name} ? {branch.name} {sorted((branch.ends or {}).items(), key=str)}"
        for branch in node.branches
    ]


def _state_text(program: Program) -> str:
    lines = []
    for key, channel in program.channels.items():
        if key in program.joins:
            continue
        fold = getattr(channel, "operator", None)
        lines.append(
            f"{key}: {type(channel).__name__} {type_text(channel.typ)} "
            f"{'' if fold is None else _function_name(fold)}"
        )
    lines += [f"{key}: {kind.__name__}" for key, kind in program.managed.items()]
    return "\n".join(sorted(lines))


def _function_name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))


def type_text(typ: Any, within: tuple[Any, ...] = ()) -> str:
    """A type as text, classes with fields opened; the same in every process."""
    origin = typing.get_origin(typ)
    if origin is Annotated:
        return type_text(typing.get_args(typ)[0], within)
    if origin is Literal:
        return f"Literal{typing.get_args(typ)!r}"
    if origin is not None:
        name = "Union" if origin is Union else getattr(origin, "__name__", str(origin))
        inside = ", ".join(type_text(part, within) for part in typing.get_args(typ))
        return f"{name.replace('UnionType', 'Union')}[{inside}]"
    if isinstance(typ, type):
        return f"{typ.__qualname__}{_fields_text(typ, within)}"
    if isinstance(typ, list | tuple):  # the parameters of a Callable
        return f"[{', '.join(type_text(part, within) for part in typ)}]"
    if isinstance(typ, str):
        return typ
    if isinstance(typ, typing.ForwardRef):
        return typ.__forward_arg__
    return str(getattr(typ, "__name__", type(typ).__name__))


def _fields_text(cls: type, within: tuple[Any, ...]) -> str:
    """The fields of a class of the author, own and inherited; "" for a class without any."""
    if issubclass(cls, Enum):
        return f"{{{', '.join(cls.__members__)}}}"
    if cls in within or cls.__module__ in ("builtins", "typing", "datetime", "decimal"):
        return ""
    found: dict[str, str] = {}
    hint: Any
    for base in reversed(cls.__mro__):
        for key, hint in inspect.get_annotations(base).items():
            if (
                not key.startswith("__")
                and typing.get_origin(hint) is not typing.ClassVar
            ):
                found[key] = type_text(hint, (*within, cls))
    return f"{{{', '.join(f'{k}: {v}' for k, v in found.items())}}}" if found else ""


def _body_digest(function: Any) -> str:
    """The digest of a function's source; "0" where nobody has the source any more."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "0" if code is None else _source_digest(code)


@lru_cache(maxsize=512)
def _source_digest(code: Any) -> str:
    try:
        # `inspect.getsource` asks every loaded module whose file this is: 10 ms, not 1.
        lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
        tree = ast.parse(textwrap.dedent("".join(inspect.getblock(lines))))
    except (IndexError, SyntaxError, tokenize.TokenError):
        return "0"
    if not tree.body:
        return "0"
    function = tree.body[0]
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        function.decorator_list = []  # its settings are no part of what it does
    return _short(ast.unparse(_Bare().visit(tree)))


class _Bare(ast.NodeTransformer):
    """Takes docstrings and the bodies of tasks out of a function."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._strip(node)
        return node

    def visit_AsyncFunctionDef(
        self, node: ast.AsyncFunctionDef
    ) -> ast.AsyncFunctionDef:
        self._strip(node)
        return node

    def _strip(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if any(_is_task(decorator) for decorator in node.decorator_list):
            node.body = [ast.Pass()]
            return
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)


def _is_task(decorator: ast.expr) -> bool:
    """Say whether a decorator is `@task`, `@task(...)` or `@func.task`."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else None
    return "task" in (name, getattr(called, "id", None))
