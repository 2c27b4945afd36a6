"""What every answer carries, and what no request may bring."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from workflows.services.problems import problem, wants_problem

Answer = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# An answer is made for one person, whom a cookie or a token tells, and for one kind of asker.
VARIES = ("HX-Request", "Cookie", "Authorization", "Accept")


class BodyTooLargeError(Exception):
    """The body is longer than `DATA_UPLOAD_MAX_MEMORY_SIZE` allows."""


class BodyLimitMiddleware:
    """Refuse a body over the limit with 413, before anything parses it.

    A length that is given is believed; a body without one is counted while it is read.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        given = request.META.get("CONTENT_LENGTH") or "0"
        if not given.isdigit() or int(given) > limit:
            return too_large(request)
        stream = getattr(request, "_stream", None)
        if stream is not None:
            request.__dict__["_stream"] = _Counted(stream, limit)
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer a body that turned out too long while a view read it."""
        if isinstance(exception, BodyTooLargeError):
            return too_large(request)
        return None


class _Counted:
    """A body that stops at the limit; everything else is the body's own."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, *args: Any) -> bytes:
        return self._count(self._stream.read(*args))

    def readline(self, *args: Any) -> bytes:
        return self._count(self._stream.readline(*args))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _count(self, chunk: bytes) -> bytes:
        self._left -= len(chunk)
        if self._left < 0:
            raise BodyTooLargeError
        return chunk


def too_large(request: HttpRequest) -> HttpResponse:
    """The page, or for a program the problem, that says how much is too much."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // (1024 * 1024)
    if wants_problem(request):
        return problem(413, "too_large", f"A body has at most {limit} MiB.")
    return render(request, "413.html", {"limit": limit}, status=413)


class SecurityHeadersMiddleware:
    """Content policy, and no shared caching of what belongs to one person."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=()"
        )
        if not request.path.startswith(settings.STATIC_URL):
            patch_vary_headers(response, VARIES)
            if not response.has_header("Cache-Control"):
                patch_cache_control(response, private=True, no_cache=True)
        return response


class LoginMiddleware(LoginRequiredMiddleware):
    """Every page needs a log-in unless it says otherwise.

    A fragment that is asked for after the session has ended sends the whole page to the
    log-in, and back to where it was. A form that is sent then gets a page with its words.
    """

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """Let everybody in where the settings name the path as open."""
        if request.path_info.startswith(settings.OPEN_PATHS):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        if request.headers.get("HX-Request") != "true":
            if request.method == "POST" and _is_ours(request):
                return signed_out(request)
            return super().handle_no_permission(request, view_func)
        where = urlsplit(request.headers.get("HX-Current-URL", "")).path
        query = urlencode({"next": where}) if where.startswith("/") else ""
        address = f"{settings.LOGIN_URL}?{query}" if query else settings.LOGIN_URL
        return HttpResponse(status=401, headers={"HX-Redirect": address})


# What a form sends that nobody has typed.
_NOT_TYPED = frozenset(
    {"csrfmiddlewaretoken", "key", "version", "round", "checkpoint", "base", "mode"}
    | {"view", "workflow", "kind", "hold", "back", "on", "whole", "item", "at", "edits"}
)
_SECRET = re.compile(r"password|secret|token", re.IGNORECASE)


def _is_ours(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None or "workflows" not in match.namespaces:
        return False
    return match.url_name != "logout"  # whoever leaves has no words to lose


def signed_out(request: HttpRequest) -> HttpResponse:
    """The page for somebody whose session ended before they sent a form: their words.

    The longest stand first: a reason, not the fields that nobody may have touched. The log-in
    leads back to the page of the form, where the browser tells of it.
    """
    words = [
        (name.rpartition("/")[2].replace("_", " ") or name, text)
        for name, texts in request.POST.lists()
        if name not in _NOT_TYPED and "~" not in name and not _SECRET.search(name)
        for text in texts
        if isinstance(text, str) and text.strip()
    ]
    words.sort(key=lambda each: len(each[1]), reverse=True)
    came_from = urlsplit(request.headers.get("Referer", ""))
    address = settings.LOGIN_URL
    if came_from.netloc == request.get_host() and came_from.path.startswith("/"):
        where = urlunsplit(("", "", came_from.path, came_from.query, ""))
        address += "?" + urlencode({"next": where})
    return render(request, "401.html", {"words": words, "login": address}, status=401)
