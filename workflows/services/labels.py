"""Name a checkpoint, so that it is found again and kept (RA.10, RB.11); for programs.

Nobody's rights are asked here. In a task of a running workflow the saver is that of the run;
elsewhere it is the site's database, unless a graph or a saver is given. What people do goes
through `desk/label_step.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asgiref.sync import sync_to_async

from workflows.engine.bound import Bound
from workflows.engine.checkpoint.base import BaseCheckpointSaver, checkpoint_config
from workflows.engine.checkpoint.labels import Label, label_text
from workflows.engine.checkpoint.reading import ReadingSaver
from workflows.engine.config import configurable, place_of, thread_id_of
from workflows.engine.kinds import refused
from workflows.engine.runtime import current
from workflows.engine.types import StateSnapshot
from workflows.storage.saver import DjangoSaver

_CHECKPOINT = (
    "a snapshot or its config, such as graph.get_state(config).config; in a node the "
    "label alone is enough: label('before refund')"
)


def label(checkpoint: Any, text: Any = None, *, graph: Any = None) -> Label:
    """Name a checkpoint: `label(snapshot, "before refund")`. Retention keeps what has a name.

    `checkpoint` is a snapshot or a config; a config without `checkpoint_id` names the newest
    one. In a node, a task or an entrypoint `label("before refund")` names the checkpoint that
    its step began from: the state before anything of the step is done. `graph` is the compiled
    graph whose thread it is, or its saver; left out, it is the running graph in a task, and the
    site's database elsewhere.

    A checkpoint may have several labels, a thread several checkpoints of one label; the same
    label at the same checkpoint is one. Raises CheckpointNotFoundError for a checkpoint that
    is not saved, ValueError for a text that is empty, longer than 100 characters or no single
    line, RuntimeError where there is no saver or it keeps no labels.
    """
    if text is None and isinstance(checkpoint, str):
        return _saver("label()", graph).set_label(_begun("label()"), checkpoint)
    config = _config("label()", checkpoint)
    text = label_text(text)
    return _saver("label()", graph).set_label(config, text)


def unlabel(checkpoint: Any, text: str | None = None, *, graph: Any = None) -> int:
    """Take a label off a checkpoint, or with no `text` all of them; returns how many went.

    `checkpoint` and `graph` are as for `label`, and so are the errors.
    """
    config = _config("unlabel()", checkpoint)
    return _saver("unlabel()", graph).remove_label(config, text)


def list_labels(thread_id: Any, *, graph: Any = None) -> Sequence[Label]:
    """The labels of a thread, subgraphs included, the newest checkpoint first.

    Each has a `config`, which `get_state`, `update_state` and `invoke` take.
    """
    thread_id = thread_id_of({"thread_id": thread_id})
    return _saver("list_labels()", graph).labels(thread_id)


async def alabel(checkpoint: Any, text: Any = None, *, graph: Any = None) -> Label:
    """Async twin of `label`."""
    return await sync_to_async(label)(checkpoint, text, graph=graph)


async def aunlabel(
    checkpoint: Any, text: str | None = None, *, graph: Any = None
) -> int:
    """Async twin of `unlabel`."""
    return await sync_to_async(unlabel)(checkpoint, text, graph=graph)


async def alist_labels(thread_id: Any, *, graph: Any = None) -> Sequence[Label]:
    """Async twin of `list_labels`."""
    return await sync_to_async(list_labels)(thread_id, graph=graph)


def _saver(where: str, given: Any) -> BaseCheckpointSaver:
    found = _named_saver(where, given)
    context: Any = current.get()
    if context is None or context.run.rehearsal is None:
        return found
    return ReadingSaver(found)  # a record is gone over, which writes nothing (RA.4)


def _named_saver(where: str, given: Any) -> BaseCheckpointSaver:
    if given is None:
        context: Any = current.get()
        if context is None:
            return DjangoSaver()
        saver, name = context.run.saver, context.run.program.name
    elif isinstance(given, BaseCheckpointSaver):
        return given
    elif isinstance(given, Bound):
        saver, name = given.checkpointer, given.name
    else:
        wanted = "a compiled graph or its saver, or leave it out"
        raise refused(where, "graph", given, wanted)
    if isinstance(saver, BaseCheckpointSaver):
        return saver
    raise RuntimeError(
        f"{where}: graph {name!r} has no saver, so it has no checkpoints to label; "
        "compile(checkpointer=...), or leave graph= out for a thread in the site's database"
    )


def _begun(where: str) -> dict[str, Any]:
    """The checkpoint from which the step of the running task began."""
    context: Any = current.get()
    if context is None:
        raise RuntimeError(
            f"{where} was called outside a graph with a label alone; give {_CHECKPOINT}"
        )
    run = context.run
    return checkpoint_config(run.thread_id or "", run.namespace, run.live_checkpoint)


def _config(where: str, checkpoint: Any) -> dict[str, Any]:
    """The config of one place, from a snapshot, a config or the config of a running task."""
    given = checkpoint.config if isinstance(checkpoint, StateSnapshot) else checkpoint
    asked = configurable(given) if isinstance(given, Mapping) else {}
    if not isinstance(asked, Mapping) or not asked:
        raise refused(where, "checkpoint", checkpoint, _CHECKPOINT)
    namespace = place_of(asked, "checkpoint_ns") or ""
    checkpoint_id = place_of(asked, "checkpoint_id")
    # In a node the config names the place of graphs below it, beside where it runs itself.
    around = asked.get("checkpoint_map") or {}
    if checkpoint_id is not None and namespace not in around:
        found = [name for name, id in around.items() if id == checkpoint_id]
        namespace = found[-1] if found else namespace
    return checkpoint_config(thread_id_of(asked), namespace, checkpoint_id)
