"""The markup of a value's tree.

A state may have hundreds of values, and a page draws it whenever somebody decides. Put together
here it takes a tenth of what an include a value took: a table of 60 records was 130 ms of
the 139 that a page needed. Every text goes through `visible` or `escape`; all else is fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from workflows.templatetags.value_tree import ValueNode
from workflows.templatetags.visible import visible, visible_text


def value_html(node: ValueNode) -> SafeString:
    """The tree as html: nested lists that fold, tables of records, long texts with a fold."""
    # Put together from escaped texts and from the fixed markup of this module.
    return mark_safe("".join(_node(node)))  # noqa: S308


def written_moment(text: str) -> SafeString:
    """A moment that is stored as text: exact as it stands, in words behind it."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return visible(text)
    words = f"{value:%A, %-d %B %Y, %H:%M:%S}"
    return format_html('<time datetime="{}" title="{}">{}</time>', text, words, text)


def number_words(count: int) -> str:
    """A count as it is written elsewhere on the pages: 3 392."""
    return f"{count:,}".replace(",", "\u202f")


def _node(node: ValueNode) -> Iterator[str]:
    if node.is_group:
        if node.children and node.is_bare:
            yield '<ul class="node-bare">'
            yield from _items(node)
            yield "</ul>"
        elif node.children:
            yield from _folding(node)
        else:
            empty = "no keys" if node.kind == "object" else "empty list"
            yield f'<p class="node">{_label(node)}<span class="node-empty">{empty}</span></p>'
    elif node.kind == "table":
        yield from _table(node)
    elif node.kind == "long":
        yield from _long(node)
    else:
        yield (
            f'<p class="node">{_label(node)}'
            f'<span class="leaf leaf-{node.kind}">{_leaf(node)}</span></p>'
        )


def _items(node: ValueNode) -> Iterator[str]:
    for child in node.children:
        yield "<li>"
        yield from _node(child)
        yield "</li>"


def _folding(node: ValueNode) -> Iterator[str]:
    tag = f"{visible(node.tag)}, " if node.tag else ""
    yield (
        f'<details class="node node-{node.kind}"{" open" if node.is_open else ""}>'
        f'<summary>{_label(node)}<span class="node-size">{tag}{node.size}</span></summary><ul>'
    )
    yield from _items(node)
    yield "</ul></details>"


def _table(node: ValueNode) -> Iterator[str]:
    name = escape(visible_text(node.label or "Records"))
    yield (
        f'<div class="node node-table"><p class="node">{_label(node)}'
        f'<span class="node-size">{len(node.children)} records</span></p>'
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="{name}">'
        '<table class="records"><thead><tr><th scope="col">'
        '<span class="visually-hidden">Number</span></th>'
    )
    for column in node.columns:
        yield f'<th scope="col">{visible(column)}</th>'
    yield "</tr></thead><tbody>"
    for record in node.children:
        yield f'<tr><th scope="row">{escape(record.label)}</th>'
        for cell in record.children:
            missing = '<span class="visually-hidden">nothing</span>'
            inside = missing if cell.kind == "missing" else _leaf(cell)
            yield f'<td class="leaf-{cell.kind}">{inside}</td>'
        yield "</tr>"
    yield "</tbody></table></div></div>"


def _long(node: ValueNode) -> Iterator[str]:
    lines = f"{node.lines} line{'' if node.lines == 1 else 's'}"
    yield (
        f'<div class="node node-long">{_label(node)}<span class="node-size">'
        f"{number_words(len(node.text))} characters, {lines}</span>"
    )
    whole = f'<div class="long-text">{visible(node.text)}</div>'
    if node.head:
        yield (
            '<div class="fold"><div class="long-text fold-head">'
            f'{visible(node.head)}<span class="fold-more">'
            f"… {number_words(node.left)} characters more</span></div><details>"
            f"<summary>Show all of {visible(node.label) if node.label else 'it'}</summary>"
            f"{whole}</details></div>"
        )
    else:
        yield whole
    yield "</div>"


def _label(node: ValueNode) -> str:
    if not node.label:
        return ""
    return f'<span class="node-label">{visible(node.label)}</span> '


def _leaf(node: ValueNode) -> str:
    """One short value."""
    if node.kind == "moment":
        text: str = written_moment(node.text)
    elif node.kind == "address":
        text = (
            f'<a href="{escape(node.text)}" rel="noopener noreferrer nofollow">'
            f'{visible(node.text)}</a> <span class="link-host">({visible(node.host)})</span>'
        )
    else:
        text = visible(node.text)
    if node.tag:
        text += f' <span class="node-size">{visible(node.tag)}</span>'
    return text
