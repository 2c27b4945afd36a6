"""The sheet on which many questions are decided at once, and the order it gives."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from workflows.services import strict_json
from workflows.services.access import Person, Rights
from workflows.services.action import InvalidAnswer
from workflows.services.desk.bulk_order import NothingLeft, OrderBulk
from workflows.services.desk.bulk_progress import order_list
from workflows.services.desk.bulk_selection import (
    Selection,
    Shown,
    TooMany,
    select_numbers,
    select_view,
)
from workflows.services.desk.bulk_sheet import Sheet, decode_shown, make_sheet
from workflows.services.desk.queue_view import QueueView

# Longer addresses are not taken by every server; such a choice goes on by POST.
LONGEST_QUERY = 4_000
MAX_KEY = 12


@dataclass(frozen=True)
class Choice:
    """What an address or a form chose: numbers, or all of a view of the queue."""

    numbers: tuple[int, ...] = ()
    view: QueueView | None = None

    @classmethod
    def read(cls, given: QueryDict) -> "Choice | None":
        """`item=12` repeated, `items=12 13`, or `all=1` with the queue's filters."""
        if given.get("all") == "1":
            return cls(view=QueueView.read(given))
        words = [*given.getlist("item"), *given.get("items", "").split()]
        if not words:
            return None
        return cls(tuple(_number(word.removeprefix("#")) for word in words))

    def select(self, person: Person) -> Selection:
        """The rows of the choice; raises TooMany."""
        rights = Rights(person)
        if self.view is not None:
            return select_view(person, rights, self.view)
        return select_numbers(person, rights, self.numbers)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The choice as fields of a form."""
        if self.view is None:
            return [("items", " ".join(map(str, self.numbers)))]
        query = QueryDict(self.view.query(all=1))
        return [(name, text) for name, texts in query.lists() for text in texts]

    @property
    def query(self) -> str:
        """The choice as a query string; empty where it is too long for one."""
        text = urlencode(self.pairs)
        return text if len(text) <= LONGEST_QUERY else ""


@dataclass
class Typed:
    """What a person has filled in, as the sheet shows it again."""

    kind: str = ""
    reason: str = ""
    response: str = ""
    confirm: str = ""
    out: frozenset[int] = frozenset()
    values: Mapping[int, str] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    errors: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The sheet of a choice; without one, the orders that were given. Changes nothing."""
    given = request.POST if request.method == "POST" else request.GET
    choice = Choice.read(given)
    if choice is None:
        context = {"section": "queue", "orders": order_list(request.user)}
        return render(request, "workflows/bulk/index.html", context)
    try:
        selection = choice.select(request.user)
    except TooMany as refusal:
        return _sheet(request, choice, None, Typed(notices=[str(refusal)]), 400)
    group, edit = _place(given)
    sheet = make_sheet(request.user, selection, group, edit)
    return _sheet(request, choice, sheet, Typed())


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Give the order, or show the sheet again with what stands in its way."""
    shown = decode_shown(request.POST.get("shown", ""))
    typed = _typed(request.POST)
    try:
        action = _action(request, shown, typed)
        made = action.execute()
    except InvalidAnswer as refusal:
        typed.errors = refusal.errors
        return _again(request, shown, typed, 400)
    except TooMany as refusal:
        typed.notices = [str(refusal)]
        return _sheet(request, Choice(tuple(shown)), None, typed, 400)
    except NothingLeft as refusal:
        typed.notices = [str(refusal)]
        return _again(request, shown, typed, 409)
    messages.success(request, f"Order {made.pk} is given.")
    return HttpResponseRedirect(
        reverse("workflows:bulk_order", args=[made.pk]), status=303
    )


def _action(
    request: HttpRequest, shown: Mapping[int, Shown], typed: Typed
) -> OrderBulk:
    errors = {}
    texts = {"reason": typed.reason, "response": typed.response}
    texts |= {f"v{number}": text for number, text in typed.values.items()}
    for name, text in texts.items():
        fault = strict_json.text_fault(text)
        if fault:
            errors[name] = f"Your text {fault}. Remove it."
    if errors:
        raise InvalidAnswer(errors)
    group, edit = _place(request.POST)
    return OrderBulk(
        request.user,
        group,
        typed.kind,
        shown,
        reason=typed.reason,
        response=typed.response,
        left_out=typed.out,
        edited_field=edit,
        edits=typed.values if typed.kind == "approve" else {},
        confirm=typed.confirm,
        idempotency_key=request.POST.get("key", "")[:200] or None,
    )


def _again(
    request: HttpRequest, shown: Mapping[int, Shown], typed: Typed, status: int
) -> HttpResponse:
    """The same questions as they stand now, with everything that was typed."""
    choice = Choice(tuple(shown))
    group, edit = _place(request.POST)
    sheet = make_sheet(request.user, choice.select(request.user), group, edit)
    return _sheet(request, choice, sheet, typed, status)


def _sheet(
    request: HttpRequest,
    choice: Choice,
    sheet: Sheet | None,
    typed: Typed,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "section": "queue",
        "sheet": sheet,
        "group": sheet.open if sheet else None,
        "typed": typed,
        "pairs": choice.pairs,
        "query": choice.query,
        "view": choice.view,
        "rows": _rows(sheet, typed),
    }
    return render(request, "workflows/bulk/sheet.html", context, status=status)


def _rows(sheet: Sheet | None, typed: Typed) -> list[dict[str, Any]]:
    """The questions of the open group with what was typed about each."""
    if sheet is None or sheet.open is None:
        return []
    return [
        {
            "item": row,
            "out": row.number in typed.out,
            "text": typed.values.get(row.number, row.value),
            "error": typed.errors.get(f"v{row.number}", ""),
        }
        for row in sheet.open.rows
    ]


def _typed(post: QueryDict) -> Typed:
    values = {
        _number(name[1:]): text
        for name, text in post.items()
        if name[:1] == "v" and name[1:].isdigit() and isinstance(text, str)
    }
    return Typed(
        kind=post.get("kind", ""),
        reason=post.get("reason", "").strip(),
        response=post.get("response", "").strip(),
        confirm=post.get("confirm", ""),
        out=frozenset(map(_number, post.getlist("out"))),
        values=values,
        key=post.get("key", "")[:200] or str(uuid.uuid4()),
    )


def _place(given: QueryDict) -> tuple[str, str]:
    """Which group is open, and which of its fields is edited."""
    return given.get("g", "")[:MAX_KEY], given.get("edit", "")[:200]


def _number(text: str) -> int:
    """A number of a question; 0, which none has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
