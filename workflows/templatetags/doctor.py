"""How the doctor's page draws what a check says."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.templatetags.formatting import badge
from workflows.templatetags.moments import instant, moment
from workflows.templatetags.visible import visible

register = template.Library()

# Mark of a check -> colour, icon, word.
MARKS = {
    "stuck": ("error", "alert", "Stuck"),
    "waits": ("success", "clock", "Waits"),
    "fine": ("success", "check", "Fine"),
    "none": ("quiet", "dot", "No"),
}


@register.simple_tag
def mark(of: str) -> SafeString:
    """The mark of a check, as icon and word."""
    return badge(*MARKS[of])


@register.filter
def evidence(value: str | datetime) -> SafeString:
    """What a check rests on: a text, or a moment with how long that is from now."""
    if isinstance(value, datetime):
        return format_html("{} ({})", instant(value), moment(value))
    return visible(value)
