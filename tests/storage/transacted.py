"""Tasks that write a model of the site in the transaction that has their record, and runs that call them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group

from durableweb.func import entrypoint, task
from workflows.storage.saver import DjangoSaver

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
ENDS = ["before", "paid ida", "after"]
ran: list[str] = []
"""The names of the bodies that ran."""


def paid() -> Any:
    """The rows of a model of the site that the tasks here write."""
    return Group.objects.filter(name__startswith="ida")


def rows() -> list[str]:
    """Their names."""
    return [*paid().order_by("name").values_list("name", flat=True)]


@task(transactional=True)
def pay(name: str) -> str:
    ran.append("pay")
    Group.objects.create(name=name)
    return f"paid {name}"


def unpay(name: str) -> None:
    """What undoes it."""
    Group.objects.filter(name=name).delete()


@task
def plain(name: str) -> str:
    ran.append("plain")
    return name


def flow_of(saver: DjangoSaver) -> Any:
    """What pays between two tasks that do not."""

    @entrypoint(checkpointer=saver)
    def flow(name: str) -> list[str]:
        before = plain("before").result()
        return [before, pay(name).result(), plain("after").result()]

    return flow


def awaited_flow_of(saver: DjangoSaver) -> Any:
    """The same as a coroutine."""

    @entrypoint(checkpointer=saver)
    async def flow(name: str) -> list[str]:
        before = await plain("before")
        return [before, await pay(name), await plain("after")]

    return flow
