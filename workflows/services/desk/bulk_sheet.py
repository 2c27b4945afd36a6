"""What a person reads before they decide many questions at once, as plain records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.services.access import Person, Rights
from workflows.services.desk.bulk_compare import (
    Comparison,
    Spread,
    compare,
    flatten,
    plain,
)
from workflows.services.desk.bulk_edit import as_text, fields_of
from workflows.services.desk.bulk_plan import (
    Candidate,
    Excluded,
    Group,
    Plan,
    count_possible,
    make_plan,
)
from workflows.services.desk.bulk_selection import Selection, Shown
from workflows.services.desk.deciding import Decider
from workflows.services.desk.words import in_words, span
from workflows.services.questions import stored_question, title_shown
from workflows.services.review_queue import graph_title
from workflows.services.shapes import BATCH, INBOX, TOOL

MOST_ROWS = 100
# A form is checked in a good part of a millisecond: the order checks them all, the page some.
MOST_TRIED = 500
MOST_EXCLUDED = 100
MOST_COLUMNS = 4
MOST_REASONS = 9
# The words of a question: they differ by their nature and are the row's title already.
_WORDS = ("title", "question", "prompt", "hint")


@dataclass(frozen=True)
class Offer:
    """A decision that can be ordered, and how many of those tried take it."""

    kind: str
    count: int
    tried: int


@dataclass(frozen=True)
class SheetRow:
    """One question of the open group; `facts` are fields in which the group differs."""

    number: int
    title: str
    thread_title: str
    facts: tuple[tuple[str, str], ...] = ()
    odd: tuple[str, ...] = ()
    value: str = ""
    has_value: bool = False


@dataclass(frozen=True)
class GroupHead:
    """One group in the list of groups."""

    key: str
    graph_title: str
    node: str
    action: str
    count: int


@dataclass(frozen=True)
class Reason:
    """Why some of the chosen questions are left out, with the first of them."""

    why: str
    count: int
    items: tuple[Excluded, ...]


@dataclass(frozen=True)
class OpenGroup:
    """The group that is being decided.

    `shown` names every question of it with version and round, as it goes into the form.
    `fields` can be changed one by one; `field` is the chosen one. `votes` counts those for
    which a decision of this person is one of several that are needed. `close_ends_runs` says
    that closing them without an answer cancels their runs.
    """

    head: GroupHead
    offers: tuple[Offer, ...]
    comparison: Comparison
    rows: tuple[SheetRow, ...]
    shown: str
    odd: int
    policies: tuple[tuple[str, int], ...] = ()
    votes: int = 0
    reasons: tuple[str, ...] = ()
    undo: str = ""
    fields: tuple[str, ...] = ()
    field: str = ""
    close_ends_runs: bool = False

    @property
    def not_listed(self) -> int:
        """How many questions have no row on the page."""
        return self.head.count - len(self.rows)

    @property
    def asks_for_count(self) -> bool:
        """Whether the person has to type how many they decide."""
        limit: int = settings.BULK_CONFIRM_ABOVE
        return self.head.count > limit


@dataclass(frozen=True)
class Sheet:
    """`count` questions can be decided, in `groups`; `chosen` were asked for."""

    chosen: int
    count: int
    groups: tuple[GroupHead, ...] = ()
    open: OpenGroup | None = None
    reasons: tuple[Reason, ...] = ()
    excluded: int = 0
    missing: int = 0


def make_sheet(
    person: Person, selection: Selection, key: str = "", edit: str = ""
) -> Sheet:
    """The sheet of a choice, with the group of that key open; `edit` names a field."""
    rights = Rights(person)
    return sheet_of(person, make_plan(person, rights, selection), key, edit)


def sheet_of(person: Person, plan: Plan, key: str = "", edit: str = "") -> Sheet:
    """The same from a plan that is there already."""
    group = plan.group(key)
    count = sum(len(each.items) for each in plan.groups)
    return Sheet(
        chosen=count + len(plan.excluded) + plan.missing,
        count=count,
        groups=tuple(_head(each) for each in plan.groups),
        open=_open(person, group, edit) if group is not None else None,
        reasons=_reasons(plan.excluded),
        excluded=len(plan.excluded),
        missing=plan.missing,
    )


def encode_shown(items: Sequence[Candidate]) -> str:
    """`12.1.1 14.3.2`: number, version and round of each question, as the form carries them."""
    return " ".join(
        f"{each.row.pk}.{each.row.version}.{each.row.round}" for each in items
    )


def decode_shown(text: str) -> dict[int, Shown]:
    """What `encode_shown` wrote; anything else is passed over."""
    found: dict[int, Shown] = {}
    for part in text.split():
        numbers = part.split(".")
        if len(numbers) == 3 and all(
            each.isascii() and each.isdigit() and len(each) < 19 for each in numbers
        ):
            number, version, round = map(int, numbers)
            found[number] = Shown(number, version, round)
    return found


def _head(group: Group) -> GroupHead:
    return GroupHead(
        group.key,
        graph_title(group.graph),
        group.node,
        group.action,
        len(group.items),
    )


def _open(person: Person, group: Group, edit: str) -> OpenGroup:
    flats = [_flat(each) for each in group.items]
    compared = compare(flats)
    fields = _fields(group)
    chosen = edit if edit in fields else ""
    rows = _rows(group, flats, compared, chosen)
    decider = Decider(person)
    rules = [decider.rules(each.row) for each in group.items]
    words = Counter(text for text in map(in_words, rules) if text)
    reasons = dict.fromkeys(text for each in rules for text in each.reasons)
    seconds = max(decider.undo_seconds(each.row) for each in group.items[:1])
    tried = group.items[:MOST_TRIED]
    offers = [
        Offer(kind, count_possible(tried, kind), len(tried)) for kind in group.kinds
    ]
    return OpenGroup(
        head=_head(group),
        offers=tuple(each for each in offers if each.count),
        comparison=compared,
        rows=rows,
        shown=encode_shown(group.items),
        odd=len(compared.odd),
        policies=tuple(words.most_common(5)),
        votes=sum(1 for each in rules if each.quorum > 1),
        reasons=tuple(reasons)[:MOST_REASONS],
        undo=span(seconds) if seconds else "",
        fields=fields,
        field=chosen,
        close_ends_runs=any(each.close_ends_run for each in group.items),
    )


def _rows(
    group: Group,
    flats: Sequence[Mapping[str, Any]],
    compared: Comparison,
    field: str,
) -> tuple[SheetRow, ...]:
    """The rows of the page: first what stands out, then the order of the choice."""
    columns = [each.name for each in _telling(compared.differing, len(flats))]
    places = sorted(range(len(flats)), key=lambda at: at not in compared.odd)
    return tuple(
        _row(group.items[at], flats[at], columns, compared.odd.get(at, ()), field)
        for at in places[:MOST_ROWS]
    )


def _row(
    item: Candidate,
    flat: Mapping[str, Any],
    columns: Sequence[str],
    odd: tuple[str, ...],
    field: str,
) -> SheetRow:
    values = fields_of(item.shape) if field else {}
    return SheetRow(
        number=item.row.pk,
        title=title_shown(item.row),
        thread_title=item.row.thread.title,
        facts=tuple((name, _short(flat[name])) for name in columns if name in flat),
        odd=odd,
        value=as_text(values[field]) if field in values else "",
        has_value=field in values,
    )


def _telling(differing: Sequence[Spread], count: int) -> list[Spread]:
    """The fields that tell the questions apart best: odd ones first, then numbers."""
    ordered = sorted(
        differing,
        key=lambda each: (-each.odd, not each.least, each.missing, each.distinct),
    )
    return ordered[:MOST_COLUMNS]


def _fields(group: Group) -> tuple[str, ...]:
    """The fields that can be changed for single questions, where the page lists them all."""
    if len(group.items) > MOST_ROWS or "approve" not in group.kinds:
        return ()
    names: dict[str, None] = {}
    for each in group.items:
        names.update(dict.fromkeys(fields_of(each.shape)))
    return tuple(names)


def _flat(item: Candidate) -> dict[str, Any]:
    """The fields of a question by which it is compared with the others."""
    shape = item.shape
    if shape.name in (TOOL, INBOX):
        tree: Any = _tree(shape.cards[0].args)
    elif shape.name == BATCH:
        tree = {
            f"{at + 1} {card.name}": _tree(card.args)
            for at, card in enumerate(shape.cards)
        }
    else:
        text = stored_question(item.row)
        try:
            tree = serde.tree(text)
        except SerdeError:
            return {}
    found = dict(flatten(tree))
    return {name: value for name, value in found.items() if name not in _WORDS}


def _tree(value: Any) -> Any:
    try:
        return serde.tree(serde.dumps(value))
    except SerdeError:
        return None


def _reasons(excluded: Sequence[Excluded]) -> tuple[Reason, ...]:
    """What is left out, by kind of reason and its words, most frequent first."""
    found: dict[tuple[str, str], list[Excluded]] = {}
    for each in excluded:
        found.setdefault((each.code, _headline(each)), []).append(each)
    ordered = sorted(found.items(), key=lambda pair: -len(pair[1]))
    return tuple(
        Reason(why, len(items), tuple(items[:MOST_EXCLUDED]))
        for (_, why), items in ordered
    )


def _headline(each: Excluded) -> str:
    """The words for all of a kind; what is said of one question alone stands at it."""
    return {
        "closed": "Not open any more",
        "claimed": "Somebody else is at work on them",
        "changed": "Changed since they were shown",
        "unreadable": "They cannot be read",
    }.get(each.code, each.why)


def _short(value: Any) -> str:
    text = str(plain(value))
    return text if len(text) <= 60 else f"{text[:60]}…"
