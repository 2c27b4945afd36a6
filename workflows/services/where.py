"""The language of `list_threads(where=)`: from a text to a tree (RB.11).

`amount > 100 and (status = 'interrupted' or tags has 'urgent')`. What the names stand for, and
whether a comparison makes sense, is `where_query.py`'s to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

LONGEST = 2_000
MOST_COMPARISONS = 50
MOST_ITEMS = 100
DEEPEST = 30
_ORDERS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_SAME_AS = {"==": "=", "<>": "!="}
_WORDS = frozenset({"and", "or", "not", "in", "has", "contains", "true", "false"})
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<name>[^\W\d]\w*)
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<sign><=|>=|!=|<>|==|[=<>(),])""",
    re.VERBOSE,
)


class WhereError(ValueError):
    """A `where` cannot be understood; `position` counts its characters from 0, `reason` is a sentence."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"where, at character {position + 1}: {reason}")
        self.reason = reason
        self.position = position


class Token(NamedTuple):
    """A piece of the text: `kind` is name, word, number, text, sign or end."""

    kind: str
    text: str
    position: int

    @property
    def shown(self) -> str:
        """The piece in an error."""
        short = self.text if len(self.text) <= 40 else f"{self.text[:40]}..."
        return "the end" if self.kind == "end" else short


@dataclass(frozen=True)
class Literal:
    """A value that was written: a text, a number or a bool, and where."""

    value: str | int | float | bool
    position: int


@dataclass(frozen=True)
class Comparison:
    """`name operator value`; `operator` is one of = != < <= > >= in, not in, has."""

    name: str
    position: int
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Negation:
    """`not part`."""

    part: Tree


@dataclass(frozen=True)
class Junction:
    """`part and part ...`, or with "or"."""

    word: str
    parts: tuple[Tree, ...]


Tree = Comparison | Negation | Junction


def written(name: str, value: str | int | float | bool) -> str:
    """The comparison that finds what has this value; an item of a list is found by `has`."""
    if isinstance(value, bool):
        return f"{name} = {str(value).lower()}"
    if isinstance(value, str):
        return f"{name} = {quoted(value)}"
    return f"{name} = {value!r}"


def quoted(text: str) -> str:
    """A text as the language writes it."""
    return "'" + text.replace("'", "''") + "'"


def parse(text: str) -> Tree:
    """The tree of a `where`. Raises TypeError for what is no text, WhereError for what makes no sense."""
    if not isinstance(text, str):
        raise TypeError(f'where is a text such as "amount > 100", not {text!r}')
    if len(text) > LONGEST:
        raise WhereError(f"it has more than {LONGEST} characters", LONGEST)
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[Token]:
    found = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise WhereError(_unreadable(text, position), position)
        kind, piece = str(match.lastgroup), match.group()
        if kind == "name" and piece.lower() in _WORDS:
            kind, piece = "word", piece.lower()
        if kind != "space":
            found.append(Token(kind, piece, position))
        position = match.end()
    return [*found, Token("end", "", len(text))]


def _unreadable(text: str, position: int) -> str:
    sign = text[position]
    if sign in "'\"":
        return f"the text that begins here has no closing {sign}"
    if sign.isdigit() or sign == "-":
        return "this is no number; write 12, -3 or 4.5, and a text in quotes"
    return f"{sign!r} means nothing here"


class _Parser:
    """Reads tokens from left to right; one method a rule of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._comparisons = 0

    def whole(self) -> Tree:
        if self._here.kind == "end":
            raise WhereError("there is nothing to look for", 0)
        tree = self._alternatives(0)
        if self._here.kind != "end":
            raise self._error("and, or, or the end")
        return tree

    @property
    def _here(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._here
        self._next += 1
        return token

    def _takes(self, *texts: str) -> bool:
        """Whether this word or sign stands here; if so, it is taken."""
        here = self._here
        found = here.kind in ("word", "sign") and here.text in texts
        self._next += found
        return found

    def _error(self, wanted: str) -> WhereError:
        here = self._here
        return WhereError(f"found {here.shown}, expected {wanted}", here.position)

    def _alternatives(self, depth: int) -> Tree:
        parts = [self._conditions(depth)]
        while self._takes("or"):
            parts.append(self._conditions(depth))
        return parts[0] if len(parts) == 1 else Junction("or", tuple(parts))

    def _conditions(self, depth: int) -> Tree:
        parts = [self._condition(depth)]
        while self._takes("and"):
            parts.append(self._condition(depth))
        return parts[0] if len(parts) == 1 else Junction("and", tuple(parts))

    def _condition(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise WhereError(
                f"more than {DEEPEST} levels of parentheses and nots",
                self._here.position,
            )
        if self._takes("not"):
            return Negation(self._condition(depth + 1))
        if self._takes("("):
            tree = self._alternatives(depth + 1)
            if not self._takes(")"):
                raise self._error("and, or, or )")
            return tree
        return self._comparison()

    def _comparison(self) -> Comparison:
        name = self._here
        if name.kind in ("text", "number"):
            raise WhereError("the name comes first, as in amount > 100", name.position)
        if name.kind != "name":
            raise self._error("the name of an attribute")
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            raise WhereError(f"more than {MOST_COMPARISONS} comparisons", name.position)
        self._take()
        operator = self._operator()
        values = self._list() if operator.endswith("in") else (self._literal(),)
        return Comparison(name.text, name.position, operator, values)

    def _operator(self) -> str:
        if self._takes("not"):
            if not self._takes("in"):
                raise self._error("in")
            return "not in"
        if self._takes("has", "contains"):
            return "has"
        if self._takes("in"):
            return "in"
        sign = _SAME_AS.get(self._here.text, self._here.text)
        if self._here.kind != "sign" or sign not in _ORDERS:
            raise self._error("one of = != < <= > >= in, not in, has")
        self._take()
        return sign

    def _list(self) -> tuple[Literal, ...]:
        if not self._takes("("):
            raise self._error("( and a list of values")
        values = [self._literal()]
        while self._takes(","):
            values.append(self._literal())
        if len(values) > MOST_ITEMS:
            where = values[MOST_ITEMS].position
            raise WhereError(f"more than {MOST_ITEMS} values in one list", where)
        if not self._takes(")"):
            raise self._error(", or )")
        return tuple(values)

    def _literal(self) -> Literal:
        here = self._here
        if here.kind == "word" and here.text in ("true", "false"):
            return Literal(self._take().text == "true", here.position)
        if here.kind == "number":
            return Literal(_number(self._take()), here.position)
        if here.kind == "text":
            return Literal(_text(self._take()), here.position)
        wanted = "a value: a text in quotes, a number, true or false"
        if here.kind == "name":
            wanted = f"a value; a text stands in quotes: '{here.shown}'"
        raise self._error(wanted)


def _number(token: Token) -> int | float:
    value = int(token.text) if token.text.lstrip("-").isdigit() else float(token.text)
    if abs(value) > 2**53:
        raise WhereError(f"{token.shown} is too large a number", token.position)
    return value


def _text(token: Token) -> str:
    quote = token.text[0]
    text = token.text[1:-1].replace(quote * 2, quote)
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise WhereError("no text has NUL or a lone surrogate in it", token.position)
    return text
