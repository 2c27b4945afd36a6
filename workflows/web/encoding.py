"""What is sent has to be text that either database can keep.

Django puts a replacement character where bytes are no text, so a damaged answer would be
taken as somebody's words; and PostgreSQL knows no NUL, which is a fault where SQLite looks
for it in vain.
"""

import codecs
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render

from workflows.web.middleware import BodyTooLargeError, too_large

FORM = "application/x-www-form-urlencoded"
FORM_WITH_FILES = "multipart/form-data"
REPLACEMENT = "\ufffd"


class EncodingMiddleware:
    """Refuse what is not UTF-8 in a form, and NUL in an address, before anybody looks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info:
            raise Http404("no address has a NUL in it")
        if request.content_type in {FORM, FORM_WITH_FILES}:
            try:
                fault = form_fault(request)
            except BodyTooLargeError:
                return too_large(request)
            if fault:
                return unreadable(request, fault)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponse | None:
        """Our own pages take a NUL in a query for an unknown word; the admin does not."""
        match = request.resolver_match
        query = unquote_to_bytes(request.META.get("QUERY_STRING", ""))
        if match is not None and match.app_name == "admin" and b"\x00" in query:
            return unreadable(request, "The address holds a NUL character.")
        return None


def form_fault(request: HttpRequest) -> str:
    """Tell which field of a posted form is not UTF-8; empty when all are."""
    charset = request.encoding or "utf-8"
    if codecs.lookup(charset).name != "utf-8":
        return f"A form is sent in UTF-8, not in {charset}."
    request.encoding = "utf-8"
    if request.content_type == FORM_WITH_FILES:
        return _fault_beside_files(request)
    if _is_text(unquote_to_bytes(request.body)):
        return ""
    for pair in request.body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if not _is_text(unquote_to_bytes(value)):
            return _not_text(unquote_to_bytes(name).decode("utf-8", "replace"))
    return _not_text("")


def _fault_beside_files(request: HttpRequest) -> str:
    # A file may hold any bytes: only the fields that the reader had to mend tell.
    if _is_text(request.body):
        return ""
    try:
        fields = request.POST.lists()
    except (MultiPartParserError, SuspiciousOperation):
        return "The form is cut short or has no boundary between its fields."
    for name, values in fields:
        if any(REPLACEMENT in text for text in (name, *values)):
            return _not_text(name)
    return ""


def _is_text(given: bytes) -> bool:
    try:
        given.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _not_text(name: str) -> str:
    return f"The field {name!r} is not UTF-8 text, or holds half a character."


def unreadable(request: HttpRequest, reason: str) -> HttpResponse:
    """The page that says what cannot be read."""
    return render(request, "400.html", {"reason": reason}, status=400)
