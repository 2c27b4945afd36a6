"""Lengths of time as the numbers of the health page."""

from datetime import datetime, timedelta

from django import template

from workflows.templatetags.moments import length

register = template.Library()


@register.filter
def age(moment: datetime, now: datetime) -> str:
    """How long ago a moment was at `now`, in its largest unit."""
    return length(now - moment)


@register.filter
def long(passed: timedelta) -> str:
    """A length of time in its largest unit."""
    return length(passed)
