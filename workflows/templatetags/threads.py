"""Other threads on the page of one: by their title, with a link, where its reader may see them, else by their id."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.services.relatives import Others, OtherThread
from workflows.templatetags.visible import visible, visible_text

register = template.Library()


@register.filter
def other(others: Others | str | None, thread_id: str) -> OtherThread | None:
    """The thread of this id, where the page may name it; a template without others has none."""
    return others.get(thread_id) if others and not isinstance(others, str) else None


@register.simple_tag
def thread_link(others: Others | str | None, thread_id: str) -> SafeString:
    """The name of a thread that leads to its page, or its id."""
    found = other(others, thread_id)
    if found is None:
        return format_html("<code>{}</code>", visible(thread_id))
    return format_html(
        '<a href="{}" title="{}">{}</a>',
        reverse("workflows:thread", args=[found.id]),
        visible_text(f"thread {found.id}"),
        visible(found.title),
    )
