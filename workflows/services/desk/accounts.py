"""What happens to accounts and their rights, told to the audit by Django's signals.

Whoever changes them (this product's admin, the host's own pages, a command), the entry is
there, in the transaction of the change where it has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_login_failed
from django.db import models
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.http import HttpRequest

from workflows.services.acting import who_acts
from workflows.services.desk import audit

# What lets somebody in, or past the groups.
FLAGS = ("is_active", "is_staff", "is_superuser")
_BEFORE = "_rights_before_this_change"
_DONE = {"post_add": "added", "post_remove": "removed", "pre_clear": "removed"}


def listen() -> None:
    """Connect the signals; may be called again."""
    user: Any = get_user_model()
    named = "workflows.accounts"
    user_login_failed.connect(tell_failed_login, dispatch_uid=named)
    pre_save.connect(remember_rights, sender=user, dispatch_uid=named)
    post_save.connect(tell_rights, sender=user, dispatch_uid=named)
    post_delete.connect(tell_deleted, sender=user, dispatch_uid=named)
    post_delete.connect(tell_deleted, sender=Group, dispatch_uid=named)
    lists: list[Any] = [Group.permissions]
    lists += [
        getattr(user, name)
        for name in ("groups", "user_permissions")
        if hasattr(user, name)
    ]
    for each in lists:
        m2m_changed.connect(tell_list, sender=each.through, dispatch_uid=named)


def tell_failed_login(
    credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Somebody was not let in: with which name, and from which address."""
    typed = credentials.get(get_user_model().USERNAME_FIELD, "")
    data = {"name": str(typed)[:150]}
    if request is not None:
        data["address"] = str(request.META.get("REMOTE_ADDR", ""))[:45]
    audit.record(None, "login.failed", data=data)


def remember_rights(
    instance: models.Model,
    raw: bool = False,
    update_fields: Iterable[str] | None = None,
    **_: Any,
) -> None:
    """Note what is about to change, where rights may be among it."""
    if raw or (update_fields is not None and not set(update_fields) & set(FLAGS)):
        return
    rows: Any = type(instance)._default_manager
    found = rows.filter(pk=instance.pk).values(*_flags(instance)).first()
    instance.__dict__[_BEFORE] = found or {}


def tell_rights(instance: models.Model, created: bool = False, **_: Any) -> None:
    """An account may now do more or less than before; one without rights is no news."""
    before = instance.__dict__.pop(_BEFORE, None)
    if before is None:
        return
    usual = {"is_active": True} if created else before
    now = {name: bool(getattr(instance, name)) for name in _flags(instance)}
    changed = {
        name: [bool(usual.get(name)), value]
        for name, value in now.items()
        if bool(usual.get(name)) is not value
    }
    if changed:
        _record(instance, "account.rights", changed)


def tell_deleted(instance: models.Model, **_: Any) -> None:
    """An account or a group is gone, and what it could do with it."""
    kind = "group" if isinstance(instance, Group) else "account"
    _record(instance, f"{kind}.deleted", {})


def tell_list(
    instance: models.Model,
    action: str,
    reverse: bool,
    model: type[models.Model],
    pk_set: set[Any] | None = None,
    **_: Any,
) -> None:
    """Groups or permissions were given or taken, from whichever side that was done."""
    done = _DONE.get(action)
    if done is None or (pk_set is not None and not pk_set):
        return
    others: Any = model._default_manager
    rows = others.filter(pk__in=pk_set) if pk_set is not None else None
    names = "all" if rows is None else [str(each)[:200] for each in rows.order_by("pk")]
    kind = "group" if isinstance(instance, Group) else "account"
    _record(instance, f"{kind}.{done}", {str(model._meta.model_name): names})


def _flags(instance: models.Model) -> list[str]:
    own = {field.name for field in instance._meta.concrete_fields}
    return [name for name in FLAGS if name in own]


def _record(instance: models.Model, action: str, data: Mapping[str, Any]) -> None:
    audit.record(
        who_acts(),
        action,
        subject=f"{instance._meta.model_name} {instance.pk}",
        data={"name": str(instance)[:150], **data},
    )
