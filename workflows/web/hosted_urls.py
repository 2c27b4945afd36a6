"""Our addresses for another project's urlconf: `path("desk/", include("workflows.web.hosted_urls"))`.

The product's own settings guard every page of the site by middleware. A host has pages and
middleware of its own, so here each view of ours brings its guards along: log-in, readable
forms, refusals as pages, strict headers.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from workflows.web import urls
from workflows.web.encoding import EncodingMiddleware
from workflows.web.middleware import LoginMiddleware, SecurityHeadersMiddleware
from workflows.web.refusals import RefusalMiddleware

View = Callable[..., HttpResponse]


def guarded(view: View) -> View:
    """The view behind the guards that stand before it in the product itself."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        def ask(request: HttpRequest) -> HttpResponse:
            refused = LoginMiddleware(ask).process_view(request, view, args, kwargs)
            if refused is not None:
                return refused  # type: ignore[return-value]
            try:
                return view(request, *args, **kwargs)
            except Exception as error:
                page = RefusalMiddleware(ask).process_exception(request, error)
                if page is None:
                    raise
                return page

        return SecurityHeadersMiddleware(EncodingMiddleware(ask))(request)

    return answer


def _guarded(pattern: URLPattern) -> URLPattern:
    return URLPattern(
        pattern.pattern, guarded(pattern.callback), pattern.default_args, pattern.name
    )


app_name = urls.app_name
urlpatterns = [_guarded(each) for each in urls.urlpatterns]
