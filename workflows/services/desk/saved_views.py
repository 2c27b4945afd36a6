"""Views of the queue that have a name: those everybody has, one's own, and shared ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict

from workflows.models import SavedView
from workflows.services.access import Person, Rights, row_of
from workflows.services.action import InvalidAnswer, NotAllowed, NotVisible
from workflows.services.desk.queue_view import QueueView

MOST_VIEWS = 50
MOST_READ = 500
READY = (
    ("Mine and unassigned", "who=mine&sort=due"),
    ("All", "sort=age"),
    ("Overdue", "due=overdue&sort=due"),
    ("Put off", "snoozed=1"),
)


@dataclass(frozen=True)
class ViewTab:
    """One tab above the queue."""

    name: str
    query: str
    is_current: bool
    number: int = 0
    is_shared: bool = False
    is_mine: bool = False


@dataclass(frozen=True)
class SaveView:
    """`person` keeps `query`, a query string of the queue, under `name`; `shared` for all.

    A name that the person has already is given the new query.
    """

    person: Person
    name: str
    query: str
    shared: bool = False

    def check(self) -> QueueView:
        """The view; raises InvalidAnswer with a text per field."""
        errors = {}
        name = self.name.strip()
        if not name or len(name) > 80 or not name.isprintable():
            errors["name"] = "a name of at most 80 characters"
        view = QueueView.read(QueryDict(self.query[:2000]))
        if view.problems:
            errors["query"] = "; ".join(view.problems)
        if not Rights(self.person).has_business:
            raise NotAllowed("You have no queue to save a view of.")
        if errors:
            raise InvalidAnswer(errors)
        return view

    def execute(self) -> SavedView:
        """The saved view."""
        query = self.check().query()
        name = self.name.strip()
        mine = SavedView.objects.filter(person=row_of(self.person))
        with transaction.atomic():
            if not mine.filter(name=name).exists() and mine.count() >= MOST_VIEWS:
                raise InvalidAnswer(
                    {"name": f"you have {MOST_VIEWS} views: delete one"}
                )
            try:
                saved, _ = SavedView.objects.update_or_create(
                    person=row_of(self.person),
                    name=name,
                    defaults={"query": query, "is_shared": self.shared},
                )
            except IntegrityError as error:
                raise InvalidAnswer({"name": "you have just saved it"}) from error
        return saved


@dataclass(frozen=True)
class DeleteView:
    """`person` forgets a view of their own; an admin anybody's."""

    person: Person
    number: int

    def check(self) -> SavedView:
        """The view, where it is this person's; raises NotVisible."""
        rows = SavedView.objects.filter(pk=self.number)
        if not Rights(self.person).is_admin:
            rows = rows.filter(person=row_of(self.person))
        found = rows.first()
        if found is None:
            raise NotVisible("view", self.number)
        return found

    def execute(self) -> None:
        """Forget it."""
        self.check().delete()


def ready_views(present: QueueView) -> list[ViewTab]:
    """The views that everybody has."""
    return [
        ViewTab(name, query, QueueView.read(QueryDict(query)) == present)
        for name, query in READY
    ]


def views_of(
    person: Person, present: QueueView, rights: Rights | None = None
) -> list[ViewTab]:
    """The person's own views, and the shared ones that tell nothing they may not know.

    A shared view that names a workflow is shown to those who may see that workflow, because
    its name may say what goes on there; `rights` are the person's, where they are at hand.
    """
    rights = rights or Rights(person)
    rows = SavedView.objects.filter(Q(person=row_of(person)) | Q(is_shared=True))
    tabs = (_tab(row, person, rights, present) for row in rows[:MOST_READ])
    return list(islice((tab for tab in tabs if tab), 2 * MOST_VIEWS))


def _tab(
    row: SavedView, person: Person, rights: Rights, present: QueueView
) -> ViewTab | None:
    view = QueueView.read(QueryDict(row.query))
    is_mine = row.person_id == person.pk
    is_known = rights.can_see(view.graph) if view.graph else rights.has_business
    if not (is_mine or is_known):
        return None
    return ViewTab(row.name, row.query, view == present, row.pk, row.is_shared, is_mine)
