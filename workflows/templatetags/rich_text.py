"""Markdown written by workflows, made harmless.

markdown-it-py with html off is linear where other parsers hang; nh3 then keeps a short
list of tags, no images (a remote image is a tracker) and no attribute but the address of a
link. Long texts are shown as they are.
"""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from workflows.templatetags.visible import has_hidden, visible

MAX_LENGTH = 20_000

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "ul", "ol"),
    *("li", "a", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)


def render(text: str) -> SafeString:
    """Return html of a markdown text; a text with hidden characters stays plain."""
    if len(text) > MAX_LENGTH or has_hidden(text):
        return mark_safe(f'<div class="plain-text">{visible(text)}</div>')  # noqa: S308
    html = nh3.clean(
        _PARSER.render(text),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)  # noqa: S308
