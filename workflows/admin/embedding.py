"""Open questions in the admin of a host's own models."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse


class ReviewedAdmin:
    """Put before `ModelAdmin`: the page of an object shows the questions about it.

    `review_threads` says which threads those are. Who may see and decide is asked as on the
    product's own pages; the admin's permissions are the host's and add nothing to that.
    """

    change_form_template: Any = "workflows/embed/admin_change_form.html"

    def review_threads(self, obj: Any) -> Iterable[str]:
        """The ids of the threads about `obj`. Say it in your class."""
        raise NotImplementedError(
            f"{type(self).__name__} is a ReviewedAdmin: give it review_threads(self, obj), "
            "which returns the ids of the threads about obj"
        )

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """Draw the form of the object with the cards above it."""
        obj = context.get("original")
        context["review_threads"] = [] if obj is None else [*self.review_threads(obj)]
        parent: Any = super()
        response: HttpResponse = parent.render_change_form(
            request, context, *args, **kwargs
        )
        return response
