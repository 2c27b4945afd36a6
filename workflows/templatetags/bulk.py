"""How bulk orders and their questions stand, as icon and word."""

from django import template
from django.utils.safestring import SafeString

from workflows.templatetags.formatting import badge, decision_badge

register = template.Library()

# Word of services/desk/bulk_progress.py -> (colour class, icon, what people read).
STANDINGS = {
    "waits": ("pending", "clock", "Waits for a worker"),
    "works": ("running", "activity", "Deciding"),
    "stops": ("running", "stop", "Stopping"),
    "undoes": ("running", "refresh", "Taking back"),
    "stopped": ("quiet", "stop", "Stopped"),
    "halted": ("error", "alert", "Came to a halt"),
    "undone": ("quiet", "refresh", "Taken back"),
    "ended": ("success", "check", "Finished"),
}
STATES = {
    "waiting": ("pending", "clock", "to be decided"),
    "voted": ("running", "check", "voted for"),
    "refused": ("error", "x", "not decided"),
    "failed": ("error", "alert", "failed"),
    "undoing": ("pending", "refresh", "being taken back"),
    "undone": ("quiet", "refresh", "taken back"),
}
KINDS = {
    "approve": "Approve",
    "reject": "Reject",
    "respond": "Answer",
    "changes": "Send back",
    "close": "Close",
}


@register.simple_tag
def standing(word: str) -> SafeString:
    """How an order stands."""
    return badge(*STANDINGS.get(word, ("quiet", "dot", word)))


@register.simple_tag
def item_state(state: str, kind: str = "") -> SafeString:
    """What became of one question; a decided one says how."""
    if state == "done":
        return decision_badge(kind)
    return badge(*STATES.get(state, ("quiet", "dot", state)))


@register.filter
def state_words(state: str) -> str:
    """A state of a question as people read it."""
    return "decided" if state == "done" else STATES.get(state, ("", "", state))[2]


@register.filter
def order_words(kind: str) -> str:
    """What an order says, as a verb."""
    return KINDS.get(kind, kind)
