"""Formatting of values for pages: no query, no decision."""

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.engine.constants import UNDO
from workflows.services.conversation import spoken, to_read
from workflows.services.desk.claim_question import until_words
from workflows.services.desk.undo_offer import UndoOffer, undo_offer
from workflows.services.thread_updates import title_of
from workflows.templatetags import moments, rich_text, value_html, value_tree
from workflows.templatetags.visible import has_hidden as find_hidden
from workflows.templatetags.visible import visible as make_visible
from workflows.templatetags.visible import visible_text as make_visible_text

register = template.Library()
register.filter("until", until_words)
for each in (moments.moment, moments.clock, moments.instant):
    register.filter(each.__name__, each)
register.simple_tag(moments.elapsed)

# Drawn for a 24 by 24 box with a stroke of 2; the word beside an icon carries the meaning.
ICONS = {
    "inbox": "M3 13h5l2 3h4l2-3h5M5 5h14l2 8v6H3v-6z",
    "activity": "M3 12h4l3 8 4-16 3 8h4",
    "play": "M7 4v16l13-8z",
    "settings": "M4 6h10M18 6h2M4 12h2M10 12h10M4 18h8M16 18h4M14 4v4M8 10v4M12 16v4",
    "check": "M4 12l6 6L20 6",
    "x": "M6 6l12 12M18 6L6 18",
    "pencil": "M4 20h4L20 8l-4-4L4 16zM14 6l4 4",
    "return": "M9 14l-5-5 5-5M4 9h10a6 6 0 0 1 0 12h-3",
    "message": "M4 4h16v12H9l-5 4z",
    "clock": "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7v5l3 3",
    "calendar": "M4 6h16v14H4zM4 10h16M8 3v5M16 3v5",
    "alert": "M12 3L2 20h20zM12 10v4M12 17v.5",
    "user": "M12 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8M4 21c0-4 4-6 8-6s8 2 8 6",
    "hand": "M8 13V5a1.500 1.500 0 0 1 3 0v6-8a1.500 1.500 0 0 1 3 0v8-6a1.500 1.500 0 0 1 3 0v9c0 4-2 7-6 7-3 0-4-1-6-4l-2-4a1.500 1.500 0 0 1 3-1z",
    "pause": "M8 5v14M16 5v14",
    "refresh": "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5",
    "stop": "M6 6h12v12H6z",
    "search": "M10 4a6 6 0 1 0 0 12a6 6 0 1 0 0-12M14.500 14.500L20 20",
    "pulse": "M12 21C5 16 3 12 3 9a4.500 4.500 0 0 1 9-1a4.500 4.500 0 0 1 9 1c0 3-2 7-9 12M5 12h4l2-3 2 5 2-2h4",
    "thread": "M6 4v10a4 4 0 0 0 4 4h8M14 14l4 4-4 4M6 8h8",
    "fork": "M7 3v18M7 14c0-4 10-2 10-8M17 3l-3 3M17 3l3 3",
    "shield": "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z",
    "arrow-left": "M5 12h14M5 12l6-6M5 12l6 6",
    "copy": "M9 9h11v11H9zM15 9V4H4v11h5",
    "arrow-right": "M5 12h14M19 12l-6-6M19 12l-6 6",
    "arrow-up": "M12 19V5M12 5l-6 6M12 5l6 6",
    "arrow-down": "M12 5v14M12 19l-6-6M12 19l6-6",
    "plus": "M12 5v14M5 12h14",
    "trash": "M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14M10 11v6M14 11v6",
    "code": "M8 7l-5 5 5 5M16 7l5 5-5 5M14 4l-4 16",
    "moon": "M12 3a6 6 0 0 0 9 9a9 9 0 1 1-9-9",
    "dot": "M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6",
    "step": "M5 4v16M5 12h9M14 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6",
    "flag": "M5 21V4h13l-3 4 3 4H5",
    "bookmark": "M6 3h12v18l-6-5-6 5z",
    "keyboard": "M2 6h20v12H2zM6 10h.01M10 10h.01M14 10h.01M18 10h.01M7 14h10",
}

# Status word -> (colour class, icon, what people read).
STATUSES = {
    "pending": ("pending", "clock", "Waiting to start"),
    "running": ("running", "activity", "Running"),
    "success": ("success", "check", "Done"),
    "error": ("error", "alert", "Failed"),
    "interrupted": ("waiting", "hand", "Waits for a person"),
    "waiting": ("quiet", "clock", "Waiting"),
    "timeout": ("error", "clock", "Timed out"),
    "cancelled": ("quiet", "stop", "Cancelled"),
    "idle": ("quiet", "pause", "Idle"),
    "busy": ("running", "activity", "Busy"),
    "decided": ("success", "check", "Decided"),
    "resolved": ("success", "check", "Answered"),
    "superseded": ("quiet", "refresh", "Replaced"),
    "withdrawn": ("quiet", "stop", "Withdrawn"),
    "expired": ("error", "clock", "Expired"),
    "done": ("success", "check", "Done"),
}
OPEN_QUESTION = ("waiting", "hand", "Waits for an answer")
DECISIONS = {
    "approve": ("success", "check", "approved"),
    "edit": ("success", "pencil", "approved with changes"),
    "reject": ("error", "x", "rejected"),
    "respond": ("running", "message", "answered"),
    "changes": ("waiting", "return", "sent back"),
    "close": ("quiet", "stop", "closed without an answer"),
    "timeout": ("error", "clock", "not answered in time"),
    "vote": ("running", "check", "approved, one of several"),
    "undo": ("quiet", "refresh", "taken back"),
}


@register.simple_tag
@lru_cache(maxsize=128)
def icon(name: str) -> SafeString:
    """Draw one icon; it is decoration, so screen readers pass over it."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>',
        ICONS.get(name, ICONS["dot"]),
    )


@register.simple_tag
def status(word: str, of: str = "run") -> SafeString:
    """A status as icon and word: never by colour alone."""
    found = STATUSES.get(word, ("quiet", "dot", word))
    if of == "question" and word == "pending":
        found = OPEN_QUESTION
    return badge(*found)


@register.simple_tag
def decision_badge(kind: str) -> SafeString:
    """What was decided, as icon and word."""
    return badge(*DECISIONS.get(kind, ("quiet", "dot", kind)))


CHANNELS = {
    "web": "web",
    "bulk": "bulk order",
    "command": "command",
    "timeout": "timeout",
    "link": "link",
    "api": "API",
    "rule": "rule",
}


@register.filter
def channel_words(channel: str) -> str:
    """By which way a decision came."""
    return CHANNELS.get(channel, channel)


@register.filter
def decided_words(kind: str) -> str:
    """What was decided, as words after a name."""
    return DECISIONS.get(kind, ("", "", kind))[2]


@register.simple_tag
def submit_key() -> str:
    """A key for one form, so that sending it twice decides once."""
    return str(uuid.uuid4())


def badge(colour: str, picture: str, words: str) -> SafeString:
    """A word with its icon, on the colour of its kind."""
    return format_html(
        '<span class="status status-is-{}">{}<span>{}</span></span>',
        colour,
        icon(picture),
        words,
    )


# Kind of a run -> (what it brings, how it came to be).
RUN_KINDS = {
    "start": ("start", "started"),
    "resume": ("answer", "answered"),
    "continue": ("continued", "continued"),
    "wake": ("woken", "woken"),
    "direct": ("script", "run from a script"),
    "edit": ("edit", "edited"),
    "update": ("update", "updated"),
}
EVENT_ICONS = {
    "run": "play",
    "step": "flag",
    "task": "check",
    "interrupt": "hand",
    "decision": "user",
    "edit": "pencil",
    "desk": "user",
    "label": "bookmark",
    "signal": "message",
    "update": "settings",
    "child": "thread",
    "fork": "fork",
    "warning": "alert",
}
# Those of tasks that wait.
TASK_ICONS = {"interrupted": "hand", "waiting": "clock"}
# What made a checkpoint, in the words of a page.
SOURCES = {"input": "input taken", "update": "edited", "fork": "forked"}


@register.filter
def update_words(name: str) -> str:
    """The name of an update in words."""
    return title_of(name)


@register.filter
def run_kind(kind: str) -> str:
    """What a run brings, in a word."""
    return RUN_KINDS.get(kind, (kind, kind))[0]


@register.filter
def run_origin(kind: str) -> str:
    """How a run came to be, as the word before "by"."""
    return RUN_KINDS.get(kind, (kind, kind))[1]


DESK_WORDS = {
    "claimed": "claimed",
    "released": "given back",
    "taken_over": "taken over",
    "arranged": "arranged",
    "commented": "commented on",
    "remind": "is due soon: reminder",
    "overdue": "is overdue",
    "escalate": "is overdue: escalated",
    "timeout": "was not answered in time",
    "reopened": "reopened on a fork",
}


@register.filter
def desk_words(action: str) -> str:
    """What was done around a question, in words."""
    return DESK_WORDS.get(action, action)


@register.filter
def status_words(word: str) -> str:
    """A status as people read it."""
    return STATUSES.get(word, ("", "", word))[2]


@register.filter
def standing(thread: Any) -> str:
    """How a thread stands: at rest, it stands as its last run ended."""
    if thread.status == "idle" and thread.runs:
        return str(thread.runs[0].status)
    return str(thread.status)


@register.filter
def awake(names: Any, thread: Any) -> list[str]:
    """Of the nodes that are due on a thread those that neither sleep nor wait."""
    asleep = thread.sleep.due if thread.sleep else ()
    return [name for name in names or () if name not in asleep]


@register.filter
def step_name(number: object) -> str:
    """What a step is called: the one that took the input has a number below 0."""
    if not isinstance(number, int):
        return "A step"
    return "Input" if number < 0 else f"Step {number}"


@register.filter
def source_words(source: str) -> str:
    """What made a checkpoint."""
    return SOURCES.get(source, "finished")


@register.simple_tag
def event_icon(kind: str, data: Mapping[str, Any]) -> SafeString:
    """The icon of an event; one that tells of a failure has its own."""
    if data.get("status") == "error":
        return icon("alert")
    if kind == "task" and data.get("status") in TASK_ICONS:
        return icon(TASK_ICONS[data["status"]])
    return icon(EVENT_ICONS.get(kind, "dot"))


@register.filter
def decided(kind: str) -> str:
    """`approve` as the word of a sentence: approved."""
    return DECISIONS.get(kind, ("", "", kind))[2]


@register.filter
def visible(text: object) -> SafeString:
    """Text with its hidden characters marked."""
    return make_visible("" if text is None else text)


@register.filter
def node(name: object) -> SafeString:
    """The name of a node; the engine's own node has a word for its name."""
    return make_visible("undo" if name == UNDO else name or "")


@register.filter
def visible_text(text: object) -> str:
    """Text with its hidden characters written out, where no markup can stand."""
    return make_visible_text("" if text is None else text)


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """What a mapping has under a key that the page knows by name only; else nothing."""
    return mapping.get(key, "")


@register.filter
def undo(message: object) -> UndoOffer | None:
    """What a message offers to take back, if it does and there is time."""
    return undo_offer(str(getattr(message, "extra_tags", "")))


@register.filter
def has_hidden(text: object) -> bool:
    """Whether a text holds characters that nobody can see."""
    return find_hidden(str(text))


@register.filter
def markdown(text: object) -> SafeString:
    """Markdown of a workflow as harmless html."""
    return rich_text.render("" if text is None else str(text))


@register.filter
def fold_head(text: str) -> str:
    """The beginning of a text that is too long to be shown whole; empty for one that is not."""
    return value_tree.head_of(text)


@register.filter
def tree(value: Any) -> value_tree.ValueNode:
    """A value as a tree of nodes, for `workflows/_value.html`."""
    return value_tree.build(value)


@register.filter
def conversation(value: Any) -> Any:
    """A list of messages as lines of who says what; any other value as it is."""
    said = to_read(value)
    return value if said is value else [spoken(each) for each in said]


@register.filter
def conversations(record: Any) -> Any:
    """A record whose lists of messages are lines of who says what; any other value as it is."""
    if not isinstance(record, dict):
        return record
    return {key: conversation(value) for key, value in record.items()}


@register.filter
def drawn(node: value_tree.ValueNode) -> SafeString:
    """A tree of nodes as html."""
    return value_html.value_html(node)


@register.filter
def count(number: int) -> str:
    """A number with thin spaces between the thousands."""
    return value_html.number_words(number)
