"""The review card for a host's own pages: `{% load review %}`, then `{% review_cards id %}`."""

from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.services.shapes import BATCH, SCHEMA
from workflows.services.thread_questions import thread_questions

register = template.Library()


@register.simple_tag
def review_styles() -> SafeString:
    """The style sheet of the cards; put it into the head of the page once."""
    return format_html('<link rel="stylesheet" href="{}">', static("css/embed.css"))


@register.inclusion_tag("workflows/embed/cards.html", takes_context=True)
def review_cards(context: template.Context, thread_id: Any) -> dict[str, Any]:
    """The open questions of a thread as cards, for whoever is logged in.

    Needs the request in the template's context. Draws nothing for whoever may not see the
    thread, and where there is no thread of that id.
    """
    request = context["request"]
    found = thread_questions(request.user, str(thread_id))
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "found": found,
        "needs_form": (SCHEMA, BATCH),
        "here": request.get_full_path(),
    }
