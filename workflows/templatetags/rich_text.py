"""Markdown written by workflows, made harmless.

markdown-it-py with html off is linear where other parsers hang; nh3 then keeps a short
list of tags and no attribute but the address of a link. Every link says to which host it
leads; a picture is a link too, for a remote picture that is loaded is a tracker. Long texts,
and those with hidden characters, are shown as they are.
"""

from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from workflows.templatetags.value_tree import host_of
from workflows.templatetags.visible import has_hidden, visible

MAX_BYTES = 20_000

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "ul", "ol"),
    *("li", "a", "h1", "h2", "h3", "h4", "h5", "h6", "small"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class _Renderer(RendererHTML):
    """Says beside each link where it leads, and makes links of pictures."""

    def link_open(
        self, tokens: Sequence[Token], at: int, options: Any, env: Any
    ) -> str:
        env["href"] = str(tokens[at].attrGet("href") or "")
        return self.renderToken(tokens, at, options, env)

    def link_close(
        self, tokens: Sequence[Token], at: int, options: Any, env: Any
    ) -> str:
        return f"</a>{_place(env.pop('href', ''))}"

    def image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        token = tokens[at]
        source = str(token.attrGet("src") or "")
        words = self.renderInlineAsText(token.children or [], options, env)
        shown = visible(words or "picture")
        if "href" not in env:
            shown = format_html('<a href="{}">{}</a>', source, shown)
        return f"{shown}{_place(source)}"


def _place(address: str) -> str:
    host = host_of(address)
    return f" <small>({visible(host)})</small>" if host else ""


_PARSER = MarkdownIt(
    "commonmark", {"html": False, "linkify": False}, renderer_cls=_Renderer
).enable(["table", "strikethrough"])


def render(text: str) -> SafeString:
    """Return html of a markdown text; one too long or with hidden characters stays plain."""
    if has_hidden(text) or len(text.encode()) > MAX_BYTES:
        return mark_safe(f'<div class="plain-text">{visible(text)}</div>')  # noqa: S308
    html = nh3.clean(
        _PARSER.render(text),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)  # noqa: S308
