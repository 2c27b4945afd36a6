"""Parts of a page that are the same for many requests: drawn once, and kept in the process."""

from typing import Any

from django import template
from django.conf import settings
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.template.context import Context
from django.urls import get_script_prefix, get_urlconf
from django.utils.safestring import SafeString

register = template.Library()

MOST = 128


class KeepNode(template.Node):
    """What stands between `{% keep a b %}` and `{% endkeep %}`, once for each pair of values."""

    def __init__(self, parts: list[FilterExpression], nodelist: NodeList) -> None:
        self.parts = parts
        self.nodelist = nodelist
        self._kept: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        """The kept text, or the part drawn anew."""
        values = [part.resolve(context) for part in self.parts]
        # Addresses are part of it, and the same process may serve several trees of them.
        place = (get_script_prefix(), get_urlconf() or settings.ROOT_URLCONF)
        key = (*place, *values)
        found = self._kept.get(key)
        if found is None:
            found = self.nodelist.render(context)
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = found
        return found


@register.tag
def keep(parser: Parser, token: Token) -> KeepNode:
    """`{% keep a b %}...{% endkeep %}`: draw the part once for all requests with equal a and b.

    It may depend on nothing else of the request: no person, no token of a form, no time. Each
    value has to be hashable.
    """
    parts = [parser.compile_filter(each) for each in token.split_contents()[1:]]
    nodelist = parser.parse(("endkeep",))
    parser.delete_first_token()
    return KeepNode(parts, nodelist)
