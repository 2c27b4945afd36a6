"""Which workflows there are: what `register` was given, found in each app's `workflows.py`.

Knows no table. A module that fails to import is remembered in `failures`, with the others
loaded all the same; `workflows/checks.py` names it.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from inspect import isfunction
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from workflows.engine.graph.state import StateGraph
from workflows.engine.kinds import check_line, seconds_of
from workflows.services.desk.rules import DEFAULT

G = TypeVar("G")

DISCOVERED_MODULE = "workflows"
LONGEST_NAME = 200
"""Characters."""


class UnknownGraphError(LookupError):
    """No workflow of that name is registered."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no workflow named {name!r} is registered; call "
            f"durableweb.register.register(graph, name={name!r}) in the workflows.py of an "
            "installed app"
        )
        self.name = name


@dataclass(frozen=True)
class Registered:
    """One workflow as it was registered.

    `editable` and `secret` name channels of its state. `start_groups` and `decide_groups`
    name the Django groups that may start it and answer its questions; None leaves it to the
    roles. `policy` says more about how its questions are decided (services/desk/rules.py).
    `run_timeout` and `start_timeout` are seconds, or None for no limit (RA.16). One that is
    `hidden` is started by code only, and no list offers it. `queue` is where its starts wait that name none (RB.9).
    """

    name: str
    graph: Any
    title: str
    description: str = ""
    editable: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    start_groups: frozenset[str] | None = None
    decide_groups: frozenset[str] | None = None
    input_schema: Any = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    run_timeout: float | None = None
    start_timeout: float | None = None
    hidden: bool = False
    queue: str = ""
    module: str = ""

    def input_jsonschema(self) -> dict[str, Any] | None:
        """JSON Schema of the input, or None where it cannot be described."""
        if isinstance(self.input_schema, Mapping):
            return dict(self.input_schema)
        describe = getattr(self.graph, "get_input_jsonschema", None)
        if describe is None:
            return None
        found: dict[str, Any] = describe()
        return found


failures: dict[str, str] = {}
sources: dict[str, str] = {}
"""Of each module of workflows, what its source was when it was imported, as a digest."""
_graphs: dict[str, Registered] = {}
books: list[dict[str, Any]] = [_graphs]
"""What modules write into as they are imported."""
_importing: list[str] = []


def register(
    graph: G,
    *,
    name: str | None = None,
    title: str | None = None,
    description: str = "",
    editable: Iterable[str] = (),
    secret: Iterable[str] = (),
    start_groups: Iterable[str] | None = None,
    decide_groups: Iterable[str] | None = None,
    input_schema: Any = None,
    policy: Mapping[str, Any] | None = None,
    run_timeout: float | timedelta | None = None,
    start_timeout: float | timedelta | None = None,
    hidden: bool = False,
    queue: Any = "",
) -> G:
    """Offer a compiled graph or an entrypoint to the people of this site; returns it.

    `name` goes into rows and addresses: keep it when the code moves. A run that is at work for
    longer than `run_timeout`, or waits for a worker longer than `start_timeout`, ends with
    status "timeout". A `hidden` one is started by code (`durable.start`), not from the
    browser; who may see it finds its runs among the others. Its runs wait in `queue`, a `Queue` or the name of one, unless
    a start says another. Raises ValueError when the name is missing, has more than 200 characters
    or one that cannot be printed, or belongs to another graph, or a limit is not more than 0, TypeError for a graph that is not compiled, InvalidPolicy where `policy` says what no
    policy can.
    """
    _check_can_run(graph, name)
    key = name or getattr(graph, "name", "") or ""
    _check_name(key)
    if not key or key == "LangGraph":
        raise ValueError(
            "a registered workflow needs a name of its own: register(graph, name='...')"
        )
    for words, value in (("editable", editable), ("secret", secret)):
        if isinstance(value, str):
            raise TypeError(f"{words} takes a list of channel names, not one text")
    _check_editable(graph, editable)
    DEFAULT.with_part(policy or {}, "register")
    known = _graphs.get(key)
    if known is not None and known.graph is not graph:
        raise ValueError(
            f"the workflow name {key!r} is taken by {known.module or 'another module'}; "
            "give one of them another name"
        )
    _graphs[key] = Registered(
        name=key,
        graph=graph,
        title=title or key.replace("_", " ").capitalize(),
        description=description,
        editable=frozenset(editable),
        secret=frozenset(secret),
        start_groups=None if start_groups is None else frozenset(start_groups),
        decide_groups=None if decide_groups is None else frozenset(decide_groups),
        input_schema=input_schema,
        policy=dict(policy or {}),
        run_timeout=seconds_of(run_timeout, "run_timeout"),
        start_timeout=seconds_of(start_timeout, "start_timeout"),
        hidden=hidden,
        queue=_queue_name(queue),
        module=importing(),
    )
    return graph


def _check_editable(graph: Any, editable: Iterable[str]) -> None:
    """Refuse an edit of the state by key where an update is what a node returned."""
    program = getattr(graph, "program", None)
    if editable and getattr(program, "subscribers", None):
        raise ValueError(
            "editable names channels, but what is written to a graph of NodeBuilders from "
            "outside is what one of its nodes returned; leave editable out, or make a StateGraph"
        )


def importing() -> str:
    """The workflow module that is being imported; "" where none is."""
    return _importing[-1] if _importing else ""


def _check_name(name: Any) -> None:
    """Refuse what no row can hold and no page can show; "" is told of on its own."""
    wanted = f"a text of 1 to {LONGEST_NAME} printable characters"
    check_line(name, "register()", "name", wanted, LONGEST_NAME)


def _queue_name(queue: Any) -> str:
    """The name of a queue, which may be declared later."""
    name = getattr(queue, "name", queue)
    wanted = (
        f"a Queue, or the name of one, of at most {LONGEST_NAME} printable characters"
    )
    check_line(name, "register()", "queue", wanted, LONGEST_NAME)
    return str(name)


def _check_can_run(graph: Any, name: str | None) -> None:
    """Refuse what would only fail in its first run."""
    named = f", name={name!r}" if name else ""
    if isinstance(graph, StateGraph):
        raise TypeError(
            f"this StateGraph is not compiled: register(graph.compile(){named})"
        )
    if isfunction(graph):
        raise TypeError(
            f"{graph.__name__}() is a plain function: put @entrypoint() above it, or make it the "
            f"node of a graph, before register(...{named})"
        )


def unregister(name: str) -> None:
    """Take a workflow out again; for tests."""
    _graphs.pop(name, None)


def get(name: str) -> Registered:
    """The workflow of that name; raises UnknownGraphError."""
    try:
        return _graphs[name]
    except KeyError:
        raise UnknownGraphError(name) from None


def find(name: str) -> Registered | None:
    """The workflow of that name, or None where it is gone."""
    return _graphs.get(name)


def name_of(graph: Any) -> str | None:
    """The name under which this very graph is registered; None where it is not."""
    return next((key for key, item in _graphs.items() if item.graph is graph), None)


def names() -> list[str]:
    """The names of all workflows that this process knows."""
    return list(_graphs)


def all() -> list[Registered]:
    """Every workflow, by title."""
    return sorted(_graphs.values(), key=lambda item: item.title.lower())


def offered() -> list[Registered]:
    """Every workflow that lists show to people, by title."""
    return [item for item in all() if not item.hidden]


def autodiscover() -> None:
    """Import `<app>.workflows` of every installed app, each by itself.

    Where one fails, what it had registered until then is taken back.
    """
    for config in apps.get_app_configs():
        if config.module is None or not module_has_submodule(
            config.module, DISCOVERED_MODULE
        ):
            continue
        name = f"{config.name}.{DISCOVERED_MODULE}"
        before = [dict(book) for book in books]
        _importing.append(name)
        try:
            sources[name] = _source_of(importlib.import_module(name))
        except Exception:  # noqa: BLE001 - whatever the author's module raises
            failures[name] = traceback.format_exc()
            sources.pop(name, None)
            for book, held in zip(books, before, strict=False):
                book.clear()
                book.update(held)
        else:
            failures.pop(name, None)
        finally:
            _importing.pop()


def _source_of(module: ModuleType) -> str:
    """A digest of the module's file, or of those of its package; "" where there are none."""
    file = getattr(module, "__file__", None)
    if file is None:
        return ""
    path = Path(file)
    files = sorted(path.parent.rglob("*.py")) if hasattr(module, "__path__") else [path]
    whole = sha256()
    for each in files:
        with suppress(OSError):
            whole.update(each.read_bytes() + b"\0")
    return whole.hexdigest()[:12]
